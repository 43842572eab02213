//! The owner of a timer makes random choices and records what happens to the timer.

use std::sync::Arc;

use fastrand::Rng;
use tokio::runtime::Handle;

use crate::history::Event;
use crate::schedule::{TimeRange, Timestamp};
use crate::shared::Shared;
use crate::stats::{Kind, Stats};

/// One timer in this many is fast.
const FAST: u32 = 400;

/// A deadline so far away that the soak ends before it.
pub(crate) const FAR: i64 = 30 * 24 * 3600 * 1_000_000_000;

pub(crate) struct Owner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: Kind,
    pub(crate) rng: Rng,
    number: usize,
    /// When the timer was created or reset last.
    set_at: Timestamp,
    runtimes: Arc<[Handle]>,
}

impl Owner {
    /// Creates an owner, whose timers may move to the `runtimes`.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        runtimes: &Arc<[Handle]>,
        kind: Kind,
        number: usize,
        rng: Rng,
    ) -> Self {
        shared.add_owner();
        Self {
            shared: Arc::clone(shared),
            kind,
            rng,
            number,
            set_at: 0,
            runtimes: Arc::clone(runtimes),
        }
    }

    pub(crate) fn stats(&self) -> &Stats {
        self.shared.stats(self.kind)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.now()
    }

    pub(crate) fn has_time(&self) -> bool {
        self.now() < self.shared.end()
    }

    /// Returns `true` in `percent` of 100 cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    /// Returns a random period of 0.1 to 1.6 s, each octave equally often. A few are 1 to 5 ms, and miss
    /// ticks at every stall.
    pub(crate) fn period(&mut self) -> i64 {
        if self.rng.u32(..FAST) == 0 {
            return self.rng.i64(1_000_000..5_000_000);
        }
        let least = 100_000_000 << self.rng.u32(..4);
        self.rng.i64(least..2 * least)
    }

    /// Calls `call`. Returns the time of the call and its result.
    pub(crate) fn timed<T>(&self, call: impl FnOnce() -> T) -> (TimeRange, T) {
        let from = self.now();
        let value = call();
        let to = self.now();
        (TimeRange { from, to }, value)
    }

    pub(crate) fn record(&self, event: Event) {
        self.shared
            .histories
            .add(self.number, self.kind, self.now(), event);
    }

    pub(crate) fn created(&mut self, due: Timestamp, period: Option<i64>) {
        self.set_at = self.now();
        self.stats().created.add(1);
        self.record(Event::Created(due, period));
    }

    pub(crate) fn reset(&mut self, due: Timestamp) {
        self.set_at = self.now();
        self.stats().resets.add(1);
        self.record(Event::Reset(due));
    }

    /// Records a tick for `deadline`, delivered by `now`. The lateness of a timer that was due when it was
    /// set begins there.
    pub(crate) fn ticked(&self, deadline: TimeRange, now: Timestamp) {
        self.record(Event::Ticked(deadline.to, now - deadline.to));
        self.stats().delivered.add(1);
        if now < deadline.from {
            self.stats().early.add(1);
            self.fail(&format!("early by {} ns", deadline.from - now));
        }
        let late = now - deadline.to.max(self.set_at);
        self.stats().record_lateness(late.try_into().unwrap_or(0));
    }

    /// Records the end of a timer, which may still have been waiting.
    pub(crate) fn ended(&self, waiting: bool) {
        if waiting {
            self.stats().canceled.add(1);
            self.record(Event::Canceled);
        } else {
            self.stats().completed.add(1);
            self.record(Event::Completed);
        }
    }

    /// Returns the runtime to which the caller moves the timer.
    pub(crate) fn move_elsewhere(&mut self) -> Handle {
        let runtime = self.rng.usize(..self.runtimes.len());
        self.stats().moved.add(1);
        self.record(Event::Moved(runtime));
        self.runtimes[runtime].clone()
    }

    pub(crate) fn fail(&self, what: &str) {
        self.shared.fail(self.number, what);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.remove_owner();
    }
}
