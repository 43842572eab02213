//! `OsTimer`: this crate's sleeps for hyper.

use std::cell::Cell;
use std::pin::Pin;
use std::time::{Duration, Instant};

use hyper::rt;
use tokio::time;

use crate::driver::Entry;
use crate::sleep::{Sleep, sleep};
use crate::sync::of_thread;

/// hyper's timer, on the operating system's own: what hyper-util's `TokioTimer` is on tokio's.
///
/// hyper 1 has no timer of its own, and panics when a timeout is set where none was handed to it: HTTP/1's
/// `header_read_timeout`, say, or HTTP/2's `keep_alive_interval`. Hand this one to the `timer`
/// method of hyper's connection builders; those of hyper-util take it as well.
///
/// Its sleeps are [`Sleep`]s, which implement [`hyper::rt::Sleep`]. Resetting one moves it in place and
/// allocates nothing. With the feature `test-util` they, and [`now`](rt::Timer::now), follow tokio's paused clock.
///
/// # Precision
///
/// A timeout is never early, and as late as the operating system's own timer: see [the crate's
/// documentation](crate#platforms).
///
/// # Panics
///
/// Its methods `sleep` and `sleep_until` panic where [`sleep_until`](crate::sleep_until) does: connections have to be
/// polled in a tokio runtime.
///
/// # Examples
///
/// A connection that is closed if the header of a request does not arrive within 250 ms:
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
    /// Creates a timer. It holds nothing: each sleep takes the runtime that is current.
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
    /// sleep.await; // not an hour
    /// # }
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// A wait that is longer need not be known exactly: it is far off.
const LONG: Duration = Duration::from_millis(100);

of_thread! {
    /// The time as hyper was told it last. It computes a deadline from it, and asks for a sleep until then: for
    /// each request one, which it drops when the header has come. So a sleep that is far off is known to be
    /// without another look at the clock.
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
        let entry = match NOW.with(Cell::get) {
            Some(now) if long_from(now).is_some_and(|far| deadline > far) => {
                Entry::current_for(now, LONG)
            }
            _ => Entry::current(),
        };
        Box::pin(Sleep::new(entry, deadline))
    }

    /// The time by tokio's clock: deadlines are computed from it, so it is the one that sleeps go by.
    fn now(&self) -> Instant {
        let now = time::Instant::now();
        NOW.with(|last| last.set(Some(now)));
        now.into_std()
    }

    /// Moves the deadline of a sleep of this crate's in place. Another timer's is replaced.
    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        if let Some(ours) = sleep.as_mut().downcast_mut_pin::<Sleep>() {
            ours.reset(deadline.into());
        } else {
            *sleep = self.sleep_until(deadline);
        }
    }
}

impl rt::Sleep for Sleep {}
