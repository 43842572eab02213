//! The command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};
use jiff::SignedDuration;

use crate::choice::{Kind, LoadKind, Missed, Runtime};

/// Measure how late your timers are on this machine.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// Many readers of JSON store every number as a 64-bit float, which is exact only up to this value.
pub const LARGEST_SEED: u64 = (1 << 53) - 1;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure timers side by side
    Run(RunArgs),
    /// Compare two runs, and tell changes from noise
    Compare(CompareArgs),
    /// List what makes timers late on this machine; exits with code 1 if it finds a problem
    Doctor,
    /// Draw the cost of a tick by the number of intervals, from the table of the benchmark `scale`
    #[command(hide = true)]
    Cost(CostArgs),
    /// Print a one-line description of this machine
    #[command(hide = true)]
    Machine,
    /// Run one timer, for a tracer
    #[command(hide = true)]
    Tick(TickArgs),
}

/// Arguments of `ticklab tick`.
#[derive(Debug, Group)]
pub struct TickArgs {
    /// The timer, or a floor
    #[arg(long)]
    pub only: String,

    /// The options of `run`
    #[command(flatten)]
    pub run: RunArgs,
}

/// Arguments of `ticklab cost`.
#[derive(Debug, Group)]
pub struct CostArgs {
    /// The output of the benchmark
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,

    /// The command that printed it
    #[arg(long)]
    pub command: String,

    /// Path of the picture
    #[arg(long, value_name = "FILE")]
    pub svg: PathBuf,
}

/// Arguments of `ticklab run`.
#[derive(Debug, Group)]
pub struct RunArgs {
    /// Time between two ticks
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration, allow_hyphen_values = true)]
    pub period: Duration,

    /// Measuring time of each timer, all its rounds together
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub duration: Duration,

    /// Number of rounds that the duration is divided into. The order of the timers changes from round to
    /// round. A turn takes the warm-up and at least 25 ms of set-up on top of its share of the duration.
    /// ticklab prints the expected length of the run before it begins
    #[arg(long, value_name = "N", default_value = "10", value_parser = count, allow_hyphen_values = true)]
    pub rounds: NonZeroU32,

    /// Time that a timer ticks in each round before it is measured
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration, allow_hyphen_values = true)]
    pub warm_up: Duration,

    /// Timers to measure, besides the machine's floor, which is always measured
    #[arg(
        long = "timer",
        value_name = "TIMER",
        value_delimiter = ',',
        default_value = "os,os-spin,tokio,thread"
    )]
    pub timers: Vec<Kind>,

    /// Number of intervals at the same time, at different phases; the floor has one
    #[arg(long, value_name = "N", default_value = "1", value_parser = count, allow_hyphen_values = true)]
    pub intervals: NonZeroU32,

    /// Runtime for the timers' tasks: `current`, `multi`, or `multi:THREADS`
    #[arg(long, value_name = "KIND", default_value = "current")]
    pub runtime: Runtime,

    /// Number of polls after which tokio checks its timers and its I/O while tasks are always ready:
    /// `Builder::event_interval`
    #[arg(long, value_name = "N", default_value = "61", value_parser = count, allow_hyphen_values = true)]
    pub event_interval: NonZeroU32,

    /// Share of the time for which other tasks keep each of the runtime's threads busy
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = clap::value_parser!(u32).range(..=100), allow_negative_numbers = true)]
    pub load: u32,

    /// What the load's tasks do between two polls
    #[arg(long, value_name = "KIND", default_value = "yield", requires = "load")]
    pub load_kind: LoadKind,

    /// Length of each poll of the load's tasks, from 1us to 10ms
    #[arg(
        long,
        value_name = "TIME",
        default_value = "100us",
        value_parser = duration,
        allow_hyphen_values = true,
        requires = "load"
    )]
    pub load_poll: Duration,

    /// Number of threads to keep busy outside the runtime
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        allow_negative_numbers = true
    )]
    pub load_threads: u32,

    /// Time that a consumer is busy after each tick
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, allow_hyphen_values = true)]
    pub work: Duration,

    /// How late a tick of `os` may be in order to share a wake-up
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, allow_hyphen_values = true)]
    pub tolerance: Duration,

    /// What a timer does about missed ticks, if the timer offers a choice
    #[arg(long, value_name = "BEHAVIOR", default_value = "burst")]
    pub missed: Missed,

    /// Seed of the order within a round and of the intervals' phases, below 2^53; random by default
    #[arg(long, value_name = "NUMBER", value_parser = seed, allow_hyphen_values = true)]
    pub seed: Option<u64>,

    /// Count system calls with strace(1), in short runs of their own after the last round
    #[arg(long)]
    pub syscalls: bool,

    /// Write everything as JSON, for `ticklab compare` and other programs. `-` is standard output, also for
    /// CSV, HTML and SVG; the table then goes to standard error
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a row for each timer and round as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write each timer's histogram of lateness, in microseconds, for `HdrHistogram`'s plotters:
    /// `report.hgrm` gives `report.os.hgrm` and so on
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,

    /// Write a page with plots, for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Write a picture of lateness by percentile, for a README. It has no scripts and follows the reader's
    /// light or dark scheme
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Arguments of `ticklab compare`.
#[derive(Debug, Group)]
pub struct CompareArgs {
    /// Report of the first run, written by `ticklab run --json`
    #[arg(value_name = "A.json")]
    pub before: PathBuf,

