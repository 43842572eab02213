//! What the benchmarks share.
#![allow(dead_code, unused_imports, reason = "each benchmark uses its part")]

mod flavor;
mod start;
mod table;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

pub(crate) use flavor::Flavor;
pub(crate) use start::Start;
pub(crate) use table::{Table, late, longest, number, or_none};

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
pub(crate) type Contender = fn() -> f64;

/// Lets the contenders take turns, round by round, so that a noisy machine is noisy for all: the samples of each.
pub(crate) fn turns(rounds: usize, contenders: &[Contender]) -> Vec<Vec<f64>> {
    let mut samples = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (samples, measure) in samples.iter_mut().zip(contenders) {
            samples.push(measure());
        }
    }
    samples
}

/// The median of each round's own ratio, since what is noisy is so for both.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to).collect())
}

/// How many rounds: `usual`, or as many as `ROUNDS` in the environment says, to try a benchmark out.
pub(crate) fn rounds(usual: usize) -> usize {
    let Ok(rounds) = std::env::var("ROUNDS") else {
        return usual;
    };
    match rounds.parse() {
        Ok(rounds) if rounds > 0 => rounds,
        _ => refuse(&format!(
            "ROUNDS is `{rounds}`, and not a number above zero"
        )),
    }
}

/// Ends the process, with one line on standard error.
pub(crate) fn refuse(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(2);
}

/// What was given, but for options for cargo's harness.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
}

/// Whether one of this name was asked for: those whose names have the argument in them, or all.
pub(crate) fn is_chosen(name: &str) -> bool {
    arguments()
        .next()
        .is_none_or(|filter| name.contains(&filter))
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
