//! Moments and spans in the kernel's words. Pure.

use std::time::Duration;

use rustix::time::Timespec;

pub(super) const ZERO: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The last second of a clock that counts from boot that every kernel can be given: one without
/// 64-bit time takes 32 bits. That is 68 years of uptime.
pub(super) const LAST_SECOND: i64 = i32::MAX as i64;

/// The last second of any clock that a kernel keeps, in the year 2262: `KTIME_SEC_MAX` in Linux's
/// include/linux/ktime.h.
pub(super) const LAST_OF_ALL: i64 = i64::MAX / NANOS_PER_SEC;

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// `from + wait`, saturating, and never zero: a zero would disarm the timer
/// ([timerfd_settime](https://man7.org/linux/man-pages/man2/timerfd_settime.2.html)).
pub(super) fn advance(from: Timespec, wait: Duration) -> Timespec {
    let wait = Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(LAST_SECOND),
        tv_nsec: wait.subsec_nanos().into(),
    };
    let sum = from.checked_add(wait).unwrap_or(Timespec {
        tv_sec: LAST_SECOND,
        tv_nsec: 0,
    });
    if sum.tv_sec > LAST_SECOND {
        Timespec {
            tv_sec: LAST_SECOND,
            tv_nsec: 0,
        }
    } else if sum == ZERO {
        Timespec {
            tv_sec: 0,
            tv_nsec: 1,
        }
    } else {
        sum
    }
}

/// A moment in nanoseconds, with room to reckon.
pub(super) fn nanos(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * i128::from(NANOS_PER_SEC) + i128::from(time.tv_nsec)
}

/// A span of time in nanoseconds, with room to reckon.
pub(super) fn wide(span: Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX)
}

/// The moment again: clamped to the second `last`, and never zero.
pub(super) fn moment(nanos: i128, last: i64) -> Timespec {
    let clamped = nanos.clamp(1, i128::from(last.min(LAST_OF_ALL) * NANOS_PER_SEC));
    // Fits, having been clamped; and so does what is left of a second.
    let nanos = i64::try_from(clamped).unwrap_or(i64::MAX);
    Timespec {
        tv_sec: nanos / NANOS_PER_SEC,
        tv_nsec: u32::try_from(nanos % NANOS_PER_SEC).unwrap_or(0).into(),
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

    proptest! {
        #[test]
        fn conversion_is_exact_or_clamped(
            from_secs in 0..=LAST_SECOND,
            from_nanos in 0_u32..1_000_000_000,
            wait_secs in prop_oneof![0_u64..10, 0..u64::MAX, Just(u64::MAX)],
            wait_nanos in 0_u32..1_000_000_000,
        ) {
            let from = Timespec { tv_sec: from_secs, tv_nsec: from_nanos.into() };
            let wait = Duration::new(wait_secs, wait_nanos);
            let sum = advance(from, wait);
            let exact = nanos(from) + i128::try_from(wait.as_nanos()).unwrap();
            prop_assert!((0..1_000_000_000).contains(&i128::from(sum.tv_nsec)), "valid");
            prop_assert!(sum.tv_sec <= LAST_SECOND, "fits 32 bits of seconds");
            let clamped = exact.clamp(1, i128::from(LAST_SECOND) * 1_000_000_000 + 999_999_999);
            if clamped == exact {
                prop_assert_eq!(nanos(sum), exact);
            } else {
                prop_assert!(nanos(sum) >= 1, "zero would disarm");
                prop_assert!(exact < 1 || sum.tv_sec == LAST_SECOND, "never truncated");
            }
        }
    }

    #[test]
    fn zero_does_not_disarm() {
        assert_eq!(nanos(advance(ZERO, Duration::ZERO)), 1);
    }

    proptest! {
        #[test]
        fn a_moment_is_exact_or_clamped(
            nanos_of in prop_oneof![any::<i64>().prop_map(i128::from), any::<i128>()],
            last in prop_oneof![Just(LAST_SECOND), Just(LAST_OF_ALL)],
        ) {
            let time = moment(nanos_of, last);
            prop_assert!((0..1_000_000_000).contains(&i128::from(time.tv_nsec)), "valid");
            prop_assert_eq!(nanos(time), nanos_of.clamp(1, i128::from(last) * 1_000_000_000));
        }

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
