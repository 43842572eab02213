//! `Fuse`, a stream that is not polled after its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// Drops the wrapped stream at its end, so that its resources do not live as long as the adapter.
    #[derive(Debug)]
    pub(super) struct Fuse<S> {
        #[pin]
        stream: Option<S>,
    }
}

impl<S> Fuse<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream: Some(stream),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stream.is_none()
    }
}

impl<S: Stream> Stream for Fuse<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut wrapped = self.project().stream;
        let Some(stream) = wrapped.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let polled = stream.poll_next(cx);
        if let Poll::Ready(None) = polled {
            wrapped.set(None);
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}
