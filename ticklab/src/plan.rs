//! The plan of a run: the checked arguments.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::args::{LARGEST_SEED, RunArgs};
use crate::choice::{Kind, LoadKind, Missed, Runtime};
use crate::report::Settings;
use crate::units::in_nanos;

/// The plan of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The timers, without duplicates.
    pub timers: Vec<Kind>,
    /// Number of rounds.
    pub rounds: u32,
    /// Measuring time of a timer, all rounds together, as given.
    pub duration: Duration,
    /// Measuring time of one turn.
    pub round: Duration,
    /// Warm-up before each turn, in whole periods.
    pub warm_up: Duration,
    /// Time between two ticks.
    pub period: Duration,
    /// Number of intervals at the same time.
    pub intervals: u32,
    /// The runtime of the timers' tasks.
    pub runtime: Runtime,
    /// tokio's event interval in polls, at least 1.
    pub event_interval: u32,
    /// Load of each of the runtime's threads, in percent.
    pub load: u32,
    /// What the load's tasks do between two polls.
    pub load_kind: LoadKind,
    /// Length of each poll of the load's tasks.
    pub load_poll: Duration,
    /// Busy threads outside the runtime.
    pub load_threads: u32,
    /// Time that a consumer is busy after each tick.
    pub work: Duration,
    /// How late a tick may be.
    pub tolerance: Duration,
    /// Behaviour for missed ticks, for timers that offer a choice.
    pub missed: Missed,
    /// Seed of the order and the phases.
    pub seed: u64,
}

/// A load's task is busy for its share of each cycle.
pub const LOAD_CYCLE: Duration = Duration::from_millis(10);

/// No timer could tick faster, and counting the deadlines would fall behind.
const MIN_PERIOD: Duration = Duration::from_micros(1);
/// Longer times would overflow sums.
const MAX_TIME: Duration = Duration::from_secs(86_400 * 365);

/// More would take more memory and set-up time than the result is worth.
const MAX_INTERVALS: u32 = 1_000_000;

/// More ticking threads would need limits above the defaults. If std cannot allocate what a thread needs, the
/// process ends.
const MAX_THREADS: u32 = 10_000;

/// With longer work, a user could not tell whether the run still makes progress.
const MAX_WORK: Duration = Duration::from_secs(1);
/// In a shorter poll, tokio's own work would dominate.
const MIN_POLL: Duration = Duration::from_micros(1);
/// The whole cycle of a full load.
const MAX_POLL: Duration = LOAD_CYCLE;
/// More busy threads would leave nothing of the machine to measure on.
const MAX_BUSY_THREADS: u32 = 1024;
/// Each round is an element of the report.
const MAX_ROUNDS: u32 = 10_000;

impl Plan {
    /// # Errors
    ///
    /// Returns an error if the arguments leave nothing to measure.
    pub fn new(args: &RunArgs) -> Result<Self> {
        let mut timers: Vec<Kind> = Vec::new();
        for timer in &args.timers {
            if !timers.contains(timer) {
                timers.push(*timer);
            }
        }
        let lengths = [
            args.period,
            args.duration,
            args.warm_up,
            args.work,
            args.tolerance,
        ];
        ensure!(
            lengths.iter().all(|length| *length <= MAX_TIME),
            "no time may be longer than a year"
        );
        ensure!(
            args.period >= MIN_PERIOD,
            "--period must be at least {MIN_PERIOD:?}"
        );
        ensure!(
            args.intervals.get() <= MAX_INTERVALS,
            "--intervals may be at most {MAX_INTERVALS}"
        );
        if let Some(timer) = timers.iter().find(|timer| timer.takes_threads()) {
            ensure!(
                args.intervals.get() <= MAX_THREADS,
                "--intervals may be at most {MAX_THREADS} with {}, which takes a thread for each",
                timer.name()
            );
        }
        ensure!(args.work <= MAX_WORK, "--work may be at most {MAX_WORK:?}");
        ensure!(
            (MIN_POLL..=MAX_POLL).contains(&args.load_poll),
            "--load-poll must be from {MIN_POLL:?} to {MAX_POLL:?}"
        );
        ensure!(
            args.load_threads <= MAX_BUSY_THREADS,
            "--load-threads may be at most {MAX_BUSY_THREADS}"
        );
        let rounds = args.rounds.get();
        ensure!(rounds <= MAX_ROUNDS, "--rounds may be at most {MAX_ROUNDS}");
        let round = args.duration / rounds;
        ensure!(
            round >= args.period,
            "--duration {:?} in {rounds} rounds leaves {round:?} for each, which is shorter than the --period of {:?}",
            args.duration,
            args.period
        );
        Ok(Self {
            timers,
            rounds,
            duration: args.duration,
            round,
            warm_up: in_whole_periods(args.warm_up, args.period),
            period: args.period,
            intervals: args.intervals.get(),
            runtime: args.runtime,
            event_interval: args.event_interval.get(),
            load: args.load,
            load_kind: args.load_kind,
            load_poll: args.load_poll,
            load_threads: args.load_threads,
            work: args.work,
            tolerance: args.tolerance,
            missed: args.missed,
            seed: args.seed.unwrap_or_else(|| fastrand::u64(..=LARGEST_SEED)),
        })
    }

    /// Returns the settings for the report.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            period_ns: in_nanos(self.period),
            duration_ns: in_nanos(self.duration),
            rounds: self.rounds,
            warm_up_ns: in_nanos(self.warm_up),
            intervals: self.intervals,
            runtime: match self.runtime {
                Runtime::Current => "current".to_owned(),
                Runtime::Multi(None) => "multi".to_owned(),
                Runtime::Multi(Some(threads)) => format!("multi:{threads}"),
            },
            event_interval: self.event_interval,
            load_percent: self.load,
            load_kind: format!("{:?}", self.load_kind).to_lowercase(),
            load_poll_ns: in_nanos(self.load_poll),
            load_threads: self.load_threads,
            work_ns: in_nanos(self.work),
            tolerance_ns: in_nanos(self.tolerance),
            missed: format!("{:?}", self.missed).to_lowercase(),
            seed: self.seed,
        }
    }
}

/// Rounds up to whole periods.
fn in_whole_periods(time: Duration, period: Duration) -> Duration {
    let periods = time.as_nanos().div_ceil(period.as_nanos());
    period * u32::try_from(periods).unwrap_or(u32::MAX)
}
