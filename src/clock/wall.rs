//! Wall-clock time: when is its next multiple of a period?

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::clock::paired::closest;
use crate::saturating::after;

/// When a timer is due for the first time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// When it is by default: an interval at once, a `PeriodicInterval` in one period.
    Default,
    At(Instant),
    /// At the next multiple of the period of wall-clock time.
    Aligned,
}

/// The instant, on the clock that `now` reads, at which wall-clock time is the next multiple of
/// `period`: as the wall clock and that clock stand to each other now.
pub(crate) fn next_multiple(now: impl Fn() -> Instant, period: Duration) -> Instant {
    // The wall clock first: what lies between the readings makes it late, and never early.
    let (wall, now) = closest(SystemTime::now, now);
    after(now, until_multiple(wall, period))
}

/// How long ago 1970 began, in nanoseconds.
pub(crate) fn unix_nanos(wall: SystemTime) -> i128 {
    // Fits: no clock reaches 2^63 seconds.
    let nanos = |span: Duration| i128::try_from(span.as_nanos()).unwrap_or(i128::MAX);
    match wall.duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

/// How far it is from `wall` to the first multiple of `period` after it, counted from 1970: more
/// than nothing, and at most one period.
pub(crate) fn until_multiple(wall: SystemTime, period: Duration) -> Duration {
    let period = period.as_nanos();
    let until = match wall.duration_since(UNIX_EPOCH) {
        Ok(since) => period - since.as_nanos() % period,
        Err(before) => match before.duration().as_nanos() % period {
            0 => period,
            part => part,
        },
    };
    // Fits: a period is 30 years at most.
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
            ago in any::<bool>(),
            period in prop_oneof![
                1_u64..1_000_000_000,
                Just(60_000_000_000),
                1..=u64::try_from(crate::saturating::FAR_FUTURE.as_nanos()).unwrap(),
            ],
        ) {
            // A system's clock may count in steps of 100 ns.
            let since = Duration::new(secs, subsec * 100);
            let wall = if ago { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
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
            "the next one, on one"
        );
    }
}
