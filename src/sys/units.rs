//! Spans of time in the words of each kernel. Pure, and compiled by the tests on every system.
//!
//! Unless one says otherwise they round up, so that no timer is early, are clamped at both ends, so
//! that none is truncated, and are never zero, which means "never" to one kernel, "at once" to
//! another and an error to a third.

use std::time::Duration;

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// In nanoseconds, with room to reckon.
pub(super) fn wide(span: Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX)
}

/// Seconds, and the nanoseconds that are left of one: what a `timespec` holds. Clamped to the second
/// `last`.
pub(super) fn timespec(nanos: i128, last: i64) -> (i64, u32) {
    let last = last.min(i64::MAX / NANOS_PER_SEC) * NANOS_PER_SEC;
    // Fits, having been clamped; and so does what is left of a second.
    let nanos = i64::try_from(nanos.clamp(1, last.into())).unwrap_or(last);
    let subsec = u32::try_from(nanos % NANOS_PER_SEC).unwrap_or(0);
    (nanos / NANOS_PER_SEC, subsec)
}

/// Nanoseconds.
pub(super) fn nanos(span: Duration, most: i64) -> i64 {
    units(span, 1, most)
}

/// Milliseconds.
pub(super) fn millis(span: Duration, most: i64) -> i64 {
    units(span, 1_000_000, most)
}

/// A relative due time of Windows: units of 100 ns, and negative.
pub(super) fn filetime(span: Duration, most: i64) -> i64 {
    -units(span, 100, most)
}

/// Ticks of a clock of which `denom / numer` are a nanosecond: mach's `mach_timebase_info`.
pub(super) fn mach_ticks(span: Duration, numer: u32, denom: u32) -> u64 {
    let scaled = span.as_nanos().saturating_mul(denom.into());
    let ticks = scaled.div_ceil(u128::from(numer.max(1)));
    u64::try_from(ticks).unwrap_or(u64::MAX).max(1)
}

/// As many such ticks as fit in: rounded down, and perhaps none, for a time that is not to be
/// exceeded.
pub(super) fn mach_ticks_within(span: Duration, numer: u32, denom: u32) -> u64 {
    let scaled = span.as_nanos().saturating_mul(denom.into());
    u64::try_from(scaled / u128::from(numer.max(1))).unwrap_or(u64::MAX)
}

fn units(span: Duration, nanos_per_unit: u128, most: i64) -> i64 {
    let units = span.as_nanos().div_ceil(nanos_per_unit);
    i64::try_from(units).unwrap_or(most).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans() -> impl Strategy<Value = Duration> {
        let secs = prop_oneof![
            Just(0_u64),
            0..10_u64,
            0..10_000_000_000_u64,
            any::<u64>(),
            Just(u64::MAX)
        ];
        let nanos = prop_oneof![Just(0_u32), 0..1_000_u32, 0..1_000_000_000_u32];
        (secs, nanos).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
    }

    proptest! {
        #[test]
        fn units_round_up_and_are_clamped(
            span in spans(),
            most in prop_oneof![1..i64::MAX, Just(i64::MAX), Just(86_400_000)],
        ) {
            let exact = span.as_nanos();
            let each = [
                (nanos(span, most), 1),
                (millis(span, most), 1_000_000),
                (-filetime(span, most), 100),
            ];
            for (units, size) in each {
                prop_assert!((1..=most).contains(&units));
                let covered = u128::try_from(units).unwrap() * size;
                prop_assert!(covered >= exact || units == most, "early");
                prop_assert!(covered < exact + size || units == 1, "later than it must be");
            }
        }

        #[test]
        fn mach_ticks_round_up_and_are_clamped(
            span in spans(),
            (numer, denom) in prop_oneof![Just((1, 1)), Just((125, 3)), (1_u32.., 1_u32..)],
        ) {
            let ticks = mach_ticks(span, numer, denom);
            prop_assert!(ticks >= 1);
            let covered = u128::from(ticks) * u128::from(numer);
            let exact = span.as_nanos().saturating_mul(denom.into());
            prop_assert!(covered >= exact || ticks == u64::MAX, "early");
            prop_assert!(covered < exact.saturating_add(numer.into()) || ticks == 1, "later than it must be");

            let within = mach_ticks_within(span, numer, denom);
            prop_assert!(within <= ticks);
            prop_assert!(u128::from(within) * u128::from(numer) <= exact, "too long");
            prop_assert!(within == u64::MAX || within + 1 >= ticks, "shorter than it must be");
        }

        #[test]
        fn a_timespec_is_exact_or_clamped(
            nanos in prop_oneof![any::<i64>().prop_map(i128::from), any::<i128>()],
            last in prop_oneof![Just(i64::from(i32::MAX)), Just(i64::MAX), 1..i64::MAX],
        ) {
            let (secs, subsec) = timespec(nanos, last);
            prop_assert!(subsec < 1_000_000_000, "valid");
            let time = i128::from(secs) * 1_000_000_000 + i128::from(subsec);
            let last = i128::from(last.min(i64::MAX / NANOS_PER_SEC));
            prop_assert_eq!(time, nanos.clamp(1, last * 1_000_000_000));
        }
    }

    #[test]
    fn no_time_at_all_is_still_some() {
        assert_eq!(nanos(Duration::ZERO, i64::MAX), 1);
        assert_eq!(millis(Duration::ZERO, i64::MAX), 1);
        assert_eq!(filetime(Duration::ZERO, i64::MAX), -1);
        assert_eq!(mach_ticks(Duration::ZERO, 125, 3), 1);
        assert_eq!(timespec(0, i64::MAX), (0, 1));
    }
}
