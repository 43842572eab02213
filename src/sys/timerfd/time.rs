//! Times as a `timespec`. Pure.

use std::time::Duration;

use rustix::time::Timespec;

use crate::sys::units::timespec;

pub(super) const ZERO: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The last second of a clock that counts from boot. A kernel without 64-bit time takes 32 bits, which is 68
/// years of uptime.
pub(super) const LAST_SECOND: i64 = i32::MAX as i64;

/// The last second of any clock, in the year 2262: `KTIME_SEC_MAX` in Linux's include/linux/ktime.h.
pub(super) const LAST_WALL_SECOND: i64 = i64::MAX / 1_000_000_000;

/// Returns `from + wait` on a clock that counts from boot.
pub(super) fn advance(from: Timespec, wait: Duration) -> Timespec {
    to_timespec(nanos(from).saturating_add(wide(wait)), LAST_SECOND)
}

/// Returns a duration's nanoseconds in a type with room for arithmetic.
pub(super) fn wide(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// Returns a time's nanoseconds in a type with room for arithmetic.
pub(super) fn nanos(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// Converts nanoseconds. Clamps to the second `last`, and never returns zero, which would disarm the timer
/// ([timerfd_settime](https://man7.org/linux/man-pages/man2/timerfd_settime.2.html)).
pub(super) fn to_timespec(nanos: i128, last: i64) -> Timespec {
    let (secs, subsec) = timespec(nanos, last);
    Timespec {
        tv_sec: secs,
        tv_nsec: subsec.into(),
    }
}

/// Returns the earliest time after `now` that is a whole number of periods from `first`, which may be before or
/// after `now`.
pub(super) fn next_in_phase(first: i128, now: i128, period: Duration) -> i128 {
    let period = wide(period);
    now + period - (now - first).rem_euclid(period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_wait_does_not_disarm() {
        assert_eq!(nanos(advance(ZERO, Duration::ZERO)), 1);
    }

    #[test]
    fn longest_wait_fits_32_bits_of_seconds() {
        let last = advance(ZERO, Duration::MAX);
        assert_eq!(nanos(last), i128::from(LAST_SECOND) * 1_000_000_000);
    }

    /// A wall clock is not limited to 2038.
    #[test]
    fn wall_clock_ends_in_2262() {
        let last = to_timespec(i128::MAX, LAST_WALL_SECOND);
        assert_eq!((last.tv_sec, last.tv_nsec), (9_223_372_036, 0));
    }

    proptest! {
        #[test]
        fn next_in_phase_is_the_earliest_after_now(
            first in any::<i64>(),
            now in any::<i64>(),
            period in 1_u64..1_000_000_000_000_000_000,
        ) {
            let (first, now) = (i128::from(first), i128::from(now));
            let next = next_in_phase(first, now, Duration::from_nanos(period));
            prop_assert!(now < next && next <= now + i128::from(period));
            prop_assert_eq!((next - first).rem_euclid(i128::from(period)), 0);
        }
    }
}
