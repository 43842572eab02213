//! Who waits for what, and what has happened to each timer: for whoever looks for one that was lost,
//! and for what is said of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::account::Moment;
use crate::tally::Kind;

/// So much of a timer's history is kept.
const EVENTS: usize = 12;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// For this moment, and the period if it has one.
    Made(Moment, Option<i64>),
    Waits(Moment),
    /// For this deadline, as late as that.
    Ticked(Moment, i64),
    Expired(u64),
    Reset(Moment),
    Period(i64),
    /// To the runtime of this number.
    Moved(usize),
    Completed,
    Cancelled,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Made(due, Some(period)) => {
                write!(f, "made for {}, every {}", Secs(due), Secs(period))
            }
            Self::Made(due, None) => write!(f, "made for {}", Secs(due)),
            Self::Waits(due) => write!(f, "waits for {}", Secs(due)),
            Self::Ticked(deadline, late) => {
                write!(f, "ticked for {}, late by {}", Secs(deadline), Secs(late))
            }
            Self::Expired(count) => write!(f, "expired {count} times"),
            Self::Reset(due) => write!(f, "reset to {}", Secs(due)),
            Self::Period(period) => write!(f, "period set to {}", Secs(period)),
            Self::Moved(place) => write!(f, "moved to runtime {place}"),
            Self::Completed => f.write_str("completed"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// Nanoseconds, in seconds.
pub(crate) struct Secs(pub(crate) i64);

impl fmt::Display for Secs {
    #[allow(clippy::cast_precision_loss, reason = "a figure to look at")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} s", self.0 as f64 / 1e9)
    }
}

#[derive(Default)]
struct Row {
    kind: Option<Kind>,
    due: Option<Moment>,
    history: VecDeque<(Moment, Event)>,
}

pub(crate) struct Board {
    rows: Box<[Mutex<Row>]>,
}

impl Board {
    pub(crate) fn new(rows: usize) -> Self {
        let rows = (0..rows).map(|_| Mutex::default()).collect();
        Self { rows }
    }

    fn row(&self, number: usize) -> MutexGuard<'_, Row> {
        self.rows[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, number: usize, kind: Kind, now: Moment, event: Event) {
        let mut row = self.row(number);
        row.kind = Some(kind);
        row.due = match event {
            Event::Waits(due) => Some(due),
            Event::Moved(_) | Event::Reset(_) => row.due,
            _ => None,
        };
        // It may be polled often while it waits.
        if let (Event::Waits(due), Some((_, Event::Waits(before)))) = (event, row.history.back()) {
            if due == *before {
                return;
            }
        }
        if row.history.len() == EVENTS {
            row.history.pop_front();
        }
        row.history.push_back((now, event));
    }

    /// What each timer waits for.
    pub(crate) fn due(&self) -> impl Iterator<Item = Option<Moment>> {
        (0..self.rows.len()).map(|number| self.row(number).due)
    }

    pub(crate) fn kind(&self, number: usize) -> Option<Kind> {
        self.row(number).kind
    }

    pub(crate) fn history(&self, number: usize) -> String {
        let row = self.row(number);
        let events = row
            .history
            .iter()
            .map(|(at, event)| format!("at {} {event}", Secs(*at)));
        let events: Vec<_> = events.collect();
        let kind = row.kind.map_or("no timer", Kind::name);
        format!("{kind}, number {number}: {}", events.join("; "))
    }
}
