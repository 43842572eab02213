//! `StreamTimeExt`, the adapters of streams as methods.

use std::time::Duration;

use futures_core::Stream;

use super::{ChunksTimeout, Throttle, Timeout, TimeoutRepeating};
use crate::interval::OsInterval;

/// Adds adapters with deadlines and pace limits to every [`Stream`].
///
/// The methods have the names, signatures and semantics of the timed adapters of tokio-stream's `StreamExt`,
/// and use the timers of this crate. There are three additions: a duration may be of any length (more than 30
/// years are clamped to 30 years), size hints are tighter, and the adapters implement
/// [`FusedStream`](futures_core::stream::FusedStream).
///
/// tokio-stream's `StreamExt` has methods of the same names. If both traits are in scope, call the methods of
/// this trait as functions: `StreamTimeExt::timeout(stream, duration)`. Or import `futures::StreamExt` in
/// place of tokio-stream's: it has none of these methods.
///
/// # Examples
///
/// ```
/// use std::pin::pin;
/// use std::time::Duration;
///
/// use futures::stream::{self, StreamExt};
/// use tokio_osinterval::StreamTimeExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let readings = stream::iter([20.5, 20.6, 20.6])
///     .throttle(Duration::from_micros(500))
///     .timeout(Duration::from_secs(1));
/// let mut readings = pin!(readings);
/// while let Some(reading) = readings.next().await {
///     println!("{:?}", reading.expect("a reading each 500 µs"));
/// }
/// # }
/// ```
pub trait StreamTimeExt: Stream {
    /// Slows the stream down so that its items are at least `duration` apart.
    ///
    /// The first item is not delayed. After each item, the stream is not polled for `duration`. A `duration`
    /// of zero delays nothing.
    ///
    /// # Precision
    ///
    /// An item is never early. Its lateness is that of a [`Sleep`](crate::Sleep); see
    /// [the crate's documentation](crate#platforms). Each delay begins when an item is yielded, so lateness
    /// adds up. Use an [`OsInterval`] for a steady rate.
    ///
    /// # Panics
    ///
    /// This method panics if [`sleep_until`](crate::sleep_until) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, StreamExt};
    /// use tokio::time::Instant;
    /// use tokio_osinterval::StreamTimeExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let start = Instant::now();
    /// let mut paced = pin!(stream::iter(0..3).throttle(Duration::from_millis(1)));
    /// while let Some(n) = paced.next().await {
    ///     println!("{n}");
    /// }
    /// // The end of the stream comes 1 ms after the last item.
    /// assert!(start.elapsed() >= Duration::from_millis(3));
    /// # }
    /// ```
    #[track_caller]
    fn throttle(self, duration: Duration) -> Throttle<Self>
    where
        Self: Sized,
    {
        Throttle::new(self, duration)
    }

    /// Yields an error when the next item does not arrive within `duration`.
    ///
    /// An item becomes `Ok(item)`. The time for the first item begins with the call of this method, and the
    /// time for every other item with the previous item. A late item causes one error, and follows when it
    /// arrives. A poll checks for an item first, so an item that has arrived causes no error, even if it is
    /// polled late. With a `duration` of zero, every item that is not ready immediately causes an error.
    ///
    /// # Precision
    ///
    /// An error is never early. Its lateness is that of a [`Sleep`](crate::Sleep); see
    /// [the crate's documentation](crate#platforms).
    ///
    /// # Panics
    ///
    /// This method panics if [`sleep_until`](crate::sleep_until) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, StreamExt};
    /// use tokio_osinterval::{StreamTimeExt, sleep};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let slow = stream::iter([0, 50]).then(|wait| async move {
    ///     sleep(Duration::from_millis(wait)).await;
    ///     wait
    /// });
    /// let mut guarded = pin!(slow.timeout(Duration::from_millis(20)));
    /// assert_eq!(guarded.next().await, Some(Ok(0)));
    /// assert!(guarded.next().await.unwrap().is_err());
    /// assert_eq!(guarded.next().await, Some(Ok(50)));
    /// assert_eq!(guarded.next().await, None);
    /// # }
    /// ```
    #[track_caller]
    fn timeout(self, duration: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(self, duration)
    }

    /// Yields an error at each tick of `interval` until the next item arrives.
    ///
    /// An item becomes `Ok(item)` and [resets](OsInterval::reset) the interval. Unlike
    /// [`timeout`](Self::timeout), this method yields more than one error for a late item. The first tick of
    /// [`interval`](crate::interval()) is due immediately; use [`interval_at`](crate::interval_at) to give
    /// the first item time. The interval's [`MissedTickBehavior`](crate::MissedTickBehavior) applies to
    /// missed ticks.
    ///
    /// # Precision
    ///
    /// An error is never early. The precision and the tolerance of `interval` apply.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, StreamExt};
    /// use tokio_osinterval::time::Instant;
    /// use tokio_osinterval::{StreamTimeExt, interval_at};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let period = Duration::from_millis(1);
    /// let silent = stream::pending::<u8>();
    /// let mut watched = silent.timeout_repeating(interval_at(Instant::now() + period, period));
    /// for _ in 0..3 {
    ///     assert!(watched.next().await.unwrap().is_err());
    /// }
    /// # }
    /// ```
    fn timeout_repeating(self, interval: OsInterval) -> TimeoutRepeating<Self>
    where
        Self: Sized,
    {
        TimeoutRepeating::new(self, interval)
    }

    /// Collects items into chunks of `max_size`, or of fewer items if `duration` elapses first.
    ///
    /// The time begins with the first item of a chunk, so no chunk is empty. A poll checks the time only if
    /// the stream has no item ready: a stream that always has one fills its chunks to `max_size`. At the end
    /// of the stream, the last chunk follows immediately. With a `duration` of zero, a chunk has the items
    /// that are ready immediately, up to `max_size`.
    ///
    /// # Precision
    ///
    /// A chunk with fewer than `max_size` items is never early, except at the end of the stream. Its lateness
    /// is that of a [`Sleep`](crate::Sleep); see [the crate's documentation](crate#platforms).
    ///
    /// # Panics
    ///
    /// This method panics if `max_size` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let lines = stream::iter(["a", "b", "c"]).chain(stream::pending());
    /// let mut batches = pin!(lines.chunks_timeout(2, Duration::from_millis(1)));
    /// assert_eq!(batches.next().await, Some(vec!["a", "b"]));
    /// // This chunk is not full, but 1 ms old.
    /// assert_eq!(batches.next().await, Some(vec!["c"]));
    /// # }
    /// ```
    #[track_caller]
    fn chunks_timeout(self, max_size: usize, duration: Duration) -> ChunksTimeout<Self>
    where
        Self: Sized,
    {
        assert!(max_size > 0, "`max_size` must be non-zero.");
        ChunksTimeout::new(self, max_size, duration)
    }
}

impl<S: Stream + ?Sized> StreamTimeExt for S {}
