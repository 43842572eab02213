//! Dropping pending sleeps, and ten times as many of them.
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

use support::{Numbers, each, median};
use tokio::runtime::Builder;

const FEW: usize = 10_000;
const MANY: usize = 100_000;
const ROUNDS: usize = 15;

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

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let contenders: [(&str, Contender); 3] = [
        ("tokio-osinterval", |order, count| {
            dropping(order, count, tokio_osinterval::sleep)
        }),
        ("tokio", |order, count| {
            dropping(order, count, tokio::time::sleep)
        }),
        ("no timer", |order, count| dropping(order, count, no_timer)),
    ];
    for (order, name) in [
        (Order::AsMade, "in the order in which they were made"),
        (Order::Shuffled, "shuffled"),
    ] {
        let mut few = [const { Vec::new() }; 3];
        let mut many = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            for (i, (_, contender)) in contenders.iter().enumerate() {
                few[i].push(each(contender(order, FEW), FEW));
                many[i].push(each(contender(order, MANY), MANY));
            }
        }
        println!("dropping pending sleeps, {name}; median of {ROUNDS} rounds");
        for (i, (name, _)) in contenders.iter().enumerate() {
            let [few, many] = [&few[i], &many[i]].map(|rounds| median(rounds.clone()));
            let times = 10.0 * many / few;
            println!(
                "{name:16}  {FEW}: {few:4.0} ns each  {MANY}: {many:4.0} ns each  {times:4.1} times the time",
            );
        }
    }
}
