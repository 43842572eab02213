//! A soak: ten thousand timers of every kind for minutes on end, on two busy runtimes and two quiet ones.
//! They are made, reset, moved between tasks, polled by halves and dropped at random, while threads are
//! blocked and the process is stopped now and then. Every tick is accounted for, and nothing may leak.
//!
//! ```text
//! cargo run --release -p soak -- [--minutes M] [--timers N] [--seed S] [--no-stops]
//! cargo run --release -p soak -- --minutes 10
//! ```
//!
//! A run whose every number is right ends with 0, another with 1 and what was wrong. How late timers are
//! is told and not judged: machines differ. The seed makes the same choices again, though not at the same
//! moments.

mod account;
mod board;
mod books;
mod interval;
mod keeper;
mod once;
mod options;
mod periodic;
mod process;
mod report;
mod runtimes;
mod sleep;
#[path = "../../../examples/support/mod.rs"]
mod support;
mod tally;
mod timeout;
mod watch;
mod weather;

use std::io;
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::runtime::Handle;

use books::{Books, Failures};
use keeper::Keeper;
use options::Options;
use runtimes::Runtimes;
use tally::Kind;
use watch::Watch;
use weather::Weather;

const PROGRESS: Duration = Duration::from_secs(10);
/// So many beats after the end no timer is waited for any more.
const LAST_BEATS: u32 = 240;
/// Sleeps at a time in each quiet runtime.
const QUIET: usize = 3;
const MOST_SPINNING: usize = 4;
/// Each needs a descriptor.
const MOST_PERIODIC: usize = 300;
/// So much more memory, by factor and besides, is no leak.
const GROWTH: f64 = 1.5;
const GROWTH_KIB: u64 = 8 * 1024;

fn main() -> ExitCode {
    let options = Options::of_this_process();
    println!(
        "{} timers for {:?}, seed {}",
        options.timers, options.length, options.seed
    );
    let failures = Arc::new(Failures::default());
    let of_panics = Arc::clone(&failures);
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        of_panics.add(format!("a panic: {info}"));
        usual(info);
    }));

    // What is made once a process is there before descriptors are counted.
    Runtimes::new().map_or_else(|error| no_runtime(&error), drop);
    let before = process::descriptors();
    if let Err(error) = soak(&options, &failures) {
        no_runtime(&error);
    }
    let after = process::descriptors();
    let (was, is) = (report::number(before), report::number(after));
    println!("descriptors: {was} before, {is} after");
    if before != after {
        failures.add(format!("descriptors: {was} before, {is} after"));
    }

    for failure in failures.told() {
        eprintln!("failed: {failure}");
    }
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
    let mut dice = Rng::with_seed(options.seed);
    let runtimes = Runtimes::new()?;
    let rows = options.timers + 2 * QUIET;
    let books = Books::new(options.length, options.seed, rows, Arc::clone(failures));
    populate(options.timers, &books, &runtimes, &mut dice);
    let (weather_ends, over) = channel();
    let weather = weather::begin(
        dice.fork(),
        runtimes.all().map(|(_, runtime)| runtime).collect(),
        options.stops && cfg!(unix),
        over,
    );

    let watch = Watch::new(&books, rows, runtimes.all().collect());
    let (first, last) = attend(watch, &books, options.length);
    drop(weather_ends);
    let weather = weather.join().expect("it does not panic");
    drop(runtimes);

    report::table(&books);
    judge(&books, &weather, first, last);
    Ok(())
}

