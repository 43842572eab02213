//! What is known of one timer so far.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::choice::Kind;
use crate::measure::{Record, Timeline};
use crate::report::{Figures, Timer};

/// What is known of one timer so far.
#[derive(Debug)]
pub struct Measured {
    /// Which.
    pub kind: Kind,
    /// All rounds together.
    pub total: Record,
    /// Each.
    pub rounds: Vec<Figures>,
    /// Over time.
    pub timeline: Timeline,
    /// Why it has no more turns.
    pub failure: Option<String>,
}

impl Measured {
    /// Nothing yet, in a run that is expected to take `length` nanoseconds.
    pub fn new(kind: Kind, length: u64) -> Self {
        Self {
            kind,
            total: Record::default(),
            rounds: Vec::new(),
            timeline: Timeline::new(length),
            failure: None,
        }
    }

    /// A round is over.
    pub fn add(&mut self, round: &Record) {
        if let Some(figures) = round.figures() {
            self.rounds.push(figures);
            self.total.add(round);
        }
    }

    /// For the report.
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
