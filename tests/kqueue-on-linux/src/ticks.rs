//! Kernels that count ticks of a clock interrupt. Pure.

/// In nanoseconds. All of these kernels run at 100 Hz by default.
pub(super) const TICK: u64 = 10_000_000;

/// The kernels clamp to an `int` of ticks, so a longer timer is early.
const MAX_TICKS: u64 = i32::MAX as u64;

/// Returns how many ticks cover that many nanoseconds, plus one for the current tick.
pub(super) fn covering(nanos: u64) -> u64 {
    (nanos.div_ceil(TICK) + 1).min(MAX_TICKS)
}

/// Returns the time of the interrupt that many ticks after `now`.
pub(super) fn after(now: u64, ticks: u64) -> u64 {
    (now / TICK + ticks) * TICK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_never_early_and_less_than_two_ticks_late() {
        for now in [0, 1, TICK - 1, TICK, 7 * TICK + 3] {
            for nanos in [1, TICK - 1, TICK, TICK + 1, 86_400_000_000_000] {
                let at = after(now, covering(nanos));
                assert!(at >= now + nanos);
                assert!(at < now + nanos + 2 * TICK);
            }
        }
    }
}
