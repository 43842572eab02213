//! Counts events and lateness for each kind of timer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Burst,
    Skip,
    Delay,
    Tolerant,
    Spinning,
    Sleep,
    TimeoutReached,
    TimeoutInTime,
    Periodic,
    /// A sleep in a runtime that has hardly any other timer.
    Quiet,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Burst,
        Self::Skip,
        Self::Delay,
        Self::Tolerant,
        Self::Spinning,
        Self::Sleep,
        Self::TimeoutReached,
        Self::TimeoutInTime,
        Self::Periodic,
        Self::Quiet,
    ];

    pub(crate) fn is_interval(self) -> bool {
        matches!(
            self,
            Self::Burst | Self::Skip | Self::Delay | Self::Tolerant | Self::Spinning
        )
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Burst => "interval, burst",
            Self::Skip => "interval, skip",
            Self::Delay => "interval, delay",
            Self::Tolerant => "interval, tolerant",
            Self::Spinning => "interval, spinning",
            Self::Sleep => "sleep",
            Self::TimeoutReached => "timeout, reached",
            Self::TimeoutInTime => "timeout, in time",
            Self::Periodic => "periodic",
            Self::Quiet => "sleep, alone",
        }
    }
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Stats {
    pub(crate) created: Counter,
    /// Deadlines that have passed, computed from deadlines alone.
    pub(crate) expected: Counter,
    pub(crate) delivered: Counter,
    pub(crate) missed: Counter,
    pub(crate) completed: Counter,
    pub(crate) canceled: Counter,
    pub(crate) moved: Counter,
    pub(crate) resets: Counter,
    pub(crate) early: Counter,
    pub(crate) lost: Counter,
    lateness: Mutex<Histogram<u64>>,
}

impl Stats {
    pub(crate) fn new() -> Self {
        let lateness = Histogram::new(3).expect("three digits are supported");
        Self {
            created: Counter::default(),
            expected: Counter::default(),
            delivered: Counter::default(),
            missed: Counter::default(),
            completed: Counter::default(),
            canceled: Counter::default(),
            moved: Counter::default(),
            resets: Counter::default(),
            early: Counter::default(),
            lost: Counter::default(),
            lateness: Mutex::new(lateness),
        }
    }

    pub(crate) fn record_lateness(&self, nanos: u64) {
        // The histogram resizes itself, so it refuses no value.
        let _ = self.with_lateness(|lateness| lateness.record(nanos));
    }

    pub(crate) fn with_lateness<T>(&self, use_it: impl FnOnce(&mut Histogram<u64>) -> T) -> T {
        use_it(&mut self.lateness.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
