//! What the ticks of a timer must be, from the words of its documentation. Pure: the arithmetic is not
//! the library's. Numbers are nanoseconds, and moments are counted from the beginning of the soak.

use std::mem;

use tokio_osinterval::MissedTickBehavior;

pub(crate) type Moment = i64;

/// However long the period, a tick that is later is missed.
const MISSED_AFTER: i64 = 5_000_000;

/// The two moments, one before and one after, between which something happened: the library read the
/// clock at one that nobody else knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
}

impl Between {
    pub(crate) fn at(moment: Moment) -> Self {
        Self {
            from: moment,
            to: moment,
        }
    }

    pub(crate) fn later(self, nanos: i64) -> Self {
        Self {
            from: self.from + nanos,
            to: self.to + nanos,
        }
    }

    pub(crate) fn contains(self, moment: Moment) -> bool {
        (self.from..=self.to).contains(&moment)
    }
}

/// A tick of an interval, and what the interval was when it was taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) deadline: Moment,
    pub(crate) taken: Between,
    pub(crate) period: i64,
    pub(crate) behavior: MissedTickBehavior,
    /// How late it may be before it counts as missed, besides.
    pub(crate) tolerance: i64,
    /// By how many it raised `missed_ticks()`.
    pub(crate) missed: i64,
}

impl Tick {
    fn threshold(&self) -> Moment {
        self.deadline + self.period.min(MISSED_AFTER) + self.tolerance
    }

    fn may_be_in_time(&self) -> bool {
        self.taken.from <= self.threshold()
    }

    fn may_be_missed(&self) -> bool {
        self.taken.to > self.threshold()
    }

    fn may_miss_as_many(&self) -> bool {
        let passed = |moment: Moment| (moment - self.deadline).max(0) / self.period;
        let (least, most) = match self.behavior {
            MissedTickBehavior::Burst => (0, 0),
            _ => (passed(self.taken.from), passed(self.taken.to)),
        };
        (self.may_be_in_time() && self.missed == 0)
            || (self.may_be_missed() && (least..=most).contains(&self.missed))
    }

    fn may_be_followed_by(&self, next: Moment) -> bool {
        let one_period = next == self.deadline + self.period;
        let after_missed = match self.behavior {
            // Each deadline has its tick, however late.
            MissedTickBehavior::Burst => one_period,
            // The first deadline of the grid that was still to come.
            MissedTickBehavior::Skip => {
                (next - self.deadline) % self.period == 0
                    && next > self.taken.from
                    && next - self.period <= self.taken.to
            }
            // One period after the missed one was taken.
            MissedTickBehavior::Delay => self.taken.contains(next - self.period),
        };
        (self.may_be_in_time() && one_period) || (self.may_be_missed() && after_missed)
    }
}

enum Next {
    /// A beginning, or a reset.
    Within(Between),
    After(Tick),
}

/// The schedule of one interval.
pub(crate) struct Schedule {
    next: Next,
}

impl Schedule {
    pub(crate) fn new(first: Between) -> Self {
        let next = Next::Within(first);
        Self { next }
    }

    /// By when the next tick is due, at the latest.
    pub(crate) fn due(&self) -> Moment {
        match self.next {
            Next::Within(bounds) => bounds.to,
            Next::After(last) if last.may_be_missed() => last.taken.to + last.period,
            Next::After(last) => last.deadline + last.period,
        }
    }

    /// Accounts for a tick, and goes on from there, whatever it was. Returns how many deadlines have
    /// passed since the one before it, by the deadlines themselves, that one included and this one not.
    pub(crate) fn take(&mut self, tick: Tick) -> Result<u64, String> {
        let last = mem::replace(&mut self.next, Next::After(tick));
        if !tick.may_miss_as_many() {
            return Err(format!("missed_ticks() cannot be right: {tick:?}"));
        }
        match last {
            Next::Within(bounds) if !bounds.contains(tick.deadline) => {
                Err(format!("the first deadline was to be {bounds:?}: {tick:?}"))
            }
            Next::Within(_) => Ok(0),
            Next::After(last) => {
                let expected = (tick.deadline - last.deadline) / last.period;
                if !last.may_be_followed_by(tick.deadline) {
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

    /// Begins anew. Returns how many deadlines had passed by the last tick, that one included.
    pub(crate) fn reset(&mut self, first: Between) -> u64 {
        let open = self.end();
        self.next = Next::Within(first);
        open
    }

    /// How many deadlines had passed by the last tick, that one included, but not accounted for yet.
    pub(crate) fn end(&self) -> u64 {
        match self.next {
            Next::Within(_) => 0,
            Next::After(last) => u64::try_from(1 + last.missed).unwrap_or(0),
        }
    }
}

/// The expirations of a periodic timer: each sum of them says where the first must lie, to within a
/// period. If those places have nothing in common, an expiration was lost or made up.
pub(crate) struct Expirations {
    first: Between,
    period: i64,
    sum: i64,
}

impl Expirations {
    pub(crate) fn new(first: Between, period: i64) -> Self {
        Self {
            first,
            period,
            sum: 0,
        }
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Between {
        self.first.later(self.sum * self.period)
    }

    /// Accounts for a count, and goes on from there, whatever it was.
    pub(crate) fn take(&mut self, count: u64, taken: Between) -> Result<(), String> {
        self.sum += i64::try_from(count).unwrap_or(i64::MAX / 2);
        let must = Between {
            from: taken.from - self.sum * self.period + 1,
            to: taken.to - (self.sum - 1) * self.period,
        };
        let was = self.first;
        self.first = Between {
            from: was.from.max(must.from),
            to: was.to.min(must.to),
        };
        if count > 0 && self.first.from <= self.first.to {
            return Ok(());
        }
        self.first = must;
        Err(format!(
            "after {count} expirations, {} in all, with a period of {} ns, taken {taken:?}, the first \
             must have been {must:?}, and was {was:?}",
            self.sum, self.period
        ))
    }
}
