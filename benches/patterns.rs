//! What a timer adds to the loops that servers run, beside what tokio's adds.
//!
//! `cargo bench --features full --bench patterns`, and the name of a pattern to run that alone. A loop
//! runs in a task, where it has a cooperative budget, and takes messages that are all there when it
//! begins. The contenders take turns, round by round; the medians of the rounds count.

mod loops;
mod support;

use std::time::Duration;

use loops::{
    IDLE, LIMIT, Loop, Messages, Stopwatch, WARM_UP, bare_receive, bare_request, bare_select,
    beside_ticks, request_within_limit, unless_idle, within_limit,
};
use support::{Flavor, Start, median, second_poll};
use tokio::sync::mpsc;

const ROUNDS: usize = 21;

struct Pattern {
    name: &'static str,
    messages: usize,
    bare: Loop,
    tokio: Loop,
    ours: Loop,
    /// The published version has no sleeps.
    seed: Option<Loop>,
}

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

macro_rules! of_seed {
    ($loop:expr) => {{
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        let of_seed: Option<Loop> = Some($loop);
        #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
        let of_seed: Option<Loop> = None;
        of_seed
    }};
}

const PATTERNS: &[Pattern] = &[
    Pattern {
        name: "select! with a tick each 1 ms",
        messages: 200_000,
        bare: bare_select,
        tokio: beside_ticks!(tokio::time, MS),
        ours: beside_ticks!(tokio_osinterval::time, MS),
        seed: of_seed!(beside_ticks!(seed, MS)),
    },
    Pattern {
        name: "select! with a tick each 1 s",
        messages: 200_000,
        bare: bare_select,
        tokio: beside_ticks!(tokio::time, SECOND),
        ours: beside_ticks!(tokio_osinterval::time, SECOND),
        seed: of_seed!(beside_ticks!(seed, SECOND)),
    },
    Pattern {
        name: "timeout(5 s, recv())",
        messages: 200_000,
        bare: bare_receive,
        tokio: within_limit!(tokio::time),
        ours: within_limit!(tokio_osinterval::time),
        seed: None,
    },
    Pattern {
        name: "select! with a sleep, reset",
        messages: 200_000,
        bare: bare_select,
        tokio: unless_idle!(tokio::time),
        ours: unless_idle!(tokio_osinterval::time),
        seed: None,
    },
    Pattern {
        name: "spawn(timeout(5 s, waits))",
        messages: 20_000,
        bare: bare_request,
        tokio: request_within_limit!(tokio::time),
        ours: request_within_limit!(tokio_osinterval::time),
        seed: None,
    },
];

/// What a message takes, in nanoseconds, if each worker has such a loop.
fn round(flavor: Flavor, work: Loop, messages: usize) -> f64 {
    let start = Start::new(flavor.workers() as usize);
    let channels: Vec<_> = (0..flavor.workers()).map(|_| filled(messages)).collect();
    flavor.builder().build().unwrap().block_on(async {
        let tasks = channels.into_iter().map(|messages| {
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                work(messages).await
            })
        });
        let mut sum = 0.0;
        for task in tasks.collect::<Vec<_>>() {
            sum += task.await.unwrap();
        }
        sum / f64::from(flavor.workers())
    })
}

/// A closed channel with so many messages after those that warm up.
fn filled(count: usize) -> Messages {
    let (sender, messages) = mpsc::unbounded_channel();
    for number in 0..WARM_UP + count {
        sender.send(number).unwrap();
    }
    messages
}

/// The ratio of what is added, unless the noise is larger than what tokio adds.
fn compare(flavor: Flavor, pattern: &Pattern) -> Option<f64> {
    let contenders = [
        Some(pattern.bare),
        Some(pattern.tokio),
        Some(pattern.ours),
        pattern.seed,
    ];
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for (samples, work) in samples.iter_mut().zip(contenders) {
            samples.extend(work.map(|work| round(flavor, work, pattern.messages)));
        }
    }
    let [bare, tokio, ours, seed] =
        samples.map(|samples| (!samples.is_empty()).then(|| median(samples)));
    let bare = bare.unwrap();
    let [tokio, ours, seed] = [tokio, ours, seed].map(|value| value.map(|value| value - bare));
    let ratio = tokio.filter(|tokio| *tokio > 0.0).zip(ours);
    let ratio = ratio.map(|(tokio, ours)| ours / tokio);
    print!("{:30} {bare:8.1}", pattern.name);
    for added in [tokio, ours, seed] {
        print!(" {:>8}", cell(added.map(|added| format!("{added:+.1}"))));
    }
    println!(" {:>13}", cell(ratio.map(|ratio| format!("{ratio:.2}"))));
    ratio
}

fn cell(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".into())
}

fn main() {
    let filter = support::argument(0);
    let mut ratios = Vec::new();
    println!(
        "ns per message, and what a timer adds, with a loop on each worker; medians of {ROUNDS} rounds"
    );
    for flavor in Flavor::ALL {
        println!(
            "{:30} {:>8} {:>8} {:>8} {:>8} {:>13}",
            flavor.name(),
            "no timer",
            "tokio",
            "ours",
            "1.0.0",
            "ours to tokio"
        );
        for pattern in PATTERNS {
            if filter
                .as_ref()
                .is_none_or(|filter| pattern.name.contains(filter))
            {
                ratios.extend(compare(flavor, pattern));
            }
        }
    }
    if !ratios.is_empty() {
        println!("median of the ratios: {:.2}", median(ratios));
    }
}
