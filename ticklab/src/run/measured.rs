//! The results of one timer so far.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::choice::Kind;
use crate::measure::{Record, Timeline};
use crate::report::{Figures, Timer};

/// The results of one timer so far.
#[derive(Debug)]
pub struct Measured {
    /// The timer.
    pub kind: Kind,
    /// All rounds together.
    pub total: Record,
    /// Figures of each round.
    pub rounds: Vec<Figures>,
    /// Lateness over time.
    pub timeline: Timeline,
    /// Why the timer takes no more turns.
    pub failure: Option<String>,
}

impl Measured {
    /// Creates empty results for a run with an expected length of `length` nanoseconds.
    pub fn new(kind: Kind, length: u64) -> Self {
        Self {
            kind,
            total: Record::default(),
            rounds: Vec::new(),
            timeline: Timeline::new(length),
            failure: None,
        }
    }

    /// Adds a round.
    pub fn add(&mut self, round: &Record) {
        if let Some(figures) = round.figures() {
            self.rounds.push(figures);
            self.total.add(round);
        }
    }

    /// Returns the results for the report.
    pub fn report(&self) -> Timer {
        Timer {
            name: self.kind.name(),
            about: self.kind.about().to_owned(),
            floor: self.kind.is_floor(),
            failure: self.failure.clone(),
            total: self.total.figures(),
            rounds: self.rounds.clone(),
            percentiles: self.total.percentiles(),
            bars: self.total.bars(),
            timeline: self.timeline.slots(),
            histogram: BASE64_STANDARD.encode(self.total.serialized()),
        }
    }
}
