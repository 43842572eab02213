//! `Timeout`, of a stream.

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
    /// A stream that reports when its next item does not arrive in time; made by
    /// [`StreamTimeExt::timeout`](super::StreamTimeExt::timeout).
    ///
    /// It is fused: after the end of the wrapped stream, which it drops then, it stays at its end. It
    /// is not [`Unpin`]: use [`Box::pin`] or [`pin!`](std::pin::pin).
    ///
    /// # Cancel safety
    ///
    /// Dropping a future that waits for the next item loses neither an item nor the time that has
    /// passed. Dropping the `Timeout` drops the wrapped stream.
    ///
    /// # Panics
    ///
    /// As [`Sleep`].
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
        // Not set between a timeout that was reported and the item that is late.
        counting: bool,
    }
}

impl<S> Timeout<S> {
    #[track_caller]
    pub(super) fn new(stream: S, duration: Duration) -> Self {
        Self {
            stream: Fuse::new(stream),
            delay: sleep(duration),
            duration,
            counting: true,
        }
    }
}

impl<S: Stream> Stream for Timeout<S> {
    type Item = Result<S::Item, Elapsed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            if item.is_some() {
                this.delay
                    .reset(saturating::after(Instant::now(), *this.duration));
                *this.counting = true;
            }
            return Poll::Ready(item.map(Ok));
        }
        if !*this.counting {
            return Poll::Pending;
        }
        ready!(this.delay.poll(cx));
        *this.counting = false;
        Poll::Ready(Some(Err(Elapsed::new())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.stream.size_hint();
        // At most one timeout before each item, and one before the end.
        let upper = upper.and_then(|upper| upper.checked_mul(2)?.checked_add(1));
        (lower, upper)
    }
}

impl<S: Stream> FusedStream for Timeout<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_done()
    }
}
