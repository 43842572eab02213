//! The counts that a kernel-periodic timer gives, where an alarm is armed anew for each expiration.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::clock::TokioClock;
use crate::clock::Clock;
use crate::clock::wall::{self, Start};
use crate::saturating::{self, add_or_stay, nanos};

/// When it expires next, by tokio's clock.
#[derive(Debug)]
pub(super) struct Counts {
    clock: TokioClock,
    due: Instant,
    period: Duration,
}

impl Counts {
    pub(super) fn new(clock: TokioClock, start: Start, period: Duration) -> Self {
        Self {
            due: match start {
                Start::Default => saturating::after(clock.now(), period),
                Start::At(start) => start,
                Start::Aligned => wall::next_multiple(|| clock.now(), period),
            },
            clock,
            period,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// How often it has expired since the last time, if it has.
    pub(super) fn take(&mut self) -> Option<u64> {
        self.take_at(self.clock.now())
    }

    fn take_at(&mut self, now: Instant) -> Option<u64> {
        if now < self.due {
            return None;
        }
        let (count, next) = expirations(self.due, now, self.period);
        self.due = next;
        Some(count)
    }
}

/// Such a timer goes by the clock of [`Instant`] and no other.
pub(super) fn refuse_unless_monotonic(clock: Clock) -> io::Result<()> {
    if clock == Clock::Monotonic {
        return Ok(());
    }
    let message = format!("this system, as built, has no timer on Clock::{clock:?}");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// How often it expired, from `due` to `now` and at least once, and when it will next.
fn expirations(due: Instant, now: Instant, period: Duration) -> (u64, Instant) {
    let lateness = nanos(now.saturating_duration_since(due));
    let period = nanos(period);
    let count = (lateness / period).saturating_add(1);
    let next = add_or_stay(due, Duration::from_nanos(count.saturating_mul(period)));
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
            looks in prop::collection::vec(0_u64..50_000_000_000, 1..30),
        ) {
            let origin = Instant::now();
            let period = Duration::from_nanos(period);
            let mut due = origin + period;
            let mut now = origin;
            let mut total = 0;
            for wait in looks {
                now += Duration::from_nanos(wait);
                if now >= due {
                    let (count, next) = expirations(due, now, period);
                    prop_assert!(count >= 1);
                    prop_assert!(next > now && next <= now + period);
                    total += u128::from(count);
                    due = next;
                }
                prop_assert_eq!(total, (now - origin).as_nanos() / period.as_nanos());
            }
        }
    }

    fn counts(start: Start, period: Duration) -> Counts {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Counts::new(TokioClock::new(runtime.handle()), start, period)
    }

    #[test]
    fn it_expires_when_it_is_due_and_not_before() {
        let start = Instant::now();
        let period = Duration::from_millis(1);
        let mut counts = counts(Start::At(start), period);
        let mut due = start;
        for expirations in [1, 1, 3, 1, 1000] {
            assert_eq!(counts.due(), due);
            let last = due + (expirations - 1) * period;
            assert_eq!(counts.take_at(due - Duration::from_nanos(1)), None);
            assert_eq!(counts.take_at(last), Some(expirations.into()));
            assert_eq!(counts.take_at(last), None);
            due = last + period;
        }
    }

    #[test]
    fn it_goes_by_the_clock() {
        let start = Instant::now();
        let mut counts = counts(Start::At(start), Duration::from_nanos(1));
        std::thread::sleep(Duration::from_millis(1));
        let ago = || u64::try_from(start.elapsed().as_nanos()).unwrap();
        let before = ago();
        let count = counts.take().unwrap();
        assert!(
            (before + 1..=ago() + 1).contains(&count),
            "the first is at the start"
        );
    }

    #[test]
    fn only_one_clock_is_its_own() {
        assert!(refuse_unless_monotonic(Clock::Monotonic).is_ok());
        for other in [Clock::Boottime, Clock::Realtime] {
            let refusal = refuse_unless_monotonic(other).unwrap_err();
            assert_eq!(refusal.kind(), io::ErrorKind::Unsupported);
        }
    }
}
