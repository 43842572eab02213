//! Aligns timers to multiples of their period in wall-clock time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::clock::paired::closest;
use crate::saturating::after;

/// When a timer first expires.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// An interval expires at once, a `PeriodicInterval` after one period.
    Default,
    At(Instant),
    /// At the next multiple of the period in wall-clock time.
    Aligned,
}

/// Returns the instant at which wall-clock time is the next multiple of `period`. `now` reads the clock of
/// the instant. Assumes that the difference between the two clocks stays as it is now.
pub(crate) fn next_multiple(now: impl Fn() -> Instant, period: Duration) -> Instant {
    // The wall clock comes first: time between the readings makes the instant late, never early.
    let (wall, now) = closest(SystemTime::now, now);
    after(now, until_multiple(wall, period))
}

/// Returns the nanoseconds from the Unix epoch to `wall`.
pub(crate) fn unix_nanos(wall: SystemTime) -> i128 {
    // Fits: no clock reaches 2^63 seconds.
    let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match wall.duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

/// Returns the time from `wall` to the next multiple of `period` since the Unix epoch. It is more than zero
/// and at most one period.
pub(crate) fn until_multiple(wall: SystemTime, period: Duration) -> Duration {
    let period = period.as_nanos();
    let until = match wall.duration_since(UNIX_EPOCH) {
        Ok(since) => period - since.as_nanos() % period,
        Err(before) => match before.duration().as_nanos() % period {
            0 => period,
            part => part,
        },
    };
    // Fits: a period is at most 30 years.
    Duration::from_nanos(u64::try_from(until).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn until_multiple_reaches_the_next_multiple(
            secs in 0_u64..20_000_000_000,
            subsec in 0_u32..10_000_000,
            is_before in any::<bool>(),
            period in prop_oneof![
                1_u64..1_000_000_000,
                Just(60_000_000_000),
                1..=u64::try_from(crate::saturating::FAR_FUTURE.as_nanos()).unwrap(),
            ],
        ) {
            // Some systems' clocks count in steps of 100 ns.
            let distance = Duration::new(secs, subsec * 100);
            let wall = if is_before {
                UNIX_EPOCH.checked_sub(distance)
            } else {
                UNIX_EPOCH.checked_add(distance)
            };
            prop_assume!(wall.is_some());
            let wall = wall.unwrap();
            let until = until_multiple(wall, Duration::from_nanos(period));
            prop_assert!(!until.is_zero() && until.as_nanos() <= u128::from(period));
            let multiple = unix_nanos(wall) + i128::try_from(until.as_nanos()).unwrap();
            prop_assert_eq!(multiple.rem_euclid(i128::from(period)), 0);
        }
    }

    #[test]
    fn until_multiple_finds_the_full_minute() {
        let until = |secs| {
            until_multiple(
                UNIX_EPOCH + Duration::from_secs(secs),
                Duration::from_secs(60),
            )
        };
        assert_eq!(until(1_000_000_001), Duration::from_secs(19));
        assert_eq!(
            until(1_000_000_020),
            Duration::from_secs(60),
            "a full minute itself does not count"
        );
    }
}
