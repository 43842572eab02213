//! Runs ten thousand timers of every kind for minutes, on two busy runtimes and two quiet ones.
//!
//! It creates, resets and drops timers at random, moves them between tasks, and polls them once. Meanwhile it
//! blocks threads, and stops the process now and then. It checks every tick, and that nothing leaks.
//!
//! ```text
//! cargo run --release -p soak -- [--minutes M] [--timers N] [--seed S] [--no-stops]
//! cargo run --release -p soak -- --minutes 10
//! ```
//!
//! The exit code is 0 if every number is right, and 1 if not. Lateness is printed, but not checked, because
//! machines differ. The same seed makes the same random choices, but not at the same times.

mod disturbances;
mod failures;
mod history;
mod interval;
mod lost_timers;
mod one_shot;
mod options;
mod owner;
mod periodic;
#[path = "../../../benches/support/process.rs"]
mod process;
mod report;
mod runtimes;
mod schedule;
mod shared;
mod sleep;
mod stats;
#[path = "../../../examples/support/mod.rs"]
mod support;
mod timeout;

use std::io;
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::runtime::Handle;

use disturbances::Disturbances;
use failures::Failures;
use lost_timers::LostTimerDetector;
use options::Options;
use owner::Owner;
use runtimes::Runtimes;
use shared::Shared;
use stats::Kind;

const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// After the end, how many checks all tasks have to finish.
const LAST_CHECKS: u32 = 240;
/// The number of sleeps at a time in each quiet runtime.
const QUIET_SLEEPS: usize = 3;
const MAX_SPINNING: usize = 4;
/// Each periodic interval needs a descriptor.
const MAX_PERIODIC: usize = 300;
/// The memory may grow by this factor and this number of KiB.
const GROWTH: f64 = 1.5;
const GROWTH_KIB: u64 = 8 * 1024;

fn main() -> ExitCode {
    let options = Options::from_arguments();
    println!(
        "{} timers for {:?}, seed {}",
        options.timers, options.length, options.seed
    );
    let failures = Arc::new(Failures::default());
    let panics = Arc::clone(&failures);
    let default_hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        panics.add(format!("a panic: {info}"));
        default_hook(info);
    }));

    // The first runtimes of a process open descriptors that stay open.
    Runtimes::new().map_or_else(|error| no_runtime(&error), drop);
    let before = process::descriptors();
    if let Err(error) = soak(&options, &failures) {
        no_runtime(&error);
    }
    let after = process::descriptors();
    let descriptors = format!(
        "descriptors: {} before, {} after",
        report::or_unknown(before),
        report::or_unknown(after)
    );
    println!("{descriptors}");
    if before != after {
        failures.add(descriptors);
    }

    failures.print();
    match failures.count() {
        0 => {
            println!("soak: every tick accounted for");
            ExitCode::SUCCESS
        }
        count => {
            println!("soak: {count} failures; --seed {}", options.seed);
            ExitCode::FAILURE
        }
    }
}

fn no_runtime(error: &io::Error) -> ! {
    support::fail(&format!("no runtime: {error}"));
}

fn soak(options: &Options, failures: &Arc<Failures>) -> io::Result<()> {
    let mut rng = Rng::with_seed(options.seed);
    let runtimes = Runtimes::new()?;
    let timers = options.timers + 2 * QUIET_SLEEPS;
    let shared = Shared::new(options.length, options.seed, timers, Arc::clone(failures));
    spawn_timers(options.timers, &shared, &runtimes, &mut rng);
    let (disturb, end) = channel();
    let disturbances = disturbances::start(
        rng.fork(),
        runtimes.all().map(|(_, runtime)| runtime).collect(),
        options.stops && cfg!(unix),
        end,
    );

    let detector = LostTimerDetector::new(&shared, timers, runtimes.all().collect());
    let memory = wait_for_the_end(detector, &shared, options.length);
    drop(disturb);
    let disturbances = disturbances.join().expect("it does not panic");
    drop(runtimes);

    report::print_table(&shared);
    print_and_check_memory(&shared, &disturbances, &memory);
    check_counts(&shared);
    Ok(())
}

/// The resident memory in KiB after warming up and at the end, when all timers still exist. An empty queue
/// would have released its memory.
struct Memory {
    warm: Option<u64>,
    end: Option<u64>,
}

