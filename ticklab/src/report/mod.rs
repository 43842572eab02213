//! The results of a run. Every output is made from them, and `compare` reads them. Durations are in
//! nanoseconds. A value that the operating system does not report is absent.

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

/// Version of the JSON format. It increases with each change that affects readers.
pub const FORMAT: u32 = 1;

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of ticklab.
    pub version: String,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// Start of the first round, in RFC 3339.
    pub began: String,
    /// Time from the start of the first round to the end of the last.
    pub took_ns: u64,
    /// `true` if a signal ended the run: rounds are missing, or the last one is shorter.
    pub interrupted: bool,
    /// The run's settings.
    pub settings: Settings,
    /// The machine that it ran on.
    pub machine: Machine,
    /// The machine's floor, then the timers in the order of `--timer`.
    pub timers: Vec<Timer>,
}

/// The run's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Time between two ticks of one interval.
    pub period_ns: u64,
    /// Measuring time of one timer, all rounds together.
    pub duration_ns: u64,
    /// Number of rounds.
    pub rounds: u32,
    /// Unmeasured time before each round.
    pub warm_up_ns: u64,
    /// Number of intervals at the same time.
    pub intervals: u32,
    /// `current` or `multi:N`.
    pub runtime: String,
    /// Number of polls after which tokio checks its timers while tasks are always ready.
    #[serde(default = "before::event_interval")]
    pub event_interval: u32,
    /// Load of each of the runtime's threads, in percent.
    pub load_percent: u32,
    /// What the load's tasks do between two polls: `yield` or `pairs`.
    #[serde(default = "before::load_kind")]
    pub load_kind: String,
    /// Length of each poll of the load's tasks.
    #[serde(default = "before::load_poll_ns")]
    pub load_poll_ns: u64,
    /// Busy threads outside the runtime.
    pub load_threads: u32,
    /// Time that a consumer is busy after each tick.
    pub work_ns: u64,
    /// How late a tick may be in order to share a wake-up.
    pub tolerance_ns: u64,
    /// `burst`, `delay` or `skip`.
    pub missed: String,
    /// Seed of the order within a round and of the intervals' phases.
    pub seed: u64,
}

/// The values of settings that older versions did not have. A file without such a field was measured with
/// these.
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

/// The results of one timer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timer {
    /// The name in `--timer`.
    pub name: String,
    /// A short description.
    pub about: String,
    /// `true` for a row of the machine's floor.
    pub floor: bool,
    /// Why the timer failed, if it did.
    pub failure: Option<String>,
    /// Figures of all rounds together. `None` if no deadline passed.
    pub total: Option<Figures>,
    /// Figures of each round.
    pub rounds: Vec<Figures>,
    /// The percentiles of lateness, ascending.
    pub percentiles: Vec<Percentile>,
    /// The histogram of lateness, ascending. The bars have equal widths on a logarithmic scale.
    pub bars: Vec<Bar>,
    /// Lateness over time, ascending.
    pub timeline: Vec<Slot>,
    /// The histogram of lateness, in `HdrHistogram`'s V2 format, deflated, in Base64.
    pub histogram: String,
}

/// The results of one timer in one round, or in all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// Deadlines that passed: ticks and missed deadlines.
    pub deadlines: u64,
    /// Number of ticks.
    pub ticks: u64,
    /// Deadlines that the timer skipped because they had passed before it fired for them.
    pub missed: u64,
    /// Ticks less than half a period after the previous one.
    pub bunched: u64,
    /// Ticks before their deadline.
    pub early: u64,
    /// Lateness of every deadline, including missed ones.
    pub lateness: Spread,
    /// How far the time between two ticks differs from the period, in either direction. `None` if no interval
    /// ticked twice in a round.
    pub jitter: Option<Spread>,
    /// How far the timer's last deadline is from the time that the first one and the period predict; the
    /// maximum over the intervals; positive if it is later. `None` if there is no jitter.
    pub drift_ns: Option<i64>,
    /// Processor time of all threads but the measuring one. `None` if there is a load, or if no tick was
    /// served between the readings.
    pub cpu_per_tick_ns: Option<f64>,
    /// Context switches of all threads but the measuring one. `None` if there is no processor time.
    pub switches_per_tick: Option<f64>,
    /// Descriptors that the timers opened.
    pub descriptors: Option<u64>,
    /// System calls of all threads. They are counted for the timer as a whole, not for each round.
    pub syscalls_per_tick: Option<f64>,
}

/// The distribution of a histogram's values.
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
    /// Lateness at the percentile.
    pub lateness_ns: u64,
}

/// A bar of the histogram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Lowest lateness.
    pub from_ns: u64,
    /// End of the bar, exclusive.
    pub to_ns: u64,
    /// Number of deadlines.
    pub count: u64,
}

/// A slot of the run's time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Time since the run began.
    pub at_ns: u64,
    /// Median lateness of the slot's deadlines.
    pub p50_ns: u64,
    /// Maximum lateness of the slot's deadlines.
    pub max_ns: u64,
    /// Number of deadlines.
    pub count: u64,
}
