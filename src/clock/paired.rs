//! Reads two clocks as if at once.

use std::time::{Duration, Instant};

/// Reads `first` and then `second`, with as little time between the readings as possible.
///
/// If the thread is preempted between the readings, everything computed from the pair is off by that long.
/// So this returns the closest of a few pairs.
pub(crate) fn closest<A, B>(first: impl Fn() -> A, second: impl Fn() -> B) -> (A, B) {
    closest_by(Instant::now, first, second)
}

fn closest_by<A, B>(
    clock: impl Fn() -> Instant,
    first: impl Fn() -> A,
    second: impl Fn() -> B,
) -> (A, B) {
    const TRIES: usize = 8;
    const CLOSE: Duration = Duration::from_nanos(500);

    let pair = || {
        let before = clock();
        let pair = (first(), second());
        (clock().saturating_duration_since(before), pair)
    };
    let (mut apart, mut closest) = pair();
    for _ in 1..TRIES {
        if apart < CLOSE {
            break;
        }
        let again = pair();
        if again.0 < apart {
            (apart, closest) = again;
        }
    }
    closest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    proptest! {
        /// Returns the first of the closest pairs, and stops reading once a pair is close enough.
        #[test]
        fn closest_pair_of_readings_is_returned(
            gaps in prop::collection::vec(prop_oneof![0_u64..600, 495_u64..505, 500_u64..100_000], 8),
        ) {
            let now = Cell::new(Instant::now());
            let pairs_read = Cell::new(0);
            // Simulates a preemption between the readings.
            let second = || {
                now.set(now.get() + Duration::from_nanos(gaps[pairs_read.get()]));
                pairs_read.replace(pairs_read.get() + 1)
            };
            let (first, second) = closest_by(|| now.get(), || pairs_read.get(), second);
            prop_assert_eq!(first, second, "the readings are not of one pair");

            let close = gaps.iter().position(|gap| *gap < 500);
            let least = (0..gaps.len()).min_by_key(|n| gaps[*n]).unwrap();
            prop_assert_eq!(second, close.unwrap_or(least));
            prop_assert_eq!(pairs_read.get(), close.map_or(8, |close| close + 1));
        }
    }
}
