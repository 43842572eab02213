//! Counts, and how late timers were, by their kind.

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
    /// A sleep with hardly any other timer in its runtime.
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

/// A number that many threads add to.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Tally {
    pub(crate) made: Count,
    /// By the deadlines alone.
    pub(crate) expected: Count,
    pub(crate) delivered: Count,
    pub(crate) missed: Count,
    pub(crate) completed: Count,
    pub(crate) cancelled: Count,
    pub(crate) moved: Count,
    pub(crate) resets: Count,
    pub(crate) early: Count,
    pub(crate) lost: Count,
    late: Mutex<Histogram<u64>>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let late = Histogram::new(3).expect("three digits are what it supports");
        Self {
            made: Count::default(),
            expected: Count::default(),
            delivered: Count::default(),
            missed: Count::default(),
            completed: Count::default(),
            cancelled: Count::default(),
            moved: Count::default(),
            resets: Count::default(),
            early: Count::default(),
            lost: Count::default(),
            late: Mutex::new(late),
        }
    }

    pub(crate) fn late(&self, nanos: u64) {
        // It grows as it must, so there is no value that it refuses.
        let _ = self.histogram(|late| late.record(nanos));
    }

    pub(crate) fn histogram<T>(&self, look: impl FnOnce(&mut Histogram<u64>) -> T) -> T {
        look(&mut self.late.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
