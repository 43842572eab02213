//! `Timeout`, a deadline for each item of a stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::fuse::Fuse;
use crate::saturating;
use crate::sleep::{Sleep, sleep};
use crate::timeout::Elapsed;

pin_project! {
    /// A stream that yields an error when an item is late, returned by
    /// [`StreamTimeExt::timeout`](super::StreamTimeExt::timeout).
    ///
    /// This stream is fused. When the wrapped stream ends, this stream drops it and ends as well. It is not
    /// [`Unpin`]; use [`Box::pin`] or [`pin!`](std::pin::pin).
    ///
    /// # Cancel safety
    ///
    /// Dropping a future that waits for the next item loses no item and does not restart the timeout.
    /// Dropping the `Timeout` drops the wrapped stream.
    ///
    /// # Panics
    ///
    /// A poll panics if [`Sleep`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, Pending, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    /// use tokio_osinterval::stream::Timeout;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let silent: Timeout<Pending<u8>> = stream::pending().timeout(Duration::from_millis(1));
    /// assert!(pin!(silent).next().await.unwrap().is_err());
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Timeout<S> {
        #[pin]
        stream: Fuse<S>,
        #[pin]
        delay: Sleep,
        duration: Duration,
        // False from a timeout until the late item arrives, and after the end.
        may_time_out: bool,
    }
}

impl<S> Timeout<S> {
    #[track_caller]
    pub(super) fn new(stream: S, duration: Duration) -> Self {
        Self {
            stream: Fuse::new(stream),
            delay: sleep(duration),
            duration,
            may_time_out: true,
        }
    }
}

impl<S: Stream> Stream for Timeout<S> {
    type Item = Result<S::Item, Elapsed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            *this.may_time_out = item.is_some();
            if item.is_some() {
                this.delay
                    .reset(saturating::after(Instant::now(), *this.duration));
            }
            return Poll::Ready(item.map(Ok));
        }
        if !*this.may_time_out {
            return Poll::Pending;
        }
        ready!(this.delay.poll(cx));
        *this.may_time_out = false;
        Poll::Ready(Some(Err(Elapsed::new())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.stream.size_hint();
        // A timeout may come before each item and before the end, unless the next one has come already.
        let next = usize::from(self.may_time_out);
        let upper = upper.and_then(|items| items.checked_mul(2)?.checked_add(next));
        (lower, upper)
    }
}

impl<S: Stream> FusedStream for Timeout<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_done()
    }
}
