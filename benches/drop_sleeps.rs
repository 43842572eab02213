//! Dropping pending sleeps, and ten times as many of them: as long for each is linear.
//!
//! `cargo bench --features full --bench drop_sleeps`. The contenders take turns, round by round; the
//! median of the rounds counts. In an order that has nothing to do with where they lie in memory it
//! is the memory that takes the time, more of it for more of them: the last contender, which is no
//! timer at all, shows by how much.

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

/// How long it takes to drop `count` sleeps of one to two hours that are waited for.
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

/// As large as a sleep, and waits for nothing.
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

/// In the order of the columns.
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
