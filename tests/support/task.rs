//! A future or a stream that is polled step by step. (`tokio-test` would ask for tokio's `test-util`, and so for
//! another alarm than production's.)

use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;

use super::Count;

pub(crate) struct Task<T> {
    polled: Pin<Box<T>>,
    woken: Arc<Count>,
    /// How often it had been woken when it was polled last.
    seen: usize,
}

pub(crate) fn spawn<T>(polled: T) -> Task<T> {
    Task {
        polled: Box::pin(polled),
        woken: Arc::default(),
        seen: 0,
    }
}

impl<T> Task<T> {
    pub(crate) fn enter<R>(&mut self, poll: impl FnOnce(&mut Context<'_>, Pin<&mut T>) -> R) -> R {
        self.seen = self.woken.get();
        let waker = Waker::from(Arc::clone(&self.woken));
        poll(&mut Context::from_waker(&waker), self.polled.as_mut())
    }

    /// Since it was polled last.
    pub(crate) fn is_woken(&self) -> bool {
        self.woken.get() > self.seen
    }

    pub(crate) fn poll(&mut self) -> Poll<T::Output>
    where
        T: Future,
    {
        self.enter(|cx, future| future.poll(cx))
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

macro_rules! assert_pending {
    ($polled:expr $(, $($why:tt)+)?) => {
        assert!($polled.is_pending() $(, $($why)+)?)
    };
}
pub(crate) use assert_pending;

macro_rules! assert_ready {
    ($polled:expr) => {
        match $polled {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => panic!("pending"),
        }
    };
}
pub(crate) use assert_ready;

macro_rules! assert_ready_eq {
    ($polled:expr, $expected:expr) => {
        assert_eq!($crate::support::task::assert_ready!($polled), $expected)
    };
}
pub(crate) use assert_ready_eq;
