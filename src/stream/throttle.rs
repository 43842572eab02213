//! `Throttle`, a minimum time between items.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::saturating;
use crate::sleep::{Sleep, sleep};

pin_project! {
    /// A stream whose items are at least a duration apart, returned by
    /// [`StreamTimeExt::throttle`](super::StreamTimeExt::throttle).
    ///
    /// This stream does not buffer. It polls the wrapped stream only when it may yield the next item. It is
    /// not [`Unpin`]; use [`Box::pin`] or [`pin!`](std::pin::pin).
    ///
    /// # Cancel safety
    ///
    /// Dropping a future that waits for the next item loses no item and does not restart the delay. Dropping
    /// the `Throttle` drops the wrapped stream.
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
    /// use futures::stream::{self, Iter, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    /// use tokio_osinterval::stream::Throttle;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let paced: Throttle<Iter<_>> = stream::iter(0..3).throttle(Duration::from_millis(1));
    /// let mut paced = pin!(paced);
    /// while let Some(n) = paced.next().await {
    ///     println!("{n}");
    /// }
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Throttle<S> {
        #[pin]
        delay: Sleep,
        duration: Duration,
        // True from an item until `delay` has elapsed.
        delaying: bool,
        #[pin]
        stream: S,
    }
}

impl<S> Throttle<S> {
    #[track_caller]
    pub(super) fn new(stream: S, duration: Duration) -> Self {
        Self {
            delay: sleep(duration),
            duration,
            delaying: false,
            stream,
        }
    }

    /// Returns a reference to the wrapped stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, Stream};
    /// use tokio_osinterval::StreamTimeExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let paced = stream::iter(0..3).throttle(Duration::from_millis(1));
    /// assert_eq!(paced.get_ref().size_hint(), (3, Some(3)));
    /// # }
    /// ```
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns a mutable reference to the wrapped stream.
    ///
    /// An item that you take from the wrapped stream does not delay the next item.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut paced = stream::iter(0..3).throttle(Duration::from_millis(1));
    /// assert_eq!(paced.get_mut().next().await, Some(0));
    /// # }
    /// ```
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns the wrapped stream. No item is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::stream::{self, StreamExt};
    /// use tokio_osinterval::StreamTimeExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let paced = stream::iter(0..3).throttle(Duration::from_millis(1));
    /// let all: Vec<_> = paced.into_inner().collect().await;
    /// assert_eq!(all, [0, 1, 2]);
    /// # }
    /// ```
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Stream> Stream for Throttle<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if *this.delaying {
            ready!(this.delay.as_mut().poll(cx));
            *this.delaying = false;
        }
        let item = ready!(this.stream.poll_next(cx));
        if item.is_some() && !this.duration.is_zero() {
            this.delay
                .reset(saturating::after(Instant::now(), *this.duration));
            *this.delaying = true;
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: FusedStream> FusedStream for Throttle<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}
