//! `FutureExt`, timeouts as methods of futures.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::timeout::{Timeout, timeout, timeout_at};

/// Adds timeouts to every [`Future`].
///
/// The methods have the names, signatures and semantics of tokio-util's `FutureExt`, and use the timers of
/// this crate.
///
/// # Examples
///
/// ```
/// use std::future::pending;
/// use std::time::Duration;
///
/// use tokio_osinterval::FutureExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let answer = async { 7 }.timeout(Duration::from_millis(1)).await;
/// assert_eq!(answer, Ok(7));
/// assert!(pending::<u8>().timeout(Duration::from_millis(1)).await.is_err());
/// # }
/// ```
pub trait FutureExt: Future {
    /// Requires this future to complete before `duration` has elapsed.
    ///
    /// This is [`timeout`] as a method. The error is [`Elapsed`](crate::error::Elapsed).
    ///
    /// # Panics
    ///
    /// This method panics if [`sleep_until`](crate::sleep_until) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the [`Timeout`] drops this future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio::sync::oneshot;
    /// use tokio_osinterval::FutureExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (_sender, receiver) = oneshot::channel::<()>();
    /// assert!(receiver.timeout(Duration::from_micros(300)).await.is_err());
    /// # }
    /// ```
    #[track_caller]
    fn timeout(self, duration: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        timeout(duration, self)
    }

    /// Requires this future to complete before `deadline`.
    ///
    /// This is [`timeout_at`] as a method. The error is [`Elapsed`](crate::error::Elapsed).
    ///
    /// # Panics
    ///
    /// This method panics if [`sleep_until`](crate::sleep_until) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the [`Timeout`] drops this future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio::sync::oneshot;
    /// use tokio::time::Instant;
    /// use tokio_osinterval::FutureExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (_sender, receiver) = oneshot::channel::<()>();
    /// let deadline = Instant::now() + Duration::from_micros(300);
    /// assert!(receiver.timeout_at(deadline).await.is_err());
    /// assert!(Instant::now() >= deadline);
    /// # }
    /// ```
    #[track_caller]
    fn timeout_at(self, deadline: Instant) -> Timeout<Self>
    where
        Self: Sized,
    {
        timeout_at(deadline, self)
    }
}

impl<F: Future + ?Sized> FutureExt for F {}
