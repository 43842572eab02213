//! One timer's place in its driver's queue: all that an interval, a sleep or a timeout needs of it.

use std::any::Any;
use std::marker::PhantomData;
use std::task::{Context, Poll, ready};

use tokio::task::coop;
use tokio::time::Instant;

use super::Driver;
use super::queue::Key;
use crate::sync::Arc;

#[derive(Debug)]
pub(crate) struct Entry {
    driver: Arc<Driver>,
    /// `None` until the first wait: a timer that is never waited for costs the queue nothing.
    key: Option<Key>,
    /// Whether the queue may hold a waker of ours. It may have let go of it unasked, by firing.
    waiting: bool,
    /// Not unwind safe: tokio's timers are not, and that we could be is nothing to promise.
    _not_unwind_safe: PhantomData<Box<dyn Any + Send + Sync>>,
}

impl Entry {
    pub(crate) fn new(driver: Arc<Driver>) -> Self {
        Self {
            driver,
            key: None,
            waiting: false,
            _not_unwind_safe: PhantomData,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.driver.now()
    }

    /// Waits for `deadline`; returns the time at which it was found to have passed.
    ///
    /// Takes part in tokio's cooperative budget, also when `deadline` has passed already.
    ///
    /// # Panics
    ///
    /// If it has to wait and the driver is dead.
    #[track_caller]
    pub(crate) fn poll_elapsed(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
    ) -> Poll<Instant> {
        let coop = ready!(coop::poll_proceed(cx));
        let now = self.driver.now();
        if now >= deadline {
            self.cancel();
            coop.made_progress();
            return Poll::Ready(now);
        }
        self.wait(deadline, cx);
        Poll::Pending
    }

    /// If a task waits in this entry, has it woken at `deadline` instead.
    pub(crate) fn postpone(&self, deadline: Instant) {
        if let (Some(key), true) = (self.key, self.waiting) {
            self.driver.postpone(key, deadline);
        }
    }

    #[track_caller]
    fn wait(&mut self, deadline: Instant, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        if let Err(why) = self.driver.wait(&mut self.key, deadline, waker) {
            panic!("{why}");
        }
        self.waiting = true;
    }

    /// Keeps no waker after `Ready`.
    fn cancel(&mut self) {
        if let (Some(key), true) = (self.key, self.waiting) {
            self.waiting = false;
            self.driver.cancel(key);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.driver.leave(key);
        }
    }
}
