//! Which ticks a timer must have, according to its documentation. It does not use the library's arithmetic.

use std::mem;

use tokio_osinterval::MissedTickBehavior;

/// Nanoseconds since the start of the soak.
pub(crate) type Timestamp = i64;

/// A tick that is later than this is missed, however long the period.
const MISSED_AFTER: i64 = 5_000_000;

/// The time before and after a call. The library read the clock in between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeRange {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl TimeRange {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self {
            from: time,
            to: time,
        }
    }

    pub(crate) fn later(self, nanos: i64) -> Self {
        Self {
            from: self.from + nanos,
            to: self.to + nanos,
        }
    }

    pub(crate) fn contains(self, time: Timestamp) -> bool {
        (self.from..=self.to).contains(&time)
    }
}

/// A tick of an interval, with the settings of the interval when it was delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) deadline: Timestamp,
    pub(crate) delivered: TimeRange,
    pub(crate) period: i64,
    pub(crate) behavior: MissedTickBehavior,
    pub(crate) tolerance: i64,
    /// By how much this tick raised `missed_ticks()`.
    pub(crate) missed: i64,
}

impl Tick {
    fn threshold(&self) -> Timestamp {
        self.deadline + self.period.min(MISSED_AFTER) + self.tolerance
    }

    fn may_be_in_time(&self) -> bool {
        self.delivered.from <= self.threshold()
    }

    fn may_be_missed(&self) -> bool {
        self.delivered.to > self.threshold()
    }

    fn missed_may_be_right(&self) -> bool {
        let skipped = |time: Timestamp| (time - self.deadline).max(0) / self.period;
        let (least, most) = match self.behavior {
            MissedTickBehavior::Burst => (0, 0),
            _ => (skipped(self.delivered.from), skipped(self.delivered.to)),
        };
        (self.may_be_in_time() && self.missed == 0)
            || (self.may_be_missed() && (least..=most).contains(&self.missed))
    }

    fn may_precede(&self, next: Timestamp) -> bool {
        let one_period = next == self.deadline + self.period;
        let after_missed = match self.behavior {
            // Every deadline has a tick.
            MissedTickBehavior::Burst => one_period,
            // The first multiple of the period after the delivery.
            MissedTickBehavior::Skip => {
                (next - self.deadline) % self.period == 0
                    && next > self.delivered.from
                    && next - self.period <= self.delivered.to
            }
            // One period after the delivery.
            MissedTickBehavior::Delay => self.delivered.contains(next - self.period),
        };
        (self.may_be_in_time() && one_period) || (self.may_be_missed() && after_missed)
    }
}

enum Next {
    /// The first tick after the creation or a reset.
    First(TimeRange),
    After(Tick),
}

/// The schedule of an interval.
pub(crate) struct IntervalSchedule {
    next: Next,
}

impl IntervalSchedule {
    pub(crate) fn new(first: TimeRange) -> Self {
        let next = Next::First(first);
        Self { next }
    }

    /// Returns the latest time at which the next tick is due.
    pub(crate) fn due(&self) -> Timestamp {
        match self.next {
            Next::First(range) => range.to,
            Next::After(last) if last.may_be_missed() => last.delivered.to + last.period,
            Next::After(last) => last.deadline + last.period,
        }
    }

    /// Checks `tick`, and continues from there, right or wrong. Returns the number of deadlines since the
    /// tick before it: that one counts, this one does not.
    pub(crate) fn deliver(&mut self, tick: Tick) -> Result<u64, String> {
        let last = mem::replace(&mut self.next, Next::After(tick));
        if !tick.missed_may_be_right() {
            return Err(format!("missed_ticks() is wrong: {tick:?}"));
        }
        match last {
            Next::First(range) if !range.contains(tick.deadline) => {
                Err(format!("the first deadline is not in {range:?}: {tick:?}"))
            }
            Next::First(_) => Ok(0),
            Next::After(last) => {
                let expected = (tick.deadline - last.deadline) / last.period;
                if !last.may_precede(tick.deadline) {
                    Err(format!("{last:?} cannot be followed by {tick:?}"))
                } else if expected != 1 + last.missed {
                    Err(format!(
                        "{expected} deadlines from one tick to the next: {last:?}, then {tick:?}"
                    ))
                } else {
                    Ok(u64::try_from(expected).unwrap_or(0))
                }
            }
        }
    }

    /// Restarts the schedule. Returns the number of deadlines as [`end`](Self::end) does.
    pub(crate) fn reset(&mut self, first: TimeRange) -> u64 {
        let expected = self.end();
        self.next = Next::First(first);
        expected
    }

    /// Returns the number of deadlines of the last tick: its own and those that it missed.
    pub(crate) fn end(&self) -> u64 {
        match self.next {
            Next::First(_) => 0,
            Next::After(last) => u64::try_from(1 + last.missed).unwrap_or(0),
        }
    }
}

/// The expirations of a periodic timer.
///
/// Each count tells within a period when the first expiration must have been. If these ranges have nothing in
/// common, an expiration was lost or invented.
pub(crate) struct PeriodicSchedule {
    first: TimeRange,
    period: i64,
    sum: i64,
}

impl PeriodicSchedule {
    pub(crate) fn new(first: TimeRange, period: i64) -> Self {
        Self {
            first,
            period,
            sum: 0,
        }
    }

    /// Returns when the next expiration is due.
    pub(crate) fn next(&self) -> TimeRange {
        self.first.later(self.sum * self.period)
    }

    /// Checks `count`, and continues from there, right or wrong.
    pub(crate) fn deliver(&mut self, count: u64, delivered: TimeRange) -> Result<(), String> {
        self.sum += i64::try_from(count).unwrap_or(i64::MAX / 2);
        let required = TimeRange {
            from: delivered.from - self.sum * self.period + 1,
            to: delivered.to - (self.sum - 1) * self.period,
        };
        let before = self.first;
        self.first = TimeRange {
            from: before.from.max(required.from),
            to: before.to.min(required.to),
        };
        if count > 0 && self.first.from <= self.first.to {
            return Ok(());
        }
        self.first = required;
        Err(format!(
            "{count} expirations, {} in all, with a period of {} ns, delivered in {delivered:?}: the first \
             must have been in {required:?}, but was in {before:?}",
            self.sum, self.period
        ))
    }
}