/// Waits until all timers have ended, and checks them meanwhile.
fn wait_for_the_end(mut detector: LostTimerDetector, shared: &Shared, length: Duration) -> Memory {
    let began = Instant::now();
    let warm_up = (length / 3).min(Duration::from_secs(20));
    let mut memory = Memory {
        warm: None,
        end: None,
    };
    let mut last_progress = Duration::ZERO;
    let mut last_checks = 0;
    loop {
        if let Err(error) = detector.check() {
            // A runtime that does not answer cannot be shut down either.
            report::print_table(shared);
            shared.failures.print();
            eprintln!("failed: {error}");
            std::process::exit(1);
        }
        let elapsed = began.elapsed();
        if elapsed >= last_progress + PROGRESS_EVERY {
            report::print_progress(shared, elapsed);
            last_progress = elapsed;
        }
        if elapsed < length {
            memory.end = process::resident_memory();
            if elapsed >= warm_up && memory.warm.is_none() {
                memory.warm = memory.end;
            }
            continue;
        }
        let lost = shared.total(|stats| &stats.lost);
        if u64::try_from(shared.owners()).is_ok_and(|owners| owners <= lost) {
            return memory;
        }
        last_checks += 1;
        if last_checks == LAST_CHECKS {
            let owners = shared.owners();
            shared
                .failures
                .add(format!("{owners} tasks have not finished"));
            return memory;
        }
    }
}

fn print_and_check_memory(shared: &Shared, disturbances: &Disturbances, memory: &Memory) {
    println!(
        "stalls: {}, stops: {}; processor time: {}",
        disturbances.stalls,
        disturbances.stops,
        report::or_unknown(process::processor_time().map(|time| format!("{time:.1?}")))
    );
    println!(
        "resident: {} after warming up, {} at the end",
        report::memory(memory.warm),
        report::memory(memory.end)
    );
    if let (Some(warm), Some(end)) = (memory.warm, memory.end) {
        #[allow(clippy::cast_precision_loss, reason = "the bound is generous")]
        if end.saturating_sub(GROWTH_KIB) as f64 > warm as f64 * GROWTH {
            shared
                .failures
                .add(format!("memory: from {warm} to {end} KiB"));
        }
    }
}

fn check_counts(shared: &Shared) {
    for kind in Kind::ALL {
        let stats = shared.stats(kind);
        if stats.lost.get() != 0 {
            // The loss is a failure already, and the other counts cannot be right.
            continue;
        }
        let created = stats.created.get();
        let ended = stats.completed.get() + stats.canceled.get();
        if created != ended {
            let what = format!("{}: {created} created, {ended} ended", kind.name());
            shared.failures.add(what);
        }
        let expected = stats.expected.get();
        let ticks = stats.delivered.get() + stats.missed.get();
        if kind.is_interval() && expected != ticks {
            let what = format!("{}: {expected} deadlines, {ticks} ticks", kind.name());
            shared.failures.add(what);
        }
    }
}

fn spawn_timers(timers: usize, shared: &Arc<Shared>, runtimes: &Runtimes, rng: &mut Rng) {
    let busy: Arc<[Handle]> = runtimes.busy.clone().into();
    let descriptors = process::descriptor_limit()
        .and_then(|limit| usize::try_from(limit / 4).ok())
        .unwrap_or(MAX_PERIODIC);
    let periodic = (timers * 3 / 100).min(MAX_PERIODIC).min(descriptors);
    let spinning = (timers / 2500).clamp(1, MAX_SPINNING);
    for number in 0..timers {
        let kind = if number < spinning {
            Kind::Spinning
        } else if number < spinning + periodic {
            Kind::Periodic
        } else {
            match rng.u8(..20) {
                0..3 => Kind::Burst,
                3..6 => Kind::Skip,
                6..9 => Kind::Delay,
                9..12 => Kind::Tolerant,
                12..16 => Kind::Sleep,
                16..18 => Kind::TimeoutReached,
                _ => Kind::TimeoutInTime,
            }
        };
        let runtime = &busy[usize::from(rng.u8(..10) < 3)];
        let owner = Owner::new(shared, &busy, kind, number, rng.fork());
        match kind {
            Kind::Sleep | Kind::Quiet => drop(runtime.spawn(sleep::run(owner))),
            Kind::TimeoutReached | Kind::TimeoutInTime => {
                drop(runtime.spawn(timeout::run(owner)));
            }
            Kind::Periodic => drop(runtime.spawn(periodic::run(owner))),
            _ => drop(runtime.spawn(interval::run(owner))),
        }
    }
    let mut number = timers;
    for runtime in &runtimes.quiet {
        let owners = (number..number + QUIET_SLEEPS)
            .map(|number| Owner::new(shared, &busy, Kind::Quiet, number, rng.fork()))
            .collect();
        runtime.spawn(sleep::run_quietly(owners));
        number += QUIET_SLEEPS;
    }
}
