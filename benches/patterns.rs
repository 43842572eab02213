//! What a timer adds to the loops of servers, compared with what tokio's adds.
//!
//! `cargo bench --features full --bench patterns`. An argument selects one pattern by name. A loop runs in a
//! task, where it has a cooperative budget. It receives messages that were all sent before it begins. The
//! contenders take turns, round by round; the medians of the rounds count.

mod loops;
mod support;

use std::time::Duration;

use loops::{
    IDLE, LIMIT, Loop, Messages, Stopwatch, WARM_UP, bare_receive, bare_request, bare_select,
    beside_ticks, request_within_limit, unless_idle, within_limit,
};
use support::{Flavor, Start, Table, longest, median, number, or_none, second_poll};
use tokio::sync::mpsc;

struct Pattern {
    name: &'static str,
    messages: usize,
    bare: Loop,
    tokio: Loop,
    ours: Loop,
    /// `None` for loops with sleeps, which the published version does not have.
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
        name: "`select!` with a tick each 1 ms",
        messages: 200_000,
        bare: bare_select,
        tokio: beside_ticks!(tokio::time, MS),
        ours: beside_ticks!(tokio_osinterval::time, MS),
        seed: of_seed!(beside_ticks!(seed, MS)),
    },
    Pattern {
        name: "`select!` with a tick each 1 s",
        messages: 200_000,
        bare: bare_select,
        tokio: beside_ticks!(tokio::time, SECOND),
        ours: beside_ticks!(tokio_osinterval::time, SECOND),
        seed: of_seed!(beside_ticks!(seed, SECOND)),
    },
    Pattern {
        name: "`timeout(5 s, recv())`",
        messages: 200_000,
        bare: bare_receive,
        tokio: within_limit!(tokio::time),
        ours: within_limit!(tokio_osinterval::time),
        seed: None,
    },
    Pattern {
        name: "`select!` with a sleep that is reset each time",
        messages: 200_000,
        bare: bare_select,
        tokio: unless_idle!(tokio::time),
        ours: unless_idle!(tokio_osinterval::time),
        seed: None,
    },
    Pattern {
        name: "`spawn(timeout(5 s, …))` around what waits once",
        messages: 20_000,
        bare: bare_request,
        tokio: request_within_limit!(tokio::time),
        ours: request_within_limit!(tokio_osinterval::time),
        seed: None,
    },
];

/// Returns nanoseconds per message with such a loop on each worker.
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

/// Returns a closed channel with `count` messages after the warm-up.
fn filled(count: usize) -> Messages {
    let (sender, messages) = mpsc::unbounded_channel();
    for number in 0..WARM_UP + count {
        sender.send(number).unwrap();
    }
    messages
}

/// What each contender adds, and the time without a timer.
struct Added {
    bare: f64,
    /// This version, tokio, and the published version.
    by: [Option<f64>; 3],
}

fn compare(flavor: Flavor, pattern: &Pattern, rounds: usize) -> Added {
    let contenders = [
        Some(pattern.bare),
        Some(pattern.ours),
        Some(pattern.tokio),
        pattern.seed,
    ];
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        for (samples, work) in samples.iter_mut().zip(contenders) {
            samples.extend(work.map(|work| round(flavor, work, pattern.messages)));
        }
    }
    let [bare, by @ ..] = samples.map(|samples| (!samples.is_empty()).then(|| median(samples)));
    let bare = bare.unwrap();
    Added {
        bare,
        by: by.map(|value| value.map(|value| value - bare)),
    }
}

fn main() {
    let rounds = support::rounds(21);
    println!(
        "ns that a timer adds to a message, with a loop on each worker; medians of {rounds} rounds\n"
    );
    let table = Table::begin(
        "| on a current-thread runtime, and on two workers | here | tokio | 1.0.0 |",
        &[longest(PATTERNS.iter().map(|pattern| pattern.name))],
        11,
    );
    let (mut remarks, mut ratios) = (Vec::new(), Vec::new());
    for pattern in PATTERNS
        .iter()
        .filter(|pattern| support::is_chosen(pattern.name))
    {
        let flavors = Flavor::ALL.map(|flavor| compare(flavor, pattern, rounds));
        let mut row = vec![pattern.name.to_owned()];
        row.extend([0, 1, 2].map(|contender| {
            let added = flavors
                .iter()
                .map(|added| Some(number(added.by[contender]?, 0)));
            or_none(
                added
                    .collect::<Option<Vec<_>>>()
                    .map(|added| added.join(" / ")),
            )
        }));
        table.row(&row);
        for (Added { bare, by }, flavor) in flavors.into_iter().zip(Flavor::ALL) {
            // No ratio if the noise is larger than what tokio adds.
            let ratio = by[1].filter(|tokio| *tokio > 0.0).zip(by[0]);
            let ratio = ratio.map(|(tokio, ours)| ours / tokio);
            ratios.extend(ratio);
            remarks.push(format!(
                "{}, {}: without a timer {bare:.1}, here / tokio {}",
                pattern.name,
                flavor.name(),
                or_none(ratio.map(|ratio| format!("{ratio:.2}"))),
            ));
        }
    }
    println!("\n{}", remarks.join("\n"));
    if !ratios.is_empty() {
        println!("median of the ratios: {:.2}", median(ratios));
    }
}
