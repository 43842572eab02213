//! `TimeoutRepeating`, repeated timeouts for each item of a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

use super::fuse::Fuse;
use crate::interval::OsInterval;
use crate::timeout::Elapsed;

pin_project! {
    /// A stream that yields errors repeatedly while an item is late, returned by
    /// [`StreamTimeExt::timeout_repeating`](super::StreamTimeExt::timeout_repeating).
    ///
    /// This stream is fused. When the wrapped stream ends, this stream drops it and ends as well. It is
    /// [`Unpin`] if the wrapped stream is.
    ///
    /// # Cancel safety
    ///
    /// Dropping a future that waits for the next item loses no item and no tick. Dropping the
    /// `TimeoutRepeating` drops the wrapped stream.
    ///
    /// # Panics
    ///
    /// A poll panics if [`OsInterval::poll_tick`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, Pending, StreamExt};
    /// use tokio_osinterval::stream::TimeoutRepeating;
    /// use tokio_osinterval::{StreamTimeExt, interval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut silent: TimeoutRepeating<Pending<u8>> =
    ///     stream::pending().timeout_repeating(interval(Duration::from_millis(1)));
    /// assert!(silent.next().await.unwrap().is_err());
    /// assert!(silent.next().await.unwrap().is_err());
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct TimeoutRepeating<S> {
        #[pin]
        stream: Fuse<S>,
        interval: OsInterval,
    }
}

impl<S> TimeoutRepeating<S> {
    pub(super) fn new(stream: S, interval: OsInterval) -> Self {
        Self {
            stream: Fuse::new(stream),
            interval,
        }
    }
}

impl<S: Stream> Stream for TimeoutRepeating<S> {
    type Item = Result<S::Item, Elapsed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            if item.is_some() {
                this.interval.reset();
            }
            return Poll::Ready(item.map(Ok));
        }
        ready!(this.interval.poll_tick(cx));
        Poll::Ready(Some(Err(Elapsed::new())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Any number of timeouts may come before each item, and before the end.
        match self.stream.size_hint() {
            _ if self.stream.is_done() => (0, Some(0)),
            (lower, _) => (lower, None),
        }
    }
}

impl<S: Stream> FusedStream for TimeoutRepeating<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_done()
    }
}
