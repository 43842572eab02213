//! What a run has found: every output is made of it, and `compare` reads it. Durations are in
//! nanoseconds. What the operating system does not tell is absent.

pub mod columns;
pub mod csv;
pub mod hgrm;
pub mod html;
mod percentiles;
mod quote;
pub mod svg;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// Of the JSON file. One more for every change that a reader has to know of.
pub const FORMAT: u32 = 1;

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Ticklab's own.
    pub version: String,
    /// As it was given, word for word.
    pub command: Vec<String>,
    /// When the first round began, in RFC 3339.
    pub began: String,
    /// From the first round's beginning to the last one's end.
    pub took_ns: u64,
    /// Whether it was ended before its time: fewer rounds, or a shorter last one.
    pub interrupted: bool,
    /// What was asked for.
    pub settings: Settings,
    /// Where it ran.
    pub machine: Machine,
    /// The machine's floor first, and then in the order that was asked for.
    pub timers: Vec<Timer>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Between two ticks of one interval.
    pub period_ns: u64,
    /// Of one timer, all rounds together.
    pub duration_ns: u64,
    /// How many.
    pub rounds: u32,
    /// Before each of them, not measured.
    pub warm_up_ns: u64,
    /// At the same time.
    pub intervals: u32,
    /// `current` or `multi:N`.
    pub runtime: String,
    /// After so many polls tokio looks at its timers, while there is always a task that is ready.
    #[serde(default = "before::event_interval")]
    pub event_interval: u32,
    /// Of each of the runtime's threads, kept busy by tasks.
    pub load_percent: u32,
    /// What these do between two polls: `yield` or `pairs`.
    #[serde(default = "before::load_kind")]
    pub load_kind: String,
    /// Of theirs.
    #[serde(default = "before::load_poll_ns")]
    pub load_poll_ns: u64,
    /// Threads outside of the runtime that are always busy.
    pub load_threads: u32,
    /// For each tick.
    pub work_ns: u64,
    /// How late a tick may be, to share a wake-up with another.
    pub tolerance_ns: u64,
    /// `burst`, `delay` or `skip`.
    pub missed: String,
    /// Of the order within a round, and of the intervals' phases.
    pub seed: u64,
}

/// What there was before it could be chosen, and so what a file means that does not say it.
mod before {
    pub fn event_interval() -> u32 {
        61
    }

    pub fn load_kind() -> String {
        "yield".to_owned()
    }

    pub fn load_poll_ns() -> u64 {
        100_000
    }
}

/// What one timer did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timer {
    /// As in `--timer`.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// Whether it is the machine's floor, and not a timer to choose.
    pub floor: bool,
    /// Why it did not run to its end, or at all.
    pub failure: Option<String>,
    /// Of all rounds together. Absent if there was not one tick.
    pub total: Option<Figures>,
    /// Of each.
    pub rounds: Vec<Figures>,
    /// Lateness below which that share of the ticks lies, ascending.
    pub percentiles: Vec<Percentile>,
    /// How many ticks were that late, ascending; bars as wide as they look on a logarithmic scale.
    pub bars: Vec<Bar>,
    /// Lateness over time, ascending.
    pub timeline: Vec<Slot>,
    /// The histogram of lateness, in `HdrHistogram`'s V2 format, deflated, in Base64.
    pub histogram: String,
}

/// What one timer did in one round, or in all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// Deadlines that came to be: ticks, and those that were missed.
    pub deadlines: u64,
    /// Times that the timer fired.
    pub ticks: u64,
    /// Deadlines that had passed before the timer fired for them, and that it passed over.
    pub missed: u64,
    /// Ticks less than half a period after the one before.
    pub bunched: u64,
    /// Ticks before their deadline.
    pub early: u64,
    /// Of every deadline, also of those that were missed.
    pub lateness: Spread,
    /// How far the time between two ticks is from the period, one way or the other. Absent if there
    /// were no two ticks in a round.
    pub jitter: Option<Spread>,
    /// How far the timer's last deadline is from where the first one and the period put it, at the
    /// most among the intervals; positive if it is later. Absent as the jitter is.
    pub drift_ns: Option<i64>,
    /// Processor time, of all threads but the one that measures. Absent if there is another load, or if
    /// no tick was served while it was read.
    pub cpu_per_tick_ns: Option<f64>,
    /// Context switches, of all threads but the one that measures. Absent as the processor time is.
    pub switches_per_tick: Option<f64>,
    /// That were open while it ran and were not before.
    pub descriptors: Option<u64>,
    /// System calls, of all threads. They are counted of the timer as a whole.
    pub syscalls_per_tick: Option<f64>,
}

/// Where a histogram's values lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, clippy::struct_field_names, reason = "the names say it")]
pub struct Spread {
    pub min_ns: u64,
    pub mean_ns: f64,
    pub p50_ns: u64,
    pub p90_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
}

/// A point of the percentile plot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// From 0 to 100.
    pub percentile: f64,
    /// The lateness there.
    pub lateness_ns: u64,
}

/// A bar of the histogram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// From this lateness.
    pub from_ns: u64,
    /// Up to this, exclusively.
    pub to_ns: u64,
    /// So many deadlines.
    pub count: u64,
}

/// A short while of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Since the run began.
    pub at_ns: u64,
    /// Of the deadlines in it.
    pub p50_ns: u64,
    /// Of the deadlines in it.
    pub max_ns: u64,
    /// How many.
    pub count: u64,
}
