//! Dropping pending sleeps: ten times as many cost little more than ten times as much.
//!
//! `cargo bench --bench drop_sleeps`. The contenders take turns, round by round; the median of the
//! rounds counts.

mod support;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use support::{Numbers, median};
use tokio::runtime::Builder;

const FEW: usize = 10_000;
const MANY: usize = 100_000;
const ROUNDS: usize = 15;

/// How long it takes to drop `count` sleeps of one to two hours that are waited for, in an order
/// that has nothing to do with their deadlines.
fn dropping<S: Future>(count: usize, sleep: impl Fn(Duration) -> S) -> Duration {
    let mut numbers = Numbers::new(42);
    let mut sleeps: Vec<Pin<Box<S>>> = (0..count)
        .map(|_| Duration::from_micros(3_600_000_000 + numbers.below(3_600_000_000)))
        .map(|wait| Box::pin(sleep(wait)))
        .collect();
    for sleep in &mut sleeps {
        let pending = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(pending.is_pending());
    }
    if std::env::var("ORDER").is_ok() { numbers.shuffle(&mut sleeps); }
    let began = Instant::now();
    drop(sleeps);
    began.elapsed()
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let contenders: [(&str, fn(usize) -> Duration); 2] = [
        ("tokio-osinterval", |count| dropping(count, tokio_osinterval::sleep)),
        ("tokio", |count| dropping(count, tokio::time::sleep)),
    ];
    let mut few = [const { Vec::new() }; 2];
    let mut many = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (i, (_, contender)) in contenders.iter().enumerate() {
            few[i].push(contender(FEW));
            many[i].push(contender(MANY));
        }
    }
    println!("dropping pending sleeps, median of {ROUNDS} rounds");
    for (i, (name, _)) in contenders.iter().enumerate() {
        let [few, many] = [&few[i], &many[i]].map(|rounds| median(rounds.clone()));
        println!(
            "{name:16}  {FEW}: {:4} ns each  {MANY}: {:4} ns each  ratio of the totals {:.1}",
            few.as_nanos() / FEW as u128,
            many.as_nanos() / MANY as u128,
            many.as_secs_f64() / few.as_secs_f64(),
        );
    }
}
