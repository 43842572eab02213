//! `ticklab run`: in each round every timer takes a turn, so that a noisy machine disturbs all of them.

mod interrupt;
mod measured;
mod syscalls;
mod turn;
mod usage;

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fastrand::Rng;
use jiff::Timestamp;

use crate::args::RunArgs;
use crate::choice::Kind;
use crate::machine::Machine;
use crate::output::{self, Files};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{FORMAT, Report, table};
use crate::terminal;
use crate::timers::Load;
use crate::units::{about, in_nanos};
use crate::{PROBLEM, SUCCESS};
use measured::Measured;
pub use syscalls::tick;

/// Measures the timers and writes the reports.
///
/// # Errors
///
/// Returns an error if there is nothing to measure, or if a file cannot be written. Both are checked before
/// the run begins.
pub fn run(args: &RunArgs) -> Result<u8> {
    let plan = Plan::new(args)?;
    let names = Kind::floors()
        .chain(plan.timers.iter().copied())
        .map(Kind::name);
    let names: Vec<_> = names.collect();
    let files = Files::new(args, &names)?;
    let machine = Machine::read();
    interrupt::watch().context("cannot watch for Ctrl-C")?;
    let mut rng = Rng::with_seed(plan.seed);
    let timers = Kind::floors().chain(plan.timers.iter().copied());
    let length = turn::length(&plan) * plan.rounds;
    let timers: Vec<_> = timers.collect();
    let length = length * u32::try_from(timers.len()).unwrap_or(u32::MAX);
    let counted = syscalls::length(&plan) * u32::from(args.syscalls);
    let expected = length + counted * u32::try_from(timers.len()).unwrap_or(u32::MAX);
    announce(timers.len(), &plan, expected);
    let measured = |kind| Measured::new(kind, in_nanos(length));
    let mut measured: Vec<_> = timers.into_iter().map(measured).collect();

    let load = Load::start(plan.load_threads).context("cannot start the threads of the load")?;
    let (date, begun) = (Timestamp::now(), Instant::now());
    let progress = Progress::new(length, &names);
    let mut order: Vec<_> = (0..measured.len()).collect();
    'rounds: for _ in 0..plan.rounds {
        rng.shuffle(&mut order);
        // The lateness of a timer that rounds to its own steps depends on where the deadlines lie between
        // the steps.
        let phases = phases(&plan, &mut rng);
        for &index in &order {
            if interrupt::is_requested() {
                break 'rounds;
            }
            if measured[index].failure.is_none() {
                turn::take(
                    &plan,
                    &phases,
                    begun,
                    &mut measured[index],
                    |before, now| {
                        progress.show(index, begun.elapsed(), [before, now]);
                    },
                );
            }
        }
    }
    progress.finish();
    let took = begun.elapsed();
    drop(load);

    let mut timers: Vec<_> = measured.iter().map(Measured::report).collect();
    if args.syscalls && !interrupt::is_requested() {
        syscalls::count(&plan, &mut timers);
    }
    let interrupted = interrupt::code();
    let report = Report {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command(),
        began: date.to_string(),
        took_ns: in_nanos(took),
        interrupted: interrupted.is_some(),
        settings: plan.settings(),
        machine,
        timers,
    };
    // A signal that ended the measuring must not end the writing too. The next signal does.
    let stop = || interrupt::is_requested() && !report.interrupted;
    let to_error = files.take_standard_output();
    // The files come first: the reader of the table may be gone.
    let written = files.write(&report, &stop);
    let table = |width| table::text(&report, width);
    let printed = if to_error {
        output::print(io::stderr(), table(terminal::width_of_error()), &stop)
    } else {
        output::print(io::stdout(), table(terminal::width()), &stop)
    };
    let done = written.and(printed.context("cannot print the table"));
    let failed = report.timers.iter().any(|timer| timer.failure.is_some());
    match (done, interrupt::code()) {
        (Ok(()), _) => Ok(interrupted.unwrap_or(if failed { PROBLEM } else { SUCCESS })),
        // A signal ended the writing.
        (Err(error), Some(code)) if stop() => {
            crate::complain(&error);
            Ok(code)
        }
        (Err(error), _) => Err(error),
    }
}

/// Prints how long the run will take. A failure to print is ignored.
fn announce(timers: usize, plan: &Plan, length: Duration) {
    let (rounds, length) = (plan.rounds, about(length));
    let _ = writeln!(
        io::stderr(),
        "timers: {timers}; rounds: {rounds}; about {length}"
    );
}

/// Returns the first deadline of each interval, at a random time in the first period.
fn phases(plan: &Plan, rng: &mut Rng) -> Vec<Duration> {
    let period = in_nanos(plan.period);
    (0..plan.intervals)
        .map(|_| Duration::from_nanos(rng.u64(..period)))
        .collect()
}

/// Returns the command line as given, without the program's folder.
fn command() -> Vec<String> {
    let mut words: Vec<_> = env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let name = words.first().and_then(|program| {
        Some(
            Path::new(program)
                .file_stem()?
                .to_string_lossy()
                .into_owned(),
        )
    });
    if let Some(name) = name {
        words[0] = name;
    }
    words
}
