//! Dropping pending sleeps, and ten times as many. If the time per sleep is the same, dropping is linear.
//!
//! `cargo bench --features full --bench drop_sleeps`. The contenders take turns, round by round; the median
//! of the rounds counts. In an order unrelated to the sleeps' places in memory, the time is mostly that of
//! memory accesses, and it grows with their number. The last contender is not a timer; it shows how much of
//! the time is memory's.

mod support;

use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use support::{Numbers, Table, each, longest, median, number};
use tokio::runtime::Builder;

const FEW: usize = 10_000;
const MANY: usize = 100_000;

#[derive(Clone, Copy)]
enum Order {
    AsMade,
    Shuffled,
}

/// Returns the time to drop `count` waiting sleeps of one to two hours.
fn dropping<S: Future>(order: Order, count: usize, sleep: impl Fn(Duration) -> S) -> Duration {
    let mut numbers = Numbers::new(42);
    let mut sleeps: Vec<Pin<Box<S>>> = (0..count)
        .map(|_| Duration::from_micros(3_600_000_000 + numbers.below(3_600_000_000)))
        .map(|wait| Box::pin(sleep(wait)))
        .collect();
    for sleep in &mut sleeps {
        let pending = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(pending.is_pending());
    }
    if let Order::Shuffled = order {
        numbers.shuffle(&mut sleeps);
    }
    let began = Instant::now();
    drop(sleeps);
    began.elapsed()
}

/// A future as large as a sleep that waits for nothing.
fn no_timer(_: Duration) -> impl Future<Output = ()> {
    const SIZE: usize = size_of::<tokio::time::Sleep>();
    async {
        let ballast = [0_u8; SIZE];
        let never: Pending<()> = pending();
        never.await;
        std::hint::black_box(ballast);
    }
}

type Contender = fn(Order, usize) -> Duration;

/// The contenders, in the order of the columns.
const CONTENDERS: [Contender; 3] = [
    |order, count| dropping(order, count, tokio_osinterval::sleep),
    |order, count| dropping(order, count, tokio::time::sleep),
    |order, count| dropping(order, count, no_timer),
];

fn main() {
    let rounds = support::rounds(15);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    println!("ns for each pending sleep that is dropped; medians of {rounds} rounds\n");
    let rows = [
        (
            Order::AsMade,
            FEW,
            "10,000 in the order in which they were made",
        ),
        (
            Order::AsMade,
            MANY,
            "100,000 in the order in which they were made",
        ),
        (Order::Shuffled, FEW, "10,000, shuffled"),
        (Order::Shuffled, MANY, "100,000, shuffled"),
    ];
    let mut samples = rows.map(|_| [const { Vec::new() }; CONTENDERS.len()]);
    for _ in 0..rounds {
        for (samples, (order, count, _)) in samples.iter_mut().zip(rows) {
            for (samples, contender) in samples.iter_mut().zip(CONTENDERS) {
                samples.push(each(contender(order, count), count));
            }
        }
    }
    let table = Table::begin(
        "| | here | tokio | no timer |",
        &[longest(rows.iter().map(|(_, _, name)| *name))],
        5,
    );
    for (samples, (_, _, name)) in samples.into_iter().zip(rows) {
        let mut row = vec![name.to_owned()];
        row.extend(samples.map(|samples| number(median(samples), 0)));
        table.row(&row);
    }
}
