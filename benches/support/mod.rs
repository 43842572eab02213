//! Code that the benchmarks share.
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

/// Becomes ready at the second poll, which comes as soon as the worker reaches the task again. `yield_now`
/// would let the worker look for other workers' tasks first.
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

/// Returns the median of `samples`.
///
/// # Panics
///
/// Panics if there are no samples.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// One measurement of one contender. Lower is better.
pub(crate) type Contender = fn() -> f64;

/// Runs the contenders in turns, round by round, so that noise affects all of them alike. Returns the samples
/// of each.
pub(crate) fn turns(rounds: usize, contenders: &[Contender]) -> Vec<Vec<f64>> {
    let mut samples = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (samples, measure) in samples.iter_mut().zip(contenders) {
            samples.push(measure());
        }
    }
    samples
}

/// Returns the median of the rounds' ratios. Noise affects both contenders of a round.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to).collect())
}

/// Returns the number of rounds: `usual`, or `ROUNDS` from the environment, to try a benchmark out.
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

/// Exits with one line on standard error.
pub(crate) fn refuse(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(2);
}

/// Returns the arguments without the options for cargo's harness.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
}

/// Returns `true` if the name contains an argument, or if there are no arguments.
pub(crate) fn is_chosen(name: &str) -> bool {
    arguments()
        .next()
        .is_none_or(|filter| name.contains(&filter))
}

/// Returns nanoseconds per item.
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

    /// Returns a number below `bound`. Marsaglia's xorshift64.
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
