//! Counts the expirations of a software periodic timer.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::clock::wall::{self, Start};
use crate::saturating::{self, add_or_stay, nanos};
use crate::sys::clock::TokioClock;

#[derive(Debug)]
pub(super) struct ExpirationCounter {
    clock: TokioClock,
    /// The next expiration, on tokio's clock.
    deadline: Instant,
    period: Duration,
}

impl ExpirationCounter {
    pub(super) fn new(clock: TokioClock, start: Start, period: Duration) -> Self {
        Self {
            deadline: match start {
                Start::Default => saturating::after(clock.now(), period),
                Start::At(start) => start,
                Start::Aligned => wall::next_multiple(|| clock.now(), period),
            },
            clock,
            period,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns the number of expirations since the last count, if there were any.
    pub(super) fn take(&mut self) -> Option<u64> {
        self.take_at(self.clock.now())
    }

    fn take_at(&mut self, now: Instant) -> Option<u64> {
        if now < self.deadline {
            return None;
        }
        let (count, next) = expirations(self.deadline, now, self.period);
        self.deadline = next;
        Some(count)
    }
}

/// A software periodic timer follows the clock of [`Instant`] only.
pub(super) fn check_monotonic(clock: Clock) -> io::Result<()> {
    if clock == Clock::Monotonic {
        return Ok(());
    }
    let message = format!("this system, as built, has no timer on Clock::{clock:?}");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// Returns the number of expirations from `deadline` until `now`, at least one, and the deadline of the next.
fn expirations(deadline: Instant, now: Instant, period: Duration) -> (u64, Instant) {
    let lateness = nanos(now.saturating_duration_since(deadline));
    let period = nanos(period);
    let count = (lateness / period).saturating_add(1);
    let next = add_or_stay(deadline, Duration::from_nanos(count.saturating_mul(period)));
    (count, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::runtime::Builder;

    proptest! {
        #[test]
        fn every_expiration_is_counted_once(
            period in 1_u64..10_000_000_000,
            waits in prop::collection::vec(0_u64..50_000_000_000, 1..30),
        ) {
            let origin = Instant::now();
            let period = Duration::from_nanos(period);
            let mut deadline = origin + period;
            let mut now = origin;
            let mut total = 0;
            for wait in waits {
                now += Duration::from_nanos(wait);
                if now >= deadline {
                    let (count, next) = expirations(deadline, now, period);
                    prop_assert!(count >= 1);
                    prop_assert!(next > now && next <= now + period);
                    total += u128::from(count);
                    deadline = next;
                }
                prop_assert_eq!(total, (now - origin).as_nanos() / period.as_nanos());
            }
        }
    }

    fn counter(start: Start, period: Duration) -> ExpirationCounter {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        ExpirationCounter::new(TokioClock::new(runtime.handle()), start, period)
    }

    #[test]
    fn expirations_count_from_their_deadline() {
        let start = Instant::now();
        let period = Duration::from_millis(1);
        let mut counter = counter(Start::At(start), period);
        let mut deadline = start;
        for expirations in [1, 1, 3, 1, 1000] {
            assert_eq!(counter.deadline(), deadline);
            let last = deadline + (expirations - 1) * period;
            assert_eq!(counter.take_at(deadline - Duration::from_nanos(1)), None);
            assert_eq!(counter.take_at(last), Some(expirations.into()));
            assert_eq!(counter.take_at(last), None);
            deadline = last + period;
        }
    }

    #[test]
    fn expirations_follow_the_clock() {
        let start = Instant::now();
        let mut counter = counter(Start::At(start), Duration::from_nanos(1));
        std::thread::sleep(Duration::from_millis(1));
        let elapsed = || u64::try_from(start.elapsed().as_nanos()).unwrap();
        let before = elapsed();
        let count = counter.take().unwrap();
        assert!(
            (before + 1..=elapsed() + 1).contains(&count),
            "the first expiration is at the start"
        );
    }

    #[test]
    fn clocks_other_than_monotonic_are_unsupported() {
        assert!(check_monotonic(Clock::Monotonic).is_ok());
        for other in [Clock::Boottime, Clock::Realtime] {
            let refusal = check_monotonic(other).unwrap_err();
            assert_eq!(refusal.kind(), io::ErrorKind::Unsupported);
        }
    }
}
