//! A short sleep in a loop, beside timers that wait for an hour. The waiting timers should not slow it down.
//!
//! `cargo bench --features full --bench lone_sleep`. Prints the median length of a sleep and, in parentheses,
//! the difference from a sleep without other timers. The contenders take turns, round by round; the medians
//! of the rounds count.

mod support;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use support::{Table, longest, median, number};
use tokio::runtime::{Builder, Runtime};
use tokio_osinterval::{Sleep, sleep};

const BESIDE: [usize; 4] = [0, 16, 32, 10_000];

/// A runtime in which a number of sleeps wait for an hour.
struct Beside {
    runtime: Runtime,
    _waiting: Vec<Pin<Box<Sleep>>>,
}

impl Beside {
    fn new(count: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let waiting = runtime.block_on(async {
            let waiting = (0..count).map(|_| {
                let mut waits = Box::pin(sleep(Duration::from_secs(3600)));
                let cx = &mut Context::from_waker(Waker::noop());
                assert!(waits.as_mut().poll(cx).is_pending());
                waits
            });
            waiting.collect()
        });
        Self {
            runtime,
            _waiting: waiting,
        }
    }

    /// Returns the median length of a sleep in nanoseconds.
    #[allow(clippy::cast_precision_loss, reason = "no figure is that large")]
    fn round(&self, length: Duration) -> f64 {
        let count = u32::try_from(Duration::from_millis(100).as_nanos() / length.as_nanos());
        let count = count.unwrap().clamp(500, 5_000);
        self.runtime.block_on(async {
            let took = tokio::spawn(async move {
                let mut took = Vec::new();
                for _ in 0..count {
                    let began = Instant::now();
                    sleep(length).await;
                    took.push(began.elapsed().as_nanos() as f64);
                }
                median(took)
            });
            took.await.unwrap()
        })
    }
}

fn main() {
    let rounds = support::rounds(9);
    let beside = BESIDE.map(Beside::new);
    println!(
        "µs that a sleep takes, beside so many that wait for an hour; medians of {rounds} rounds\n"
    );
    let table = Table::begin("| | none | 16 | 32 | 10,000 |", &[longest(["100 µs"])], 12);
    for micros in [1, 10, 100] {
        let length = Duration::from_micros(micros);
        let mut samples = [const { Vec::new() }; BESIDE.len()];
        for _ in 0..rounds {
            for (samples, beside) in samples.iter_mut().zip(&beside) {
                samples.push(beside.round(length));
            }
        }
        let took = samples.map(median);
        let mut row = vec![format!("{micros} µs")];
        row.extend(took.map(|own| format!("{} ({:.2})", number(own / 1e3, 1), own / took[0])));
        table.row(&row);
    }
}
