//! `Timeout`, `timeout` and `timeout_at`.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::coop;
use tokio::time::Instant;

use crate::driver::Entry;
use crate::sleep::{Sleep, sleep_until};

/// Requires `future` to complete before `duration` has elapsed.
///
/// Returns the output of `future`, or [`Elapsed`] if `duration` elapses first. There is no deadline if it
/// lies beyond what [`Instant`] can express.
///
/// # Panics
///
/// This function panics if [`sleep_until`] does.
///
/// # Cancel safety
///
/// Dropping the [`Timeout`] drops `future`. To keep `future`, pass it by reference and pinned.
///
/// # Examples
///
/// ```
/// use std::future::pending;
/// use std::time::Duration;
/// use tokio_osinterval::timeout;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(timeout(Duration::from_millis(1), async { 7 }).await, Ok(7));
/// assert!(timeout(Duration::from_millis(1), pending::<()>()).await.is_err());
/// # }
/// ```
#[inline]
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    let now = Instant::now();
    // An instant that the clock cannot express is no deadline, as in tokio. A closure would lose the caller's
    // location.
    #[allow(clippy::manual_map)]
    let delay = match now.checked_add(duration) {
        Some(deadline) => Some(Sleep::new(Entry::current_for(now, duration), deadline)),
        None => None,
    };
    Timeout {
        value: future.into_future(),
        delay,
    }
}

/// Requires `future` to complete before `deadline`.
///
/// Returns the output of `future`, or [`Elapsed`] if `deadline` passes first.
///
/// # Panics
///
/// This function panics if [`sleep_until`] does.
///
/// # Cancel safety
///
/// Dropping the [`Timeout`] drops `future`. To keep `future`, pass it by reference and pinned.
///
/// # Examples
///
/// ```
/// use std::future::pending;
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let deadline = Instant::now() + Duration::from_millis(1);
/// assert!(tokio_osinterval::timeout_at(deadline, pending::<()>()).await.is_err());
/// assert!(Instant::now() >= deadline);
/// # }
/// ```
#[inline]
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        value: future.into_future(),
        delay: Some(sleep_until(deadline)),
    }
}

pin_project! {
    /// A future with a deadline, returned by [`timeout`] and [`timeout_at`].
    ///
    /// It has the methods of [`tokio::time::Timeout`], with the same semantics. Each poll polls the wrapped
    /// future first. If that is ready, the poll returns its output, even after the deadline.
    ///
    /// # Precision
    ///
    /// A timeout never ends early. Its lateness is that of a [`Sleep`].
    ///
    /// # Cancel safety
    ///
    /// Dropping a timeout drops the wrapped future. It is as cancel safe as that.
    ///
    /// # Panics
    ///
    /// A poll panics if [`Sleep`] does. It propagates a panic of the wrapped future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use std::time::Duration;
    /// use tokio_osinterval::{Timeout, timeout};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let guarded: Timeout<Ready<u32>> = timeout(Duration::from_millis(1), ready(7));
    /// assert_eq!(guarded.await, Ok(7));
    /// # }
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[derive(Debug)]
    pub struct Timeout<T> {
        #[pin]
        value: T,
        #[pin]
        delay: Option<Sleep>,
    }
}

impl<T> Timeout<T> {
    /// Returns a reference to the wrapped future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::ready;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let timeout = tokio_osinterval::timeout(Duration::from_secs(1), ready(7));
    /// let _: &std::future::Ready<i32> = timeout.get_ref();
    /// # }
    /// ```
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// Returns a mutable reference to the wrapped future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::ready;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut timeout = tokio_osinterval::timeout(Duration::from_secs(1), ready(7));
    /// *timeout.get_mut() = ready(8);
    /// assert_eq!(timeout.await, Ok(8));
    /// # }
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// Returns the wrapped future, without the deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::ready;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let timeout = tokio_osinterval::timeout(Duration::from_secs(1), ready(7));
    /// assert_eq!(timeout.into_inner().await, 7);
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let had_budget = coop::has_budget_remaining();
        if let Poll::Ready(value) = this.value.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        let Some(delay) = this.delay.as_pin_mut() else {
            return Poll::Pending;
        };
        // A future that spends the whole budget at each poll must not hide that its deadline has passed.
        let future_spent_budget = had_budget && !coop::has_budget_remaining();
        let elapsed = if future_spent_budget {
            pin!(coop::unconstrained(delay)).poll(cx)
        } else {
            delay.poll(cx)
        };
        elapsed.map(|()| Err(Elapsed::new()))
    }
}

/// The error of a [`Timeout`] whose deadline has passed.
///
/// The adapters of streams that have a deadline for each item return it, too. It converts into an
/// [`io::Error`] of the kind [`io::ErrorKind::TimedOut`].
///
/// # Examples
///
/// ```
/// use std::future::pending;
/// use std::io;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let elapsed = tokio_osinterval::timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
/// assert_eq!(elapsed.to_string(), "deadline has elapsed");
/// assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed {
    _private: (),
}

impl Elapsed {
    pub(crate) fn new() -> Self {
        Self { _private: () }
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> Self {
        io::ErrorKind::TimedOut.into()
    }
}
