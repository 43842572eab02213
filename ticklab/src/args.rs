//! What can be asked for on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};
use jiff::SignedDuration;

use crate::choice::{Kind, LoadKind, Missed, Runtime};

/// See what your timers really do on this machine.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Readers of JSON for which every number is a floating-point one know larger numbers only about.
pub const LARGEST_SEED: u64 = (1 << 53) - 1;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure timers side by side
    Run(RunArgs),
    /// Tell what has changed from one run to another
    Compare(CompareArgs),
    /// Look for what hurts timers on this machine; exit with code 1 if there is any
    Doctor,
    /// Draw what ticks cost by the number of intervals, from the table of the benchmark `scale`
    #[command(hide = true)]
    Cost(CostArgs),
    /// Say where it runs, in a line
    #[command(hide = true)]
    Machine,
    /// Let a timer tick, for a tracer
    #[command(hide = true)]
    Tick(TickArgs),
}

/// Of `ticklab tick`.
#[derive(Debug, Group)]
pub struct TickArgs {
    /// The timer, or a floor
    #[arg(long)]
    pub only: String,

    /// As for a run
    #[command(flatten)]
    pub run: RunArgs,
}

/// Of `ticklab cost`.
#[derive(Debug, Group)]
pub struct CostArgs {
    /// What the benchmark has printed
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,

    /// The command that printed it
    #[arg(long)]
    pub command: String,

    /// Where the picture goes
    #[arg(long, value_name = "FILE")]
    pub svg: PathBuf,
}

/// Of `ticklab run`.
#[derive(Debug, Group)]
pub struct RunArgs {
    /// Time between two ticks
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration, allow_hyphen_values = true)]
    pub period: Duration,

    /// How long each timer is measured, all its rounds together
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, allow_hyphen_values = true)]
    pub duration: Duration,

    /// Rounds that the duration is divided into; in each the timers have their turn in another order.
    /// Each turn takes the warm-up and at least 25 ms of set-up on top of its share of the duration. What
    /// the whole run takes is said before it begins
    #[arg(long, value_name = "N", default_value = "10", value_parser = count, allow_hyphen_values = true)]
    pub rounds: NonZeroU32,

    /// How long a timer ticks before it is measured, in each round
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration, allow_hyphen_values = true)]
    pub warm_up: Duration,

    /// Which timers, besides those of the machine's floor, which always have their turns too
    #[arg(
        long = "timer",
        value_name = "TIMER",
        value_delimiter = ',',
        default_value = "os,os-spin,tokio,thread"
    )]
    pub timers: Vec<Kind>,

    /// Intervals at the same time, at different phases; the floor's rows have one
    #[arg(long, value_name = "N", default_value = "1", value_parser = count, allow_hyphen_values = true)]
    pub intervals: NonZeroU32,

    /// The runtime that the timers' tasks run on: `current`, `multi`, or `multi:THREADS`
    #[arg(long, value_name = "KIND", default_value = "current")]
    pub runtime: Runtime,

    /// After how many polls of tasks tokio looks at its timers and its I/O, while there is always a task
    /// that is ready: `Builder::event_interval`
    #[arg(long, value_name = "N", default_value = "61", value_parser = count, allow_hyphen_values = true)]
    pub event_interval: NonZeroU32,

    /// Keep each of the runtime's threads busy for this share of the time, by other tasks
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = clap::value_parser!(u32).range(..=100), allow_negative_numbers = true)]
    pub load: u32,

    /// What these tasks do between two polls
    #[arg(long, value_name = "KIND", default_value = "yield", requires = "load")]
    pub load_kind: LoadKind,

    /// How long each poll of theirs takes, from 1us to 10ms
    #[arg(
        long,
        value_name = "TIME",
        default_value = "100us",
        value_parser = duration,
        allow_hyphen_values = true,
        requires = "load"
    )]
    pub load_poll: Duration,

    /// Keep so many threads busy outside of the runtime
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        allow_negative_numbers = true
    )]
    pub load_threads: u32,

    /// How long each tick's consumer is busy
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, allow_hyphen_values = true)]
    pub work: Duration,

    /// How late a tick of `os` may be, to share a wake-up with another
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, allow_hyphen_values = true)]
    pub tolerance: Duration,

    /// What a timer does about ticks that it has missed, where it leaves the choice
    #[arg(long, value_name = "BEHAVIOR", default_value = "burst")]
    pub missed: Missed,

    /// For the order within a round and the phases of the intervals, below 2^53; chosen at random if not
    /// given
    #[arg(long, value_name = "NUMBER", value_parser = seed, allow_hyphen_values = true)]
    pub seed: Option<u64>,

    /// Count system calls too, in short runs of their own after the last round, where strace(1) is
    /// installed
    #[arg(long)]
    pub syscalls: bool,

    /// Write everything, for `ticklab compare` and other programs. `-` is standard output, here and for
    /// CSV, HTML and SVG; the table then goes to standard error
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a row for each timer and round
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write each timer's histogram of lateness, in microseconds, as `HdrHistogram`'s plotters read it:
    /// for `report.hgrm` the files `report.os.hgrm` and so on
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,

    /// Write a page with plots, for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Write a picture of the timers' lateness by percentile, for a README: light or dark as its reader has
    /// chosen, without scripts
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Of `ticklab compare`.
#[derive(Debug, Group)]
pub struct CompareArgs {
    /// Written by `ticklab run --json`: what it was before
    #[arg(value_name = "A.json")]
    pub before: PathBuf,

