//! Runs a program with tokio's timers and with ours.

use super::program::{self, Op};

#[path = "."]
mod tokios {
    use super::program;
    use tokio::time::{self, interval_at};
    #[path = "runner.rs"]
    pub(crate) mod runner;
}

#[path = "."]
#[allow(clippy::duplicate_mod, reason = "it is compiled once for each crate")]
mod ours {
    use super::program;
    use std::time::Duration;
    use tokio_osinterval::time::{self, Instant, Interval};
    #[path = "runner.rs"]
    pub(crate) mod runner;

    /// Creates an interval, two of three as a rate of two or three ticks. The ticks are the same.
    fn interval_at(start: Instant, period: Duration) -> Interval {
        let ticks = u32::try_from(period.as_millis() % 3 + 1).unwrap();
        let builder = Interval::builder(period * ticks).ticks(ticks.into());
        builder.start(start).build().unwrap()
    }
}

/// Runs `program` with both.
///
/// # Errors
///
/// Returns the events around the first difference.
pub(crate) fn compare(program: Vec<Op>) -> Result<(), String> {
    let tokios = tokios::runner::run(program.clone());
    let ours = ours::runner::run(program);
    if ours == tokios {
        return Ok(());
    }
    let equal = ours.iter().zip(&tokios).take_while(|(a, b)| a == b).count();
    Err(format!(
        "different from event {equal} on:\n tokio {:?}\n ours  {:?}",
        &tokios[equal.saturating_sub(8)..tokios.len().min(equal + 5)],
        &ours[equal.saturating_sub(8)..ours.len().min(equal + 5)]
    ))
}
