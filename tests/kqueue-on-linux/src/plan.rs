//! When a timer expires. Pure.

use super::rules;

/// In the kernel's own unit, which is a nanosecond but on Apple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The next time, by the kernel's clock.
    pub(super) due: u64,
    /// And then each time so much later, or never again if that is zero.
    pub(super) every: u64,
    /// How much later than that it may be, if the rules say so.
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

    /// When the timerfd is to expire, if it is armed at `now`: both in nanoseconds.
    pub(super) fn fires(&self, now: u64) -> u64 {
        let late = rules::lateness(self, rules::units(now));
        rules::nanos(self.due.saturating_add(late))
    }

    /// How often it has expired by `now`, in nanoseconds, since this was last asked.
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

/// A moment of the calendar by the kernel's clock, which does not follow the calendar from then on:
/// all in nanoseconds.
#[allow(dead_code, reason = "not every kernel knows the calendar")]
pub(super) fn from_calendar(moment: u64, calendar: u64, now: u64) -> u64 {
    now.saturating_add(moment.saturating_sub(calendar))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_expiration_is_counted_once_and_in_phase() {
        let begin = rules::units(7_000_000_123);
        for every in [1, 3, 1_000, 1_000_003] {
            let mut plan = Plan::new(begin + every, every);
            let mut total = 0;
            let mut units = begin;
            for step in [0, 1, 2, 999, 1_000_003, 5, 77_777_777] {
                units += step;
                // The first nanosecond at which that unit has begun.
                total += plan.expirations(rules::nanos(units));
                assert_eq!(total, (units - begin) / every);
                assert_eq!((plan.due - begin) % every, 0);
                assert!(plan.due > units);
            }
        }
    }

    #[test]
    fn it_does_not_fire_before_it_is_due() {
        for due in [1, 2, 3, 1_000_000_007, u64::MAX / 200] {
            let plan = Plan::new(due, 0);
            assert!(rules::units(plan.fires(0)) >= due);
        }
    }
}
