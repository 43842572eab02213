//! `IntervalStream`, the ticks of an `OsInterval`.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::time::Instant;

use crate::interval::OsInterval;

/// A [`Stream`] of the deadlines of an [`OsInterval`]'s ticks.
///
/// The stream never ends. Its items are the values that [`OsInterval::tick`] returns.
///
/// # Panics
///
/// A poll panics if [`OsInterval::poll_tick`] does.
///
/// # Cancel safety
///
/// Dropping a future that waits for the next item loses no tick.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use futures::StreamExt;
/// use tokio_osinterval::{IntervalStream, interval};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ticks = IntervalStream::new(interval(Duration::from_millis(1)));
/// let deadlines: Vec<_> = ticks.take(3).collect().await;
/// assert_eq!(deadlines[2] - deadlines[0], Duration::from_millis(2));
/// # }
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct IntervalStream {
    interval: OsInterval,
}

impl IntervalStream {
    /// Creates a stream of the ticks of `interval`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::StreamExt;
    /// use tokio_osinterval::{IntervalStream, interval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut ticks = IntervalStream::new(interval(Duration::from_millis(1)));
    /// assert!(ticks.next().await.is_some());
    /// # }
    /// ```
    pub fn new(interval: OsInterval) -> Self {
        Self { interval }
    }

    /// Returns the interval. No tick is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::{IntervalStream, interval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let stream = IntervalStream::new(interval(Duration::from_millis(1)));
    /// stream.into_inner().tick().await;
    /// # }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> OsInterval {
        self.interval
    }
}

impl Stream for IntervalStream {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.interval.poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedStream for IntervalStream {
    fn is_terminated(&self) -> bool {
        false
    }
}

impl AsRef<OsInterval> for IntervalStream {
    fn as_ref(&self) -> &OsInterval {
        &self.interval
    }
}

impl AsMut<OsInterval> for IntervalStream {
    fn as_mut(&mut self) -> &mut OsInterval {
        &mut self.interval
    }
}
