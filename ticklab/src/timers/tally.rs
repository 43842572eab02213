//! What a turn's timers report to the thread that reads their cost.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Progress of a turn's intervals.
#[derive(Debug, Default)]
pub struct Tally {
    started: AtomicUsize,
    served: AtomicU64,
    ending: AtomicBool,
    cost_read: AtomicBool,
}

impl Tally {
    /// Records the first tick of an interval, which ends its set-up.
    pub fn start(&self) {
        self.started.fetch_add(1, Ordering::Release);
    }

    /// Returns the number of intervals that have started.
    pub fn started(&self) -> usize {
        self.started.load(Ordering::Acquire)
    }

    /// Records a served tick, whether it is measured or not.
    pub fn serve(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of served ticks.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Records that an interval is about to end. From now on, not all work is due to ticks.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// Returns `true` if an interval is about to end.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Records that the cost has been read. Intervals that waited for that may end.
    pub fn mark_cost_read(&self) {
        self.cost_read.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the cost has been read.
    pub fn is_cost_read(&self) -> bool {
        self.cost_read.load(Ordering::Relaxed)
    }
}
