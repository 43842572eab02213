//! Moments in the kernel's words. Pure.

use std::time::Duration;

use rustix::time::Timespec;

use crate::sys::units::{timespec, wide};

pub(super) const ZERO: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The last second of a clock that counts from boot that every kernel can be given: one without
/// 64-bit time takes 32 bits. That is 68 years of uptime.
pub(super) const LAST_SECOND: i64 = i32::MAX as i64;

/// The last second of any clock that a kernel keeps, in the year 2262: `KTIME_SEC_MAX` in Linux's
/// include/linux/ktime.h.
pub(super) const LAST_OF_ALL: i64 = i64::MAX / 1_000_000_000;

/// `from + wait`, on a clock that counts from boot.
pub(super) fn advance(from: Timespec, wait: Duration) -> Timespec {
    moment(nanos(from).saturating_add(wide(wait)), LAST_SECOND)
}

/// A moment in nanoseconds, with room to reckon.
pub(super) fn nanos(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// The moment again: clamped to the second `last`, and never zero, which would disarm the timer
/// ([timerfd_settime](https://man7.org/linux/man-pages/man2/timerfd_settime.2.html)).
pub(super) fn moment(nanos: i128, last: i64) -> Timespec {
    let (secs, subsec) = timespec(nanos, last);
    Timespec {
        tv_sec: secs,
        tv_nsec: subsec.into(),
    }
}

/// The first moment after `now` that is a whole number of `periods` from `first`, be that before it
/// or after.
pub(super) fn next_slot(first: i128, now: i128, period: Duration) -> i128 {
    let period = wide(period);
    now + period - (now - first).rem_euclid(period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_does_not_disarm() {
        assert_eq!(nanos(advance(ZERO, Duration::ZERO)), 1);
    }

    #[test]
    fn a_wait_without_end_fits_32_bits_of_seconds() {
        let last = advance(ZERO, Duration::MAX);
        assert_eq!(nanos(last), i128::from(LAST_SECOND) * 1_000_000_000);
    }

    /// A wall clock goes on in 2038, and until 2262.
    #[test]
    fn the_last_moment_of_all_is_in_2262() {
        let last = moment(i128::MAX, LAST_OF_ALL);
        assert_eq!((last.tv_sec, last.tv_nsec), (9_223_372_036, 0));
    }

    proptest! {
        #[test]
        fn the_next_slot_is_the_first_one_to_come(
            first in any::<i64>(),
            now in any::<i64>(),
            period in 1_u64..1_000_000_000_000_000_000,
        ) {
            let (first, now) = (i128::from(first), i128::from(now));
            let slot = next_slot(first, now, Duration::from_nanos(period));
            prop_assert!(now < slot && slot <= now + i128::from(period));
            prop_assert_eq!((slot - first).rem_euclid(i128::from(period)), 0);
        }
    }
}