    /// Written by `ticklab run --json`: what it is now
    #[arg(value_name = "B.json")]
    pub after: PathBuf,

    /// Exit with code 1 if a timer's median or p99 of lateness, or its processor time per tick, has
    /// grown by more than this factor, and by more than the rounds differ among themselves
    #[arg(long, value_name = "RATIO", value_parser = ratio, allow_negative_numbers = true)]
    pub fail_above: Option<f64>,
}

/// `1ms`, `200us`, `1.5s`, `2m 30s`: what jiff calls friendly.
fn duration(text: &str) -> Result<Duration, String> {
    // Keyboards and Unicode's normal forms have the Greek letter, jiff the micro sign.
    let signed: SignedDuration = text
        .replace('\u{3bc}', "\u{b5}")
        .parse()
        .map_err(|_| "not a time such as 200us, 1ms or 10s".to_owned())?;
    Duration::try_from(signed).map_err(|_| "a time cannot be negative".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed <= LARGEST_SEED);
    seed.ok_or_else(|| format!("not a whole number from 0 to {LARGEST_SEED}"))
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    let wrong = |_| format!("not a whole number from 1 to {}", u32::MAX);
    text.parse().map_err(wrong)
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(ratio) if (1.0..f64::INFINITY).contains(&ratio) => Ok(ratio),
        _ => Err("a number from 1 up, such as 1.2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_time() {
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
    fn a_count() {
        assert_eq!(count("4294967295"), Ok(NonZeroU32::MAX));
        for text in ["", "0", "-1", "1.5", "4294967296", "many"] {
            let refused = count(text).unwrap_err();
            assert_eq!(refused, "not a whole number from 1 to 4294967295", "{text}");
        }
    }

    #[test]
    fn a_seed() {
        assert_eq!(seed("9007199254740991"), Ok(LARGEST_SEED));
        for text in ["", "-1", "1.5", "9007199254740992", "99999999999999999999"] {
            let refused = seed(text).unwrap_err();
            let expected = "not a whole number from 0 to 9007199254740991";
            assert_eq!(refused, expected, "{text}");
        }
    }

    #[test]
    fn a_ratio() {
        assert_eq!(ratio("1.25"), Ok(1.25));
        for text in ["", "0.9", "nan", "inf", "two"] {
            assert!(ratio(text).is_err(), "{text}");
        }
    }
}
