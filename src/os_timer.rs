//! `OsTimer`, a timer for hyper.

use std::cell::Cell;
use std::pin::Pin;
use std::time::{Duration, Instant};

use hyper::rt;
use tokio::time;

use crate::driver::Entry;
use crate::sleep::{Sleep, sleep};
use crate::sync::thread_static;

/// A timer for hyper 1 that uses the operating system's timers.
///
/// This type takes the place of hyper-util's `TokioTimer`. hyper has no timer of its own. It panics if you
/// set a timeout, such as `header_read_timeout` of HTTP/1 or `keep_alive_interval` of HTTP/2, without a
/// timer. Pass an `OsTimer` to the `timer` method of a connection builder of hyper or hyper-util.
///
/// The timer creates [`Sleep`]s, which implement [`hyper::rt::Sleep`]. `reset` moves such a sleep in place
/// and allocates nothing. With the feature `test-util`, the sleeps and [`now`](rt::Timer::now) follow tokio's
/// paused clock.
///
/// # Precision
///
/// A timeout never ends early. Its lateness is that of the operating system's timer; see
/// [the crate's documentation](crate#platforms).
///
/// # Panics
///
/// The methods `sleep` and `sleep_until` panic if [`sleep_until`](crate::sleep_until) does. hyper calls them while it polls a
/// connection, so poll connections in a tokio runtime.
///
/// # Examples
///
/// Close a connection if the header of a request does not arrive within 250 ms.
///
/// ```no_run
/// use std::convert::Infallible;
/// use std::time::Duration;
///
/// use hyper::server::conn::http1;
/// use hyper::service::service_fn;
/// use hyper::{Request, Response, body::Incoming};
/// use hyper_util::rt::TokioIo;
/// use tokio::net::TcpListener;
/// use tokio_osinterval::OsTimer;
///
/// async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new("hello\n".to_owned()))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     let connection = http1::Builder::new()
///         .timer(OsTimer::new())
///         .header_read_timeout(Duration::from_millis(250))
///         .serve_connection(TokioIo::new(stream), service_fn(hello));
///     tokio::spawn(connection);
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OsTimer;

impl OsTimer {
    /// Creates a timer.
    ///
    /// The timer has no state. Each sleep belongs to the runtime that is current when the sleep is created.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyper::rt::Timer;
    /// use std::time::{Duration, Instant};
    /// use tokio_osinterval::OsTimer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let timer = OsTimer::new();
    /// let mut sleep = timer.sleep(Duration::from_secs(3600));
    /// timer.reset(&mut sleep, timer.now() + Duration::from_millis(1));
    /// sleep.await; // Takes 1 ms, not an hour.
    /// # }
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// A sleep whose deadline is farther away than this need not read the clock at its first poll. It is far more than
/// hyper takes between `now` and `sleep_until`.
const LONG: Duration = Duration::from_millis(100);

thread_static! {
    /// The time that `now` returned last on this thread. hyper computes the deadline of a request's header from
    /// it, creates a sleep until then, and drops the sleep when the header has arrived. So `sleep_until` knows
    /// that the deadline is far away without reading the clock again. A reading serves one sleep, since it becomes
    /// outdated.
    static NOW: Cell<Option<time::Instant>> = Cell::new(None);
}

impl rt::Timer for OsTimer {
    #[track_caller]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(sleep(duration))
    }

    #[track_caller]
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        let deadline = deadline.into();
        let long_from = |now: time::Instant| now.checked_add(LONG);
        let entry = match NOW.with(Cell::take) {
            Some(now) if long_from(now).is_some_and(|far| deadline > far) => {
                Entry::current_for(now, LONG)
            }
            _ => Entry::current(),
        };
        Box::pin(Sleep::new(entry, deadline))
    }

    /// Returns the current time by tokio's clock.
    ///
    /// hyper computes deadlines from this time, and the sleeps follow the same clock.
    fn now(&self) -> Instant {
        let now = time::Instant::now();
        NOW.with(|last| last.set(Some(now)));
        now.into_std()
    }

    /// Moves the deadline of `sleep`, in place if it is a [`Sleep`]. Replaces a sleep of another timer.
    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        if let Some(sleep) = sleep.as_mut().downcast_mut_pin::<Sleep>() {
            sleep.reset(deadline.into());
        } else {
            *sleep = self.sleep_until(deadline);
        }
    }
}

impl rt::Sleep for Sleep {}
