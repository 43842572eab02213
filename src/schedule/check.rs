//! A schedule against the words of its contract, in arithmetic that cannot overflow. For the tests
//! beside it and for the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{Rate, Schedule, Tick};
use crate::saturating::{FAR_FUTURE, nanos};

/// Of more the model's numbers would overflow at the end of the clock. The rates' own test has any.
const MOST_TICKS: u64 = 1_000_000_000;

/// What is done to a schedule.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Takes a tick so long after its deadline.
    Tick {
        /// How long after it.
        late: Duration,
        /// What the timer tolerates.
        tolerance: Duration,
    },
    /// Changes the period; never to zero.
    SetPeriod(Duration),
    /// Changes it to a part of it: so many ticks in that time, never zero and never more than nanoseconds.
    SetRate(u64, Duration),
    /// Changes what happens after a missed tick.
    SetBehavior(MissedTickBehavior),
    /// Moves the next deadline, to so long after the beginning.
    SetDeadline(Duration),
}

/// In nanoseconds since the beginning.
struct Model {
    beginning: Instant,
    /// The next deadline is the one that is so many `steps` after this.
    from: u128,
    steps: u128,
    /// So many `ticks` in every `per`.
    per: u128,
    ticks: u128,
    behavior: MissedTickBehavior,
    burst: bool,
    skipped: u128,
}

/// What a tick is told as: its lateness, and how many more were due.
type Missed = (Duration, u64);

impl Model {
    /// The deadline that is so many steps after the first.
    fn deadline_of(&self, steps: u128) -> u128 {
        self.from + (steps * self.per).div_ceil(self.ticks)
    }

    fn deadline(&self) -> u128 {
        self.deadline_of(self.steps)
    }

    fn next(&self) -> u128 {
        self.deadline_of(self.steps + 1)
    }

    fn period(&self) -> u128 {
        self.per.div_ceil(self.ticks)
    }

    fn set_deadline(&mut self, deadline: u128) {
        (self.from, self.steps) = (deadline, 0);
    }

    fn tick(&mut self, now: u128, tolerance: u128) -> Option<Missed> {
        let (deadline, next) = (self.deadline(), self.next());
        let late = now - deadline;
        let is_missed = late > (next - deadline).min(5_000_000) + tolerance;
        let told = is_missed && !self.burst;
        self.burst = is_missed && self.behavior == MissedTickBehavior::Burst;
        // What is later than 584 years is taken for that.
        let counted = late.min(u64::MAX.into());
        // In parts of a nanosecond, of which there are as many as ticks: that a deadline is rounded up makes
        // what comes after it no later.
        let since = (deadline + counted - self.from) * self.ticks - self.steps * self.per;
        let passed = since / self.per;
        match self.behavior {
            MissedTickBehavior::Delay if is_missed => {
                let next = now + self.period();
                self.set_deadline(if self.at(next).is_some() { next } else { now });
            }
            // The first of the schedule that is still to come.
            MissedTickBehavior::Skip if is_missed => {
                let next = now - counted - deadline + self.deadline_of(self.steps + passed + 1);
                if self.at(next).is_none() {
                    self.set_deadline(now);
                } else {
                    // As if it had begun later by what is not counted.
                    self.from += late - counted;
                    self.steps += passed + 1;
                }
            }
            // Where the clock ends, it stands still.
            _ if self.at(next).is_some() => self.steps += 1,
            _ => {}
        }
        if is_missed && self.behavior != MissedTickBehavior::Burst {
            self.skipped = (self.skipped + passed).min(u64::MAX.into());
        }
        told.then(|| (duration(late).unwrap(), u64::try_from(passed).unwrap()))
    }

    fn set_rate(&mut self, ticks: u64, per: Duration) {
        let thirty_years = 30 * 365 * 86_400 * 1_000_000_000;
        self.set_deadline(self.deadline());
        (self.per, self.ticks) = (per.as_nanos().min(thirty_years), ticks.into());
    }

    /// `None` for what the clock cannot express.
    fn at(&self, nanos: u128) -> Option<Instant> {
        self.beginning.checked_add(duration(nanos)?)
    }
}

fn duration(nanos: u128) -> Option<Duration> {
    let secs = u64::try_from(nanos / 1_000_000_000).ok()?;
    let nanos = u32::try_from(nanos % 1_000_000_000).ok()?;
    Some(Duration::new(secs, nanos))
}

/// Does all `steps`; what is beyond the end of the clock is left out.
///
/// # Panics
///
/// If the schedule does anything but what its contract says.
pub fn keeps_its_contract(
    period: Duration,
    behavior: MissedTickBehavior,
    steps: impl IntoIterator<Item = Step>,
) {
    let beginning = Instant::now();
    let mut schedule = Schedule::new(beginning, period, behavior);
    let mut model = Model {
        beginning,
        from: 0,
        steps: 0,
        per: 1,
        ticks: 1,
        behavior,
        burst: false,
        skipped: 0,
    };
    model.set_rate(1, period);
    for step in steps {
        match step {
            Step::Tick { late, tolerance } => {
                let due = model.deadline();
                let now = due + late.as_nanos();
                let Some(instant) = model.at(now) else {
                    continue;
                };
                let Tick { deadline, missed } = schedule.tick(instant, tolerance);
                assert_eq!(Some(deadline), model.at(due));
                let told = model.tick(now, tolerance.as_nanos());
                assert_eq!(missed.map(|missed| (missed.lateness, missed.ticks)), told);
                let is_last = model.at(due + model.period()).is_none();
                assert!(
                    schedule.deadline() > deadline || is_last,
                    "strictly increasing"
                );
            }
            Step::SetPeriod(period) => {
                schedule.set_period(period);
                model.set_rate(1, period);
            }
            Step::SetRate(ticks, per) => {
                let ticks = ticks.min(nanos(per.min(FAR_FUTURE))).min(MOST_TICKS);
                schedule.set_rate(Rate::new(ticks, per));
                model.set_rate(ticks, per);
            }
            Step::SetBehavior(behavior) => {
                schedule.set_behavior(behavior);
                model.behavior = behavior;
            }
            Step::SetDeadline(after) => {
                let Some(deadline) = model.at(after.as_nanos()) else {
                    continue;
                };
                schedule.set_deadline(deadline);
                model.set_deadline(after.as_nanos());
                model.burst = false;
            }
        }
        assert_eq!(Some(schedule.deadline()), model.at(model.deadline()));
        assert_eq!(schedule.period().as_nanos(), model.period());
        assert_eq!(schedule.behavior(), model.behavior);
        assert_eq!(u128::from(schedule.skipped()), model.skipped);
    }
}
