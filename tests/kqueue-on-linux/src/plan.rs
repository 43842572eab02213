//! When a timer expires. Pure.

use super::rules;

/// Times are in the kernel's unit: a nanosecond, except on Apple's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The next expiration, on the kernel's clock.
    pub(super) due: u64,
    /// The period, or zero.
    pub(super) every: u64,
    /// How late the timer may be, if its kernel knows that.
    pub(super) leeway: u64,
    pub(super) fflags: u32,
}

impl Plan {
    pub(super) fn new(due: u64, every: u64) -> Self {
        Self {
            due,
            every,
            leeway: 0,
            fflags: 0,
        }
    }

    /// Returns when the timerfd must expire if it is armed at `now`. Both are in nanoseconds.
    pub(super) fn fires(&self, now: u64) -> u64 {
        let lateness = rules::lateness(self, rules::units(now));
        rules::nanos(self.due.saturating_add(lateness))
    }

    /// Returns the number of expirations since the last call, until `now` in nanoseconds.
    pub(super) fn expirations(&mut self, now: u64) -> u64 {
        let now = rules::units(now);
        if now < self.due {
            return 0;
        }
        if self.every == 0 {
            self.due = u64::MAX;
            return 1;
        }
        let count = (now - self.due) / self.every + 1;
        self.due = self.due.saturating_add(count.saturating_mul(self.every));
        count
    }
}

/// Converts a calendar time to the kernel's clock. The result does not follow later changes of the calendar. All
/// values are in nanoseconds.
#[allow(dead_code, reason = "DragonFly has no calendar timers")]
pub(super) fn from_calendar(time: u64, calendar: u64, now: u64) -> u64 {
    now.saturating_add(time.saturating_sub(calendar))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expirations_are_counted_once_and_stay_in_phase() {
        let start = rules::units(7_000_000_123);
        for every in [1, 3, 1_000, 1_000_003] {
            let mut plan = Plan::new(start + every, every);
            let mut total = 0;
            let mut units = start;
            for step in [0, 1, 2, 999, 1_000_003, 5, 77_777_777] {
                units += step;
                // The first nanosecond of that unit.
                total += plan.expirations(rules::nanos(units));
                assert_eq!(total, (units - start) / every);
                assert_eq!((plan.due - start) % every, 0);
                assert!(plan.due > units);
            }
        }
    }

    #[test]
    fn timer_does_not_fire_early() {
        for due in [1, 2, 3, 1_000_000_007, u64::MAX / 200] {
            let plan = Plan::new(due, 0);
            assert!(rules::units(plan.fires(0)) >= due);
        }
    }
}
