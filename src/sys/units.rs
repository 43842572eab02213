//! Durations in the units of each kernel. Pure; the tests cover all units on every system.
//!
//! Unless a function says otherwise, it rounds up, so that no timer is early. It clamps at both ends, so that no
//! duration is truncated. It never returns zero, which means "never" to one kernel, "at once" to another and is an
//! error to a third.

use std::time::Duration;

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// Returns the seconds and the nanoseconds of a `timespec`, clamped to the second `last`.
pub(super) fn timespec(nanos: i128, last: i64) -> (i64, u32) {
    let last = last.min(i64::MAX / NANOS_PER_SEC) * NANOS_PER_SEC;
    // Neither conversion fails: the value is clamped, and the rest is less than a second.
    let nanos = i64::try_from(nanos.clamp(1, last.into())).unwrap_or(last);
    let subsec = u32::try_from(nanos % NANOS_PER_SEC).unwrap_or(0);
    (nanos / NANOS_PER_SEC, subsec)
}

pub(super) fn nanos(duration: Duration, max: i64) -> i64 {
    units(duration, 1, max)
}

pub(super) fn millis(duration: Duration, max: i64) -> i64 {
    units(duration, 1_000_000, max)
}

/// Returns a relative due time of Windows: units of 100 ns, negative.
pub(super) fn filetime(duration: Duration, max: i64) -> i64 {
    -units(duration, 100, max)
}

/// Returns ticks of `numer / denom` nanoseconds, as `mach_timebase_info` reports them.
pub(super) fn mach_ticks(duration: Duration, numer: u32, denom: u32) -> u64 {
    let scaled = duration.as_nanos().saturating_mul(denom.into());
    let ticks = scaled.div_ceil(u128::from(numer.max(1)));
    u64::try_from(ticks).unwrap_or(u64::MAX).max(1)
}

/// Returns the number of such ticks that fit into `duration`. Rounds down, possibly to zero, for a duration that must
/// not be exceeded.
pub(super) fn mach_ticks_within(duration: Duration, numer: u32, denom: u32) -> u64 {
    let scaled = duration.as_nanos().saturating_mul(denom.into());
    u64::try_from(scaled / u128::from(numer.max(1))).unwrap_or(u64::MAX)
}

fn units(duration: Duration, nanos_per_unit: u128, max: i64) -> i64 {
    let units = duration.as_nanos().div_ceil(nanos_per_unit);
    i64::try_from(units).unwrap_or(max).clamp(1, max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn durations() -> impl Strategy<Value = Duration> {
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
            duration in durations(),
            max in prop_oneof![1..i64::MAX, Just(i64::MAX), Just(86_400_000)],
        ) {
            let exact = duration.as_nanos();
            let each = [
                (nanos(duration, max), 1),
                (millis(duration, max), 1_000_000),
                (-filetime(duration, max), 100),
            ];
            for (units, size) in each {
                prop_assert!((1..=max).contains(&units));
                let covered = u128::try_from(units).unwrap() * size;
                prop_assert!(covered >= exact || units == max, "early");
                prop_assert!(covered < exact + size || units == 1, "later than necessary");
            }
        }

        #[test]
        fn mach_ticks_round_up_and_are_clamped(
            duration in durations(),
            (numer, denom) in prop_oneof![Just((1, 1)), Just((125, 3)), (1_u32.., 1_u32..)],
        ) {
            let ticks = mach_ticks(duration, numer, denom);
            prop_assert!(ticks >= 1);
            let covered = u128::from(ticks) * u128::from(numer);
            let exact = duration.as_nanos().saturating_mul(denom.into());
            prop_assert!(covered >= exact || ticks == u64::MAX, "early");
            prop_assert!(covered < exact.saturating_add(numer.into()) || ticks == 1, "later than necessary");

            let within = mach_ticks_within(duration, numer, denom);
            prop_assert!(within <= ticks);
            prop_assert!(u128::from(within) * u128::from(numer) <= exact, "too long");
            prop_assert!(within == u64::MAX || within + 1 >= ticks, "shorter than necessary");
        }

        #[test]
        fn timespec_is_exact_or_clamped(
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
    fn zero_duration_is_one_unit() {
        assert_eq!(nanos(Duration::ZERO, i64::MAX), 1);
        assert_eq!(millis(Duration::ZERO, i64::MAX), 1);
        assert_eq!(filetime(Duration::ZERO, i64::MAX), -1);
        assert_eq!(mach_ticks(Duration::ZERO, 125, 3), 1);
        assert_eq!(timespec(0, i64::MAX), (0, 1));
    }
}
