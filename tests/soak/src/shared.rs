//! The state that all timers of a soak share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::failures::Failures;
use crate::history::Histories;
use crate::schedule::Timestamp;
use crate::stats::{Counter, Kind, Stats};

pub(crate) struct Shared {
    start: Instant,
    end: Timestamp,
    pub(crate) seed: u64,
    pub(crate) histories: Histories,
    pub(crate) failures: Arc<Failures>,
    stats: Vec<Stats>,
    owners: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(
        length: Duration,
        seed: u64,
        timers: usize,
        failures: Arc<Failures>,
    ) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            end: nanos(length),
            seed,
            histories: Histories::new(timers),
            failures,
            stats: Kind::ALL.map(|_| Stats::new()).into(),
            owners: AtomicUsize::new(0),
        })
    }

    pub(crate) fn timestamp(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.start) {
            Some(elapsed) => nanos(elapsed),
            None => -nanos(self.start - instant),
        }
    }

    /// Returns the start for an earlier timestamp.
    pub(crate) fn instant(&self, timestamp: Timestamp) -> Instant {
        self.start + duration(timestamp)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.timestamp(Instant::now())
    }

    pub(crate) fn end(&self) -> Timestamp {
        self.end
    }

    pub(crate) fn stats(&self, kind: Kind) -> &Stats {
        &self.stats[kind as usize]
    }

    pub(crate) fn total(&self, counter: impl Fn(&Stats) -> &Counter) -> u64 {
        self.stats.iter().map(|stats| counter(stats).get()).sum()
    }

    /// Adds a failure, with the history of the timer.
    pub(crate) fn fail(&self, number: usize, what: &str) {
        let history = self.histories.describe(number);
        self.failures
            .add(format!("{what} [{history}; seed {}]", self.seed));
    }

    pub(crate) fn add_owner(&self) {
        self.owners.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove_owner(&self) {
        self.owners.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns the number of tasks that still use a timer.
    pub(crate) fn owners(&self) -> usize {
        self.owners.load(Ordering::Relaxed)
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Returns zero for a negative number.
pub(crate) fn duration(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
