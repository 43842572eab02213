//! One timer's place in its driver's queue: all that an interval, a sleep or a timeout needs of it.

use std::any::Any;
use std::hint;
use std::marker::PhantomData;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop;
use tokio::time::Instant;

use super::Driver;
use super::queue::{Key, Span};
use crate::precision::Aim;
use crate::sync::Arc;

/// How long a task that spins looks at the clock before the others have their turn: long enough
/// that it costs them little to be asked so often, short enough that they need not wait for it.
const TURN: Duration = Duration::from_micros(3);

#[derive(Debug)]
pub(crate) struct Entry {
    driver: Arc<Driver>,
    /// `None` until the first wait: a timer that is never waited for costs the queue nothing.
    key: Option<Key>,
    /// Whether the queue may hold a waker of ours. It may have let go of it unasked, by firing.
    waiting: bool,
    aim: Aim,
    /// Since when it has been looking at the clock, by one that nobody can pause.
    spinning: Option<std::time::Instant>,
    /// Not unwind safe: tokio's timers are not, and that we could be is nothing to promise.
    _not_unwind_safe: PhantomData<Box<dyn Any + Send + Sync>>,
}

impl Entry {
    pub(crate) fn new(driver: Arc<Driver>) -> Self {
        Self {
            driver,
            key: None,
            waiting: false,
            aim: Aim::default(),
            spinning: None,
            _not_unwind_safe: PhantomData,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.driver.now()
    }

    /// Sets what it aims at. A task that waits already does so in the old way, until it is
    /// [postponed](Self::postpone).
    pub(crate) fn aim(&mut self, set: impl FnOnce(&mut Aim)) {
        set(&mut self.aim);
    }

    pub(crate) fn aims_at(&self) -> Aim {
        self.aim
    }

    /// Waits for `deadline`; returns the time at which it was found to have passed. It spins for no
    /// longer than `most`.
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
        most: Duration,
    ) -> Poll<Instant> {
        let coop = ready!(coop::poll_proceed(cx));
        let mut now = self.driver.now();
        let mut lead = self.lead(most);
        if now < deadline && deadline - now <= lead {
            if self.may_spin(lead) {
                now = self.spin(deadline);
                if now < deadline {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            } else {
                lead = Duration::ZERO;
            }
        }
        if now < deadline {
            self.wait(self.span(deadline, lead), cx);
            return Poll::Pending;
        }
        self.cancel();
        coop.made_progress();
        Poll::Ready(now)
    }

    /// If a task waits in this entry, has it woken at `deadline` instead.
    pub(crate) fn postpone(&mut self, deadline: Instant, most: Duration) {
        self.spinning = None;
        if let (Some(key), true) = (self.key, self.waiting) {
            self.driver
                .postpone(key, self.span(deadline, self.lead(most)));
        }
    }

    fn lead(&self, most: Duration) -> Duration {
        self.aim.lead(self.driver.lead()).min(most)
    }

    fn span(&self, deadline: Instant, lead: Duration) -> Span {
        Span {
            deadline: deadline.checked_sub(lead).unwrap_or(deadline),
            slack: self.aim.slack(),
        }
    }

    /// A clock that is paused would be looked at for ever.
    fn may_spin(&mut self, limit: Duration) -> bool {
        let since = self.spinning.get_or_insert_with(std::time::Instant::now);
        since.elapsed() <= limit
    }

    /// Looks at the clock until `deadline`, or until its turn is over.
    fn spin(&self, deadline: Instant) -> Instant {
        let began = std::time::Instant::now();
        loop {
            let now = self.driver.now();
            if now >= deadline || began.elapsed() >= TURN {
                return now;
            }
            hint::spin_loop();
        }
    }

    #[track_caller]
    fn wait(&mut self, span: Span, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        if let Err(why) = self.driver.wait(&mut self.key, span, waker) {
            panic!("{why}");
        }
        self.spinning = None;
        self.waiting = true;
    }

    /// Keeps no waker after `Ready`.
    fn cancel(&mut self) {
        self.spinning = None;
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
