//! What can be asked for on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};
use jiff::SignedDuration;

use crate::choice::{Kind, Missed, Runtime};

/// See what your timers really do on this machine.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure timers side by side
    Run(RunArgs),
    /// Tell what has changed from one run to another
    Compare(CompareArgs),
    /// Look for what hurts timers on this machine; exit with code 1 if there is any
    Doctor,
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

/// Of `ticklab run`.
#[derive(Debug, Group)]
pub struct RunArgs {
    /// Time between two ticks
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration)]
    pub period: Duration,

    /// How long each timer is measured, all its rounds together
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub duration: Duration,

    /// Rounds that the duration is divided into; in each the timers have their turn in another order
    #[arg(long, value_name = "N", default_value = "10")]
    pub rounds: NonZeroU32,

    /// How long a timer ticks before it is measured, in each round
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub warm_up: Duration,

    /// Which timers
    #[arg(
        long = "timer",
        value_name = "TIMER",
        value_delimiter = ',',
        default_value = "os,os-spin,tokio,thread"
    )]
    pub timers: Vec<Kind>,

    /// Intervals at the same time, at different phases; the floor's rows have one
    #[arg(long, value_name = "N", default_value = "1")]
    pub intervals: NonZeroU32,

    /// The runtime that the timers' tasks run on: `current`, `multi`, or `multi:THREADS`
    #[arg(long, value_name = "KIND", default_value = "current")]
    pub runtime: Runtime,

    /// Keep each of the runtime's threads busy for this share of the time, by other tasks
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = clap::value_parser!(u32).range(..=100))]
    pub load: u32,

    /// Keep so many threads busy outside of the runtime
    #[arg(long, value_name = "N", default_value = "0")]
    pub load_threads: u32,

    /// How long each tick's consumer is busy
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub work: Duration,

    /// How late a tick of `os` may be, to share a wake-up with another
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub tolerance: Duration,

    /// What a timer does about ticks that it has missed, where it leaves the choice
    #[arg(long, value_name = "BEHAVIOR", default_value = "burst")]
    pub missed: Missed,

    /// For the order within a round and the phases of the intervals; chosen at random if not given
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Count system calls too, in short runs of their own after the last round, where strace(1) is
    /// installed
    #[arg(long)]
    pub syscalls: bool,

    /// Write everything, for `ticklab compare` and other programs
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
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub fail_above: Option<f64>,
}

/// `1ms`, `200us`, `1.5s`, `2m 30s`: what jiff calls friendly.
fn duration(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text
        .parse()
        .map_err(|_| "not a time such as 200us, 1ms or 10s".to_owned())?;
    Duration::try_from(signed).map_err(|_| "less than nothing".to_owned())
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
        for text in ["", "1", "-1s", "soon", "1 fortnight"] {
            assert!(duration(text).is_err(), "{text}");
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
