//! What all timers write into.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::account::Moment;
use crate::board::Board;
use crate::tally::{Count, Kind, Tally};

/// So many failures are told; of the others, how many there were.
const TOLD: usize = 20;

pub(crate) struct Books {
    start: Instant,
    end: Moment,
    pub(crate) seed: u64,
    pub(crate) board: Board,
    pub(crate) failures: Arc<Failures>,
    tallies: Vec<Tally>,
    keepers: AtomicUsize,
}

impl Books {
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
            board: Board::new(timers),
            failures,
            tallies: Kind::ALL.map(|_| Tally::new()).into(),
            keepers: AtomicUsize::new(0),
        })
    }

    pub(crate) fn moment(&self, instant: Instant) -> Moment {
        match instant.checked_duration_since(self.start) {
            Some(since) => nanos(since),
            None => -nanos(self.start - instant),
        }
    }

    /// No earlier than the start.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        self.start + duration(moment)
    }

    pub(crate) fn now(&self) -> Moment {
        self.moment(Instant::now())
    }

    pub(crate) fn end(&self) -> Moment {
        self.end
    }

    pub(crate) fn tally(&self, kind: Kind) -> &Tally {
        &self.tallies[kind as usize]
    }

    pub(crate) fn total(&self, count: impl Fn(&Tally) -> &Count) -> u64 {
        self.tallies.iter().map(|tally| count(tally).get()).sum()
    }

    /// What failed, with all that is known of that timer.
    pub(crate) fn fail(&self, number: usize, what: &str) {
        let history = self.board.history(number);
        self.failures
            .add(format!("{what} [{history}; seed {}]", self.seed));
    }

    pub(crate) fn begin(&self) {
        self.keepers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_one(&self) {
        self.keepers.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many have a timer still.
    pub(crate) fn keepers(&self) -> usize {
        self.keepers.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(crate) struct Failures {
    told: Mutex<Vec<String>>,
    count: Count,
}

impl Failures {
    pub(crate) fn add(&self, failure: String) {
        self.count.add(1);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < TOLD {
            told.push(failure);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.get()
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(crate) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// Zero, if negative.
pub(crate) fn duration(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
