//! What the benchmarks share.
#![allow(dead_code, unused_imports, reason = "each benchmark uses its part")]

mod flavor;
mod start;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

pub(crate) use flavor::Flavor;
pub(crate) use start::Start;

/// Ready when it is polled again, which its task is as soon as its worker comes to it: `yield_now` would let
/// that look for the tasks of others first.
pub(crate) async fn second_poll() {
    let mut polled = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The median of `samples`.
///
/// # Panics
///
/// If there are none.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// One measurement of one contender: whatever is measured, less is better.
pub(crate) type Contender = (&'static str, fn() -> f64);

/// Lets the contenders take turns, round by round, so that a noisy machine is noisy for all, and
/// prints the median of the rounds and of each round's ratio to the first contender.
pub(crate) fn compare(work: &str, unit: &str, rounds: usize, contenders: &[Contender]) {
    let mut samples = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (samples, (_, measure)) in samples.iter_mut().zip(contenders) {
            samples.push(measure());
        }
    }
    println!("{work}");
    for (own, (name, _)) in samples.iter().zip(contenders) {
        let ratios = samples[0].iter().zip(own).map(|(ours, own)| ours / own);
        let ratio = median(ratios.collect());
        let value = median(own.clone());
        println!("    {name:18} {value:9.1} {unit}   ours is {ratio:5.2} of it");
    }
}

/// The `n`th argument that is not an option for cargo's harness.
pub(crate) fn argument(n: usize) -> Option<String> {
    std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .nth(n)
}

/// What one of `count` took, in nanoseconds.
#[allow(clippy::cast_precision_loss, reason = "no count is that large")]
pub(crate) fn each(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e9 / count as f64
}

/// A sequence of numbers that is the same in every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// Below `bound`. Marsaglia's xorshift64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}
