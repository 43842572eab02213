//! The latest events of each timer, and what it waits for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::schedule::Timestamp;
use crate::stats::Kind;

/// How many events of a timer are kept.
const MAX_EVENTS: usize = 12;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// With the first deadline, and the period if there is one.
    Created(Timestamp, Option<i64>),
    Waits(Timestamp),
    /// With the deadline and the lateness.
    Ticked(Timestamp, i64),
    Expired(u64),
    Reset(Timestamp),
    Period(i64),
    /// With the number of the runtime.
    Moved(usize),
    Completed,
    Canceled,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Created(due, Some(period)) => {
                write!(f, "created for {}, every {}", Seconds(due), Seconds(period))
            }
            Self::Created(due, None) => write!(f, "created for {}", Seconds(due)),
            Self::Waits(due) => write!(f, "waits for {}", Seconds(due)),
            Self::Ticked(deadline, late) => {
                write!(
                    f,
                    "ticked for {}, late by {}",
                    Seconds(deadline),
                    Seconds(late)
                )
            }
            Self::Expired(count) => write!(f, "expired {count} times"),
            Self::Reset(due) => write!(f, "reset to {}", Seconds(due)),
            Self::Period(period) => write!(f, "period set to {}", Seconds(period)),
            Self::Moved(runtime) => write!(f, "moved to runtime {runtime}"),
            Self::Completed => f.write_str("completed"),
            Self::Canceled => f.write_str("canceled"),
        }
    }
}

/// Displays nanoseconds in seconds.
pub(crate) struct Seconds(pub(crate) i64);

impl fmt::Display for Seconds {
    #[allow(clippy::cast_precision_loss, reason = "it is for display only")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} s", self.0 as f64 / 1e9)
    }
}

#[derive(Default)]
struct History {
    kind: Option<Kind>,
    due: Option<Timestamp>,
    events: VecDeque<(Timestamp, Event)>,
}

/// The histories of all timers, by their numbers.
pub(crate) struct Histories {
    timers: Box<[Mutex<History>]>,
}

impl Histories {
    pub(crate) fn new(timers: usize) -> Self {
        let timers = (0..timers).map(|_| Mutex::default()).collect();
        Self { timers }
    }

    fn timer(&self, number: usize) -> MutexGuard<'_, History> {
        self.timers[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, number: usize, kind: Kind, now: Timestamp, event: Event) {
        let mut timer = self.timer(number);
        timer.kind = Some(kind);
        timer.due = match event {
            Event::Waits(due) => Some(due),
            Event::Moved(_) | Event::Reset(_) => timer.due,
            _ => None,
        };
        // A waiting timer may be polled often.
        if let (Event::Waits(due), Some((_, Event::Waits(before)))) = (event, timer.events.back()) {
            if due == *before {
                return;
            }
        }
        if timer.events.len() == MAX_EVENTS {
            timer.events.pop_front();
        }
        timer.events.push_back((now, event));
    }

    /// Returns when each timer that waits is due.
    pub(crate) fn due(&self) -> impl Iterator<Item = Option<Timestamp>> {
        (0..self.timers.len()).map(|number| self.timer(number).due)
    }

    pub(crate) fn kind(&self, number: usize) -> Option<Kind> {
        self.timer(number).kind
    }

    pub(crate) fn describe(&self, number: usize) -> String {
        let timer = self.timer(number);
        let events = timer
            .events
            .iter()
            .map(|(at, event)| format!("at {} {event}", Seconds(*at)));
        let events: Vec<_> = events.collect();
        let kind = timer.kind.map_or("no timer", Kind::name);
        format!("{kind}, number {number}: {}", events.join("; "))
    }
}
