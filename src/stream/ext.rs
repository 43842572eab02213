//! `StreamTimeExt`.

use std::time::Duration;

use futures_core::Stream;

use super::{ChunksTimeout, Throttle, Timeout, TimeoutRepeating};
use crate::interval::OsInterval;

/// Adapters that give a [`Stream`] a deadline or a pace.
///
/// They are those of tokio-stream's `StreamExt` that have to do with time, with the same signatures
/// and semantics, on this crate's timers. Beyond those, durations may be of any length (more than 30
/// years are taken for 30 years), size hints are closer, and the adapters implement
/// [`FusedStream`](futures_core::stream::FusedStream).
///
/// tokio-stream's `StreamExt` has methods of the same names. Where both traits are in scope, call
/// these as functions, `StreamTimeExt::timeout(stream, duration)`, or take the other combinators
/// from `futures::StreamExt`, which has none of them.
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
    /// Slows the stream down, so that its items are at least `duration` apart.
    ///
    /// The first item comes as soon as the stream has it. After each item, the stream is not polled for `duration`.
    /// With a `duration` of zero it is passed through.
    ///
    /// # Precision
    ///
    /// An item is never early. It is as late as the timer: see [the crate's
    /// documentation](crate#platforms). The pause is counted from when an item was handed out, so
    /// lateness adds up; for a steady rate use an [`OsInterval`].
    ///
    /// # Panics
    ///
    /// As [`sleep_until`](crate::sleep_until) does.
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
    /// // Also the end comes 1 ms after the last item.
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
    /// Items become `Ok`. The time is counted from the call of this method, and then anew from each
    /// item. For each item that is late there is one error, at most; the item follows when it
    /// arrives. An item that has arrived comes first, however late it is polled for. With a
    /// `duration` of zero, each item that is not ready at once is preceded by an error.
    ///
    /// # Precision
    ///
    /// An error is never early. It is as late as the timer: see [the crate's
    /// documentation](crate#platforms).
    ///
    /// # Panics
    ///
    /// As [`sleep_until`](crate::sleep_until) does.
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

    /// Yields an error at each tick of `interval` for which the next item has not arrived.
    ///
    /// Items become `Ok`, and each [resets](OsInterval::reset) the interval. Unlike
    /// [`timeout`](Self::timeout), it goes on to report errors until the item arrives. The first tick of an
    /// interval made by [`interval`](crate::interval()) is due at once; to give the first item time, use
    /// [`interval_at`](crate::interval_at). What becomes of ticks that nobody polled for is up to
    /// the interval's [`MissedTickBehavior`](crate::MissedTickBehavior).
    ///
    /// # Precision
    ///
    /// An error is never early. The interval's precision and tolerance are kept.
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

    /// Gathers items into chunks of `max_size`, or fewer if `duration` passes before that.
    ///
    /// The time is counted from the first item of a chunk, so no chunk is empty. It is looked at when the stream has
    /// no item ready: one that always has fills its chunks to `max_size`. At the end of the stream, the last chunk is
    /// yielded without waiting. With a `duration` of zero, a chunk is what is ready at once, up to `max_size`.
    ///
    /// # Precision
    ///
    /// A chunk with fewer than `max_size` items is never early, but for the last one. It is as late as the
    /// timer: see [the crate's documentation](crate#platforms).
    ///
    /// # Panics
    ///
    /// If `max_size` is zero.
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
    /// // Not full, but 1 ms old.
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
