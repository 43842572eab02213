//! Kernels that count in ticks of a clock interrupt. Pure.

/// In nanoseconds. All of them have 100 Hz by default.
pub(super) const TICK: u64 = 10_000_000;

/// What more ticks than an `int` has are clamped to, and so are early.
const MOST: u64 = i32::MAX as u64;

/// How many cover that many nanoseconds, and one for the tick that has begun.
pub(super) fn covering(span: u64) -> u64 {
    (span.div_ceil(TICK) + 1).min(MOST)
}

/// The interrupt so many ticks after `now`.
pub(super) fn after(now: u64, ticks: u64) -> u64 {
    (now / TICK + ticks) * TICK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_is_never_early_and_at_most_a_tick_and_what_was_begun_late() {
        for now in [0, 1, TICK - 1, TICK, 7 * TICK + 3] {
            for span in [1, TICK - 1, TICK, TICK + 1, 86_400_000_000_000] {
                let at = after(now, covering(span));
                assert!(at >= now + span);
                assert!(at < now + span + 2 * TICK);
            }
        }
    }
}
