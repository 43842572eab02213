//! Polls a future or a stream step by step. `tokio-test` would enable tokio's `test-util`, and with it
//! another alarm than the one in production.

use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;

use super::CountingWaker;

pub(crate) struct Task<T> {
    polled: Pin<Box<T>>,
    waker: CountingWaker,
    /// The waker's count at the last poll.
    wakes_at_poll: usize,
}

pub(crate) fn spawn<T>(polled: T) -> Task<T> {
    Task {
        polled: Box::pin(polled),
        waker: CountingWaker::new(),
        wakes_at_poll: 0,
    }
}

impl<T> Task<T> {
    fn enter<R>(&mut self, poll: impl FnOnce(&mut Context<'_>, Pin<&mut T>) -> R) -> R {
        self.wakes_at_poll = self.waker.wakes();
        poll(&mut Context::from_waker(&self.waker), self.polled.as_mut())
    }

    /// Returns `true` if the task was woken after its last poll.
    pub(crate) fn is_woken(&self) -> bool {
        self.waker.wakes() > self.wakes_at_poll
    }

    pub(crate) fn poll(&mut self) -> Poll<T::Output>
    where
        T: Future,
    {
        self.enter(|cx, future| future.poll(cx))
    }

    /// Polls the stream, which must be ready.
    #[track_caller]
    pub(crate) fn next_now(&mut self) -> Option<T::Item>
    where
        T: Stream,
    {
        match self.poll_next() {
            Poll::Ready(item) => item,
            Poll::Pending => panic!("pending"),
        }
    }

    pub(crate) fn poll_next(&mut self) -> Poll<Option<T::Item>>
    where
        T: Stream,
    {
        self.enter(|cx, stream| stream.poll_next(cx))
    }
}

impl<T: Unpin> Deref for Task<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.polled
    }
}

impl<T: Unpin> DerefMut for Task<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.polled
    }
}
