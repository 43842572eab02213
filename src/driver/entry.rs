//! One timer's place in its driver's queue: all that an interval, a sleep or a timeout needs of it.

use std::any::Any;
use std::future::Future;
use std::hint;
use std::marker::PhantomData;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::{coop, yield_now};
use tokio::time::Instant;

use super::Driver;
use super::queue::{Key, Span};
use crate::precision::Aim;
use crate::span::nanos;
use crate::sync::Arc;

/// How long a task that spins looks at the clock before the others have their turn: long enough
/// that it costs them little to be asked so often, short enough that they need not wait for it.
const TURN: Duration = Duration::from_micros(3);

/// At no moment: [`Span`] ends before it. There are many entries, and an `Option` is twice as large.
const NOT: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Entry {
    driver: Arc<Driver>,
    /// `None` until the first wait: a timer that is never waited for costs the queue nothing.
    key: Option<Key>,
    /// The latest moment for which the queue may hold a waker of ours, or [`NOT`]. It may have let
    /// go of it unasked, by firing.
    waiting: u64,
    aim: Aim,
    /// Since when it has been looking at the clock, by one that nobody can pause, or [`NOT`].
    spinning: u64,
    /// Not unwind safe: tokio's timers are not, and that we could be is nothing to promise.
    _not_unwind_safe: PhantomData<Box<dyn Any + Send + Sync>>,
}

impl Entry {
    pub(crate) fn new(driver: Arc<Driver>) -> Self {
        Self {
            driver,
            key: None,
            waiting: NOT,
            aim: Aim::default(),
            spinning: NOT,
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

    /// Waits for `deadline`, the next of one every `period`; returns the time at which it was found
    /// to have passed.
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
        period: Duration,
    ) -> Poll<Instant> {
        let coop = ready!(coop::poll_proceed(cx));
        let mut now = self.driver.now();
        let mut lead = self.lead(period);
        if lead != 0 && now < deadline && nanos(deadline - now) <= lead {
            // This poll's waker alone is to be woken.
            self.cancel();
            if self.may_spin(lead) {
                now = self.spin(deadline);
                if now < deadline {
                    turn_to_others(cx);
                    return Poll::Pending;
                }
            } else {
                lead = 0;
            }
        }
        if now < deadline {
            self.wait(self.span(deadline, lead, period), now, cx);
            return Poll::Pending;
        }
        self.cancel();
        self.spinning = NOT;
        coop.made_progress();
        Poll::Ready(now)
    }

    /// If a task waits in this entry, has it woken at `deadline` instead.
    pub(crate) fn postpone(&mut self, deadline: Instant, period: Duration) {
        self.spinning = NOT;
        if let (Some(key), true) = (self.key, self.waiting != NOT) {
            let span = self.span(deadline, self.lead(period), period);
            self.waiting = span.latest();
            self.driver.postpone(key, span);
        }
    }

    fn lead(&self, period: Duration) -> u64 {
        self.aim.lead(self.driver.hints.lead(), period)
    }

    fn span(&self, deadline: Instant, lead: u64, period: Duration) -> Span {
        let slack = self.aim.slack(self.driver.hints.crowd(), period);
        let deadline = self.driver.epoch.moment(deadline);
        Span::new(deadline.saturating_sub(lead), slack)
    }

    /// A clock that is paused would be looked at for ever.
    fn may_spin(&mut self, limit: u64) -> bool {
        let now = self.driver.real_moment();
        if self.spinning == NOT {
            self.spinning = now;
        }
        now.saturating_sub(self.spinning) <= limit
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
    fn wait(&mut self, span: Span, now: Instant, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        // First, since the waker that is replaced may panic as it is dropped: `cancel` is to know of
        // the one that is left.
        self.waiting = span.latest();
        if let Err(why) = self.driver.wait(&mut self.key, span, now, waker) {
            panic!("{why}");
        }
        self.spinning = NOT;
    }

    /// Leaves no waker behind.
    fn cancel(&mut self) {
        let latest = mem::replace(&mut self.waiting, NOT);
        if let (Some(key), true) = (self.key, latest != NOT) {
            if !self.driver.hints.is_taken(latest) {
                self.driver.cancel(key);
            }
        }
    }
}

/// Has the task polled again once the runtime has looked at everything else, its I/O too.
///
/// A task that wakes itself instead is polled again and again, and the reactor asked only after some
/// sixty polls.
fn turn_to_others(cx: &mut Context<'_>) {
    let pending = pin!(yield_now()).poll(cx);
    debug_assert!(pending.is_pending(), "it is ready at its second poll");
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.driver.leave(key);
        }
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    /// By real time, whatever the runtime's clock says.
    #[test]
    fn it_looks_at_a_clock_that_stands_still_for_no_longer_than_its_lead() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        let mut entry = Entry::new(Driver::current());
        assert!(entry.may_spin(0), "it begins");
        std::thread::sleep(Duration::from_millis(2));
        assert!(!entry.may_spin(1_000_000));
        assert!(entry.may_spin(nanos(Duration::from_secs(3600))));
        entry.postpone(entry.now(), Duration::from_millis(1));
        assert!(entry.may_spin(0), "for another deadline it begins anew");
    }
}
