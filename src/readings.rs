//! Two clocks read as if at once.

use std::time::{Duration, Instant};

/// Reads `first` and then `second`, with as little time between as can be had.
///
/// A thread may be preempted between the readings, and whatever is computed from the pair would be
/// off by that long: hence the closest of a few pairs.
pub(crate) fn closest<A, B>(first: impl Fn() -> A, second: impl Fn() -> B) -> (A, B) {
    const TRIES: usize = 8;
    const CLOSE: Duration = Duration::from_nanos(500);

    let pair = || {
        let before = Instant::now();
        let pair = (first(), second());
        (before.elapsed(), pair)
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
