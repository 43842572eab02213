//! When is the next tick? Pure: no clock, no I/O. Every instant comes from the caller.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::span::{checked_period, later, nanos};

/// A tick that is later than this is missed, however long its period.
const MISSED_AFTER: Duration = Duration::from_millis(5);

/// The deadlines of one interval.
#[derive(Debug)]
pub(crate) struct Schedule {
    deadline: Instant,
    period: Duration,
    behavior: MissedTickBehavior,
    missed: u64,
}

impl Schedule {
    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub(crate) fn new(start: Instant, period: Duration, behavior: MissedTickBehavior) -> Self {
        Self {
            deadline: start,
            period: checked_period(period),
            behavior,
            missed: 0,
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    pub(crate) fn period(&self) -> Duration {
        self.period
    }

    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub(crate) fn set_period(&mut self, period: Duration) {
        self.period = checked_period(period);
    }

    pub(crate) fn behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    pub(crate) fn set_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// How many ticks of the schedule were passed over: nobody will be given them.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// Takes the tick that is due at `now`: returns its deadline and moves on to the next.
    pub(crate) fn tick(&mut self, now: Instant) -> Instant {
        let due = self.deadline;
        let lateness = now.saturating_duration_since(due);
        self.deadline = if lateness > MISSED_AFTER.min(self.period) {
            self.after_missed(now, lateness)
        } else {
            later(due, self.period)
        };
        due
    }

    fn after_missed(&mut self, now: Instant, lateness: Duration) -> Instant {
        let (late, period) = (lateness.as_nanos(), self.period.as_nanos());
        let next = match self.behavior {
            MissedTickBehavior::Burst => return later(self.deadline, self.period),
            MissedTickBehavior::Delay => later(now, self.period),
            MissedTickBehavior::Skip => {
                let until_slot = period - late % period;
                later(now, Duration::from_nanos(nanos(until_slot)))
            }
        };
        self.missed = self.missed.saturating_add(nanos(late / period));
        next
    }
}
