//! An interval on workers that are never idle: its lateness, and the throughput of the other tasks.
//!
//! `cargo bench --features full --bench busy`. Arguments select runtimes, by a part of their names, and event
//! intervals, such as `-- multi_thread 1 61`.
//!
//! Beside a tick each 1 ms, pairs of tasks wake each other in turns, and each poll takes a while. A worker
//! that is never idle asks for events only once every `event_interval` polls. The pairs receive plainly, or
//! within a timeout of the contender's own kind. The contenders take turns, round by round; the ticks of all
//! rounds count, and the median of the throughputs.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use support::{Flavor, Table, median, number};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Length of a measurement.
const ROUND: Duration = Duration::from_millis(150);
const PERIOD: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(5);
const PAIRS: usize = 4;
/// Length of a poll.
const POLLS: [Duration; 4] = [
    Duration::from_micros(1),
    Duration::from_micros(5),
    Duration::from_micros(20),
    Duration::from_micros(100),
];
/// The last is tokio's default.
const EVENT_INTERVALS: [u32; 4] = [1, 4, 16, 61];

/// One task of a pair.
struct Relay {
    takes: UnboundedReceiver<()>,
    gives: UnboundedSender<()>,
    poll: Duration,
    over: Arc<AtomicBool>,
    polls: u32,
}

impl Relay {
    fn pair(poll: Duration, over: &Arc<AtomicBool>) -> [Self; 2] {
        let [(gives, others), (other, takes)] = [unbounded_channel(), unbounded_channel()];
        // Starts one of the two.
        gives.send(()).unwrap();
        [(takes, gives), (others, other)].map(|(takes, gives)| Self {
            takes,
            gives,
            poll,
            over: Arc::clone(over),
            polls: 0,
        })
    }

    /// Returns `true` if the pair continues.
    fn pass_on(&mut self) -> bool {
        let from = Instant::now();
        while from.elapsed() < self.poll {
            std::hint::spin_loop();
        }
        self.polls += 1;
        !self.over.load(Ordering::Relaxed) && self.gives.send(()).is_ok()
    }
}

struct Round {
    /// Lateness in nanoseconds.
    late: Histogram<u64>,
    /// Thousands of polls a second, of all pairs.
    polls: f64,
}

macro_rules! contender {
    ($time:path, $receive:expr) => {
        |runtime, poll| {
            use $time as time;
            let over = Arc::new(AtomicBool::new(false));
            runtime.block_on(async {
                let began = Instant::now();
                let pairs = (0..PAIRS).flat_map(|_| Relay::pair(poll, &over));
                let pairs = pairs.map(|mut relay| {
                    tokio::spawn(async move {
                        while $receive(&mut relay.takes).await.is_some() && relay.pass_on() {}
                        relay.polls
                    })
                });
                let pairs: Vec<_> = pairs.collect();
                let ticking = tokio::spawn(async move {
                    let mut interval = time::interval_at(time::Instant::now() + PERIOD, PERIOD);
                    let mut late = Histogram::new(3).unwrap();
                    while began.elapsed() < ROUND {
                        let deadline = interval.tick().await;
                        let nanos = time::Instant::now().duration_since(deadline).as_nanos();
                        late.record(u64::try_from(nanos).unwrap()).unwrap();
                    }
                    late
                });
                let late = ticking.await.unwrap();
                over.store(true, Ordering::Relaxed);
                let mut polls = 0;
                for relay in pairs {
                    polls += relay.await.unwrap();
                }
                let took = began.elapsed().as_secs_f64();
                Round {
                    late,
                    polls: f64::from(polls) / took / 1e3,
                }
            })
        }
    };
}

async fn receive(takes: &mut UnboundedReceiver<()>) -> Option<()> {
    takes.recv().await
}

async fn within_tokio(takes: &mut UnboundedReceiver<()>) -> Option<()> {
    tokio::time::timeout(LIMIT, takes.recv()).await.unwrap()
}

async fn within_ours(takes: &mut UnboundedReceiver<()>) -> Option<()> {
    let received = tokio_osinterval::timeout(LIMIT, takes.recv());
    received.await.unwrap()
}

type Contender = fn(&Runtime, Duration) -> Round;

const HEADER: &str =
    "| each poll takes | `event_interval` | tokio | here | tokio, timeouts | here, timeouts |";

/// The contenders, in the order of the columns.
const CONTENDERS: [Contender; 4] = [
    contender!(tokio::time, receive),
    contender!(tokio_osinterval::time, receive),
    contender!(tokio::time, within_tokio),
    contender!(tokio_osinterval::time, within_ours),
];

#[allow(clippy::cast_precision_loss, reason = "no figure is that large")]
fn micros(late: &Histogram<u64>, quantile: f64) -> f64 {
    late.value_at_quantile(quantile) as f64 / 1e3
}

/// Measures a row of the table.
fn compare(table: &Table, flavor: Flavor, event_interval: u32, poll: Duration) {
    let runtime = || {
        let mut builder = flavor.builder();
        builder.event_interval(event_interval).build().unwrap()
    };
    let mut late = [(); 4].map(|()| Histogram::<u64>::new(3).unwrap());
    let mut polls = [const { Vec::new() }; 4];
    for _ in 0..rounds() {
        for (i, contender) in CONTENDERS.iter().enumerate() {
            let round = contender(&runtime(), poll);
            late[i].add(round.late).unwrap();
            polls[i].push(round.polls);
        }
    }
    let mut row = vec![
        format!("{} µs", poll.as_micros()),
        event_interval.to_string(),
    ];
    for (late, polls) in late.iter().zip(polls) {
        let (late, polls) = (micros(late, 0.5), median(polls));
        row.push(format!("{} / {}", number(late, 0), number(polls, 0)));
    }
    table.row(&row);
}

fn rounds() -> usize {
    support::rounds(3)
}

fn main() {
    let (numbers, names): (Vec<_>, Vec<_>) =
        support::arguments().partition(|argument| argument.parse::<u32>().is_ok());
    let numbers: Vec<u32> = numbers.iter().flat_map(|number| number.parse()).collect();
    if numbers.contains(&0) {
        support::refuse("an event interval is at least 1");
    }
    let flavors = Flavor::ALL.into_iter();
    let flavors = flavors.filter(|flavor| names.iter().all(|name| flavor.name().contains(name)));
    println!(
        "lateness at p50 in µs / thousands of polls a second, of {PAIRS} pairs; {} rounds",
        rounds()
    );
    for flavor in flavors {
        println!("\n{}\n", flavor.name());
        let table = Table::begin(HEADER, &[0, 0], 14);
        for poll in POLLS {
            let chosen = if numbers.is_empty() {
                &EVENT_INTERVALS[..]
            } else {
                &numbers
            };
            for event_interval in chosen {
                compare(&table, flavor, *event_interval, poll);
            }
        }
    }
}
