//! What a turn's timers tell whoever reads what they cost.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// How far the intervals of a turn have come.
#[derive(Debug, Default)]
pub struct Tally {
    started: AtomicUsize,
    served: AtomicU64,
    ending: AtomicBool,
    dismissed: AtomicBool,
}

impl Tally {
    /// An interval has had its first tick: its set-up is over.
    pub fn start(&self) {
        self.started.fetch_add(1, Ordering::Release);
    }

    /// How many have.
    pub fn started(&self) -> usize {
        self.started.load(Ordering::Acquire)
    }

    /// A tick has been served, whether it is measured or not.
    pub fn serve(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// An interval is about to end: from now on there is work that no tick is the cause of.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// Whether one is.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// What the ticks cost has been read. Those who have gone on for that may end.
    pub fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    pub fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Relaxed)
    }
}