/// Waits until the end, and until all timers have gone. Returns how much memory was in use after a while,
/// and in the end, while there were as many timers still: a queue that is empty lets go of its own.
fn attend(mut watch: Watch, books: &Books, length: Duration) -> (Option<u64>, Option<u64>) {
    let began = Instant::now();
    let warm = (length / 3).min(Duration::from_secs(20));
    let (mut warmed_up, mut in_the_end) = (None, None);
    let mut told = Duration::ZERO;
    let mut last_beats = 0;
    loop {
        if let Err(why) = watch.beat() {
            // It cannot be shut down either.
            report::table(books);
            for failure in books.failures.told() {
                eprintln!("failed: {failure}");
            }
            eprintln!("failed: {why}");
            std::process::exit(1);
        }
        let elapsed = began.elapsed();
        if elapsed >= told + PROGRESS {
            report::progress(books, elapsed);
            told = elapsed;
        }
        if elapsed < length {
            in_the_end = process::resident();
            if elapsed >= warm && warmed_up.is_none() {
                warmed_up = in_the_end;
            }
            continue;
        }
        let lost = books.total(|tally| &tally.lost);
        if u64::try_from(books.keepers()).is_ok_and(|keepers| keepers <= lost) {
            break;
        }
        last_beats += 1;
        if last_beats == LAST_BEATS {
            let keepers = books.keepers();
            books
                .failures
                .add(format!("{keepers} tasks have not come to their end"));
            break;
        }
    }
    (warmed_up, in_the_end)
}

fn judge(books: &Books, weather: &Weather, first: Option<u64>, last: Option<u64>) {
    println!(
        "stalls: {}, stops: {}; processor time: {}",
        weather.stalls,
        weather.stops,
        process::processor_time().map_or("unknown".to_owned(), |time| format!("{time:.1?}"))
    );
    println!(
        "resident: {} after warming up, {} in the end",
        report::memory(first),
        report::memory(last)
    );
    if let (Some(first), Some(last)) = (first, last) {
        #[allow(clippy::cast_precision_loss, reason = "a generous bound")]
        if last.saturating_sub(GROWTH_KIB) as f64 > first as f64 * GROWTH {
            books
                .failures
                .add(format!("memory: from {first} to {last} KiB"));
        }
    }
    for kind in Kind::ALL {
        let tally = books.tally(kind);
        if tally.lost.get() != 0 {
            // That has been told of, and nothing adds up then.
            continue;
        }
        let (made, ended) = (
            tally.made.get(),
            tally.completed.get() + tally.cancelled.get(),
        );
        if made != ended {
            let what = format!("{}: {made} made, {ended} ended", kind.name());
            books.failures.add(what);
        }
        let (expected, seen) = (
            tally.expected.get(),
            tally.delivered.get() + tally.missed.get(),
        );
        if kind.is_interval() && expected != seen {
            let what = format!("{}: {expected} deadlines, {seen} ticks", kind.name());
            books.failures.add(what);
        }
    }
}

/// All timers, and where they live.
fn populate(timers: usize, books: &Arc<Books>, runtimes: &Runtimes, dice: &mut Rng) {
    let places: Arc<[Handle]> = runtimes.busy.clone().into();
    let descriptors = process::most_descriptors()
        .and_then(|most| usize::try_from(most / 4).ok())
        .unwrap_or(MOST_PERIODIC);
    let periodic = (timers * 3 / 100).min(MOST_PERIODIC).min(descriptors);
    let spinning = (timers / 2500).clamp(1, MOST_SPINNING);
    for number in 0..timers {
        let kind = if number < spinning {
            Kind::Spinning
        } else if number < spinning + periodic {
            Kind::Periodic
        } else {
            match dice.u8(..20) {
                0..3 => Kind::Burst,
                3..6 => Kind::Skip,
                6..9 => Kind::Delay,
                9..12 => Kind::Tolerant,
                12..16 => Kind::Sleep,
                16..18 => Kind::TimeoutReached,
                _ => Kind::TimeoutInTime,
            }
        };
        let home = &places[usize::from(dice.u8(..10) < 3)];
        let keeper = Keeper::new(books, &places, kind, number, dice.fork());
        match kind {
            Kind::Sleep | Kind::Quiet => drop(home.spawn(sleep::live(keeper))),
            Kind::TimeoutReached | Kind::TimeoutInTime => drop(home.spawn(timeout::live(keeper))),
            Kind::Periodic => drop(home.spawn(periodic::live(keeper))),
            _ => drop(home.spawn(interval::live(keeper))),
        }
    }
    let mut number = timers;
    for runtime in &runtimes.quiet {
        let keepers = (number..number + QUIET)
            .map(|number| Keeper::new(books, &places, Kind::Quiet, number, dice.fork()))
            .collect();
        runtime.spawn(sleep::live_quietly(keepers));
        number += QUIET;
    }
}
