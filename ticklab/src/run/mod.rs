//! `ticklab run`: the timers have their turns, round after round, so that a noisy machine is noisy
//! for all of them.

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
use crate::output::Files;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{FORMAT, Report, table};
use crate::timers::Load;
use crate::units::in_nanos;
use crate::{FINE, FOUND, INTERRUPTED};
use measured::Measured;
pub use syscalls::tick;

/// Measures, and writes what was found wherever it was asked for.
///
/// # Errors
///
/// If there is nothing to measure, or a file cannot be written: which is seen before it begins.
pub fn run(args: &RunArgs) -> Result<u8> {
    let plan = Plan::new(args)?;
    let names = Kind::floors()
        .chain(plan.timers.iter().copied())
        .map(Kind::name);
    let names: Vec<_> = names.collect();
    let files = Files::new(args, &names)?;
    let machine = Machine::read();
    interrupt::watch().context("cannot be told of Ctrl-C")?;
    let mut rng = Rng::with_seed(plan.seed);
    let timers = Kind::floors().chain(plan.timers.iter().copied());
    let length = turn::length(&plan) * plan.rounds;
    let timers: Vec<_> = timers.collect();
    let length = length * u32::try_from(timers.len()).unwrap_or(u32::MAX);
    let measured = |kind| Measured::new(kind, in_nanos(length));
    let mut measured: Vec<_> = timers.into_iter().map(measured).collect();

    let load = Load::start(plan.load_threads).context("cannot start the threads of the load")?;
    let (date, begun) = (Timestamp::now(), Instant::now());
    let progress = Progress::new(length, &names);
    let mut order: Vec<_> = (0..measured.len()).collect();
    'rounds: for _ in 0..plan.rounds {
        rng.shuffle(&mut order);
        // A timer that rounds up to steps of its own is as late as its deadlines lie between those.
        let phases = phases(&plan, &mut rng);
        for &index in &order {
            if interrupt::came() {
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
    if args.syscalls && !interrupt::came() {
        syscalls::count(&plan, &mut timers);
    }
    let report = Report {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command(),
        began: date.to_string(),
        took_ns: in_nanos(took),
        interrupted: interrupt::came(),
        settings: plan.settings(),
        machine,
        timers,
    };
    // The files first: whoever reads the table may be gone.
    let written = files.write(&report);
    print(&table::text(&report))?;
    written?;
    Ok(match &report {
        report if report.interrupted => INTERRUPTED,
        report if report.timers.iter().any(|timer| timer.failure.is_some()) => FOUND,
        _ => FINE,
    })
}

/// Each interval's first deadline, from the round's beginning: anywhere in the first period.
fn phases(plan: &Plan, rng: &mut Rng) -> Vec<Duration> {
    let period = in_nanos(plan.period);
    (0..plan.intervals)
        .map(|_| Duration::from_nanos(rng.u64(..period)))
        .collect()
}

/// As it was given, but for where the program lies.
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

/// Whoever reads may have read enough.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
