//! `ChunksTimeout`, chunks with a maximum size and age.

use std::future::Future;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

use super::fuse::Fuse;
use crate::sleep::{Sleep, sleep};

pin_project! {
    /// A stream of chunks of the wrapped stream's items, returned by
    /// [`StreamTimeExt::chunks_timeout`](super::StreamTimeExt::chunks_timeout).
    ///
    /// This stream is fused. When the wrapped stream ends, this stream drops it, yields the remaining items
    /// and ends as well. It is not [`Unpin`]; use [`Box::pin`] or [`pin!`](std::pin::pin).
    ///
    /// # Cancel safety
    ///
    /// Dropping a future that waits for the next chunk loses no item. The `ChunksTimeout` keeps the items of
    /// the unfinished chunk. Dropping the `ChunksTimeout` drops these items; see
    /// [`into_remainder`](Self::into_remainder).
    ///
    /// # Panics
    ///
    /// A poll panics if [`sleep`] or [`Sleep`] does. The first item of a chunk creates the chunk's timer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, Iter, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    /// use tokio_osinterval::stream::ChunksTimeout;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let chunks: ChunksTimeout<Iter<_>> =
    ///     stream::iter(0..3).chunks_timeout(2, Duration::from_millis(1));
    /// let mut chunks = pin!(chunks);
    /// assert_eq!(chunks.next().await, Some(vec![0, 1]));
    /// assert_eq!(chunks.next().await, Some(vec![2]));
    /// assert_eq!(chunks.next().await, None);
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct ChunksTimeout<S: Stream> {
        #[pin]
        stream: Fuse<S>,
        // The deadline of `chunk`, unless that is empty.
        #[pin]
        delay: Option<Sleep>,
        duration: Duration,
        chunk: Vec<S::Item>,
        max_size: usize,
    }
}

impl<S: Stream> ChunksTimeout<S> {
    pub(super) fn new(stream: S, max_size: usize, duration: Duration) -> Self {
        Self {
            stream: Fuse::new(stream),
            delay: None,
            duration,
            chunk: Vec::new(),
            max_size,
        }
    }

    /// Takes the items of the unfinished chunk.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, stream, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let stream = stream::iter(0..3).chain(stream::pending());
    /// let mut chunks = Box::pin(stream.chunks_timeout(4, Duration::from_secs(1)));
    /// assert_eq!(chunks.next().now_or_never(), None);
    /// assert_eq!(chunks.as_mut().into_remainder(), [0, 1, 2]);
    /// # }
    /// ```
    #[must_use]
    pub fn into_remainder(self: Pin<&mut Self>) -> Vec<S::Item> {
        let mut this = self.project();
        this.delay.set(None);
        take(this.chunk)
    }
}

impl<S: Stream> Stream for ChunksTimeout<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    if this.chunk.is_empty() {
                        this.delay.set(Some(sleep(*this.duration)));
                    }
                    this.chunk.push(item);
                    if this.chunk.len() >= *this.max_size {
                        break;
                    }
                }
                Poll::Ready(None) if this.chunk.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) => break,
                Poll::Pending => match this.delay.as_mut().as_pin_mut() {
                    None => return Poll::Pending,
                    Some(delay) => {
                        ready!(delay.poll(cx));
                        break;
                    }
                },
            }
        }
        // The timer of a finished chunk would wake the task for nothing.
        this.delay.set(None);
        Poll::Ready(Some(take(this.chunk)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let unfinished = usize::from(!self.chunk.is_empty());
        let (lower, upper) = self.stream.size_hint();
        // There are fewest chunks if all are full, and most if each remaining item is a chunk.
        let lower = (self.chunk.len().saturating_add(lower)).div_ceil(self.max_size);
        let upper = upper.and_then(|upper| upper.checked_add(unfinished));
        (lower, upper)
    }
}

impl<S: Stream> FusedStream for ChunksTimeout<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_done() && self.chunk.is_empty()
    }
}