    /// Report of the second run, written by `ticklab run --json`
    #[arg(value_name = "B.json")]
    pub after: PathBuf,

    /// Exit with code 1 if a timer's p50 or p99 of lateness, or its processor time per tick, has grown by
    /// more than this factor, and by more than the rounds differ among themselves
    #[arg(long, value_name = "RATIO", value_parser = ratio, allow_negative_numbers = true)]
    pub fail_above: Option<f64>,
}

/// Parses jiff's friendly format: `1ms`, `200us`, `1.5s`, `2m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    // Keyboards and Unicode's normal forms produce the Greek letter; jiff expects the micro sign.
    let signed: SignedDuration = text
        .replace('\u{3bc}', "\u{b5}")
        .parse()
        .map_err(|_| "expected a time such as 200us, 1ms or 10s".to_owned())?;
    Duration::try_from(signed).map_err(|_| "a time cannot be negative".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed <= LARGEST_SEED);
    seed.ok_or_else(|| format!("expected a whole number from 0 to {LARGEST_SEED}"))
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    let wrong = |_| format!("expected a whole number from 1 to {}", u32::MAX);
    text.parse().map_err(wrong)
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(ratio) if (1.0..f64::INFINITY).contains(&ratio) => Ok(ratio),
        _ => Err("expected a number of at least 1, such as 1.2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_accepts_the_command_line() {
        Args::command().debug_assert();
    }

    #[test]
    fn time_is_parsed() {
        assert_eq!(duration("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(duration("200us"), Ok(Duration::from_micros(200)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        for micro in ["us", "\u{b5}s", "\u{3bc}s"] {
            assert_eq!(
                duration(&format!("20{micro}")),
                Ok(Duration::from_micros(20))
            );
        }
        for text in ["", "1", "-1s", "-1", "--json", "soon", "1 fortnight"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn count_is_a_positive_u32() {
        assert_eq!(count("4294967295"), Ok(NonZeroU32::MAX));
        for text in ["", "0", "-1", "1.5", "4294967296", "many"] {
            let refused = count(text).unwrap_err();
            assert_eq!(
                refused, "expected a whole number from 1 to 4294967295",
                "{text}"
            );
        }
    }

    #[test]
    fn seed_is_exact_in_a_float() {
        assert_eq!(seed("9007199254740991"), Ok(LARGEST_SEED));
        for text in ["", "-1", "1.5", "9007199254740992", "99999999999999999999"] {
            let refused = seed(text).unwrap_err();
            let expected = "expected a whole number from 0 to 9007199254740991";
            assert_eq!(refused, expected, "{text}");
        }
    }

    #[test]
    fn ratio_is_finite_and_at_least_one() {
        assert_eq!(ratio("1.25"), Ok(1.25));
        for text in ["", "0.9", "nan", "inf", "two"] {
            assert!(ratio(text).is_err(), "{text}");
        }
    }
}
