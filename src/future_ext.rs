//! `FutureExt`.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::timeout::{Timeout, timeout, timeout_at};

/// Timeouts as methods of a [`Future`].
///
/// They are those of tokio-util's `FutureExt` that have to do with time, with the same signatures
/// and semantics, on this crate's timers.
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
    /// Waits for this future, but no longer than `duration`: [`timeout`] as a method.
    ///
    /// # Panics
    ///
    /// As [`sleep_until`](crate::sleep_until) does.
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

    /// Waits for this future, but not beyond `deadline`: [`timeout_at`] as a method.
    ///
    /// # Panics
    ///
    /// As [`sleep_until`](crate::sleep_until) does.
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
