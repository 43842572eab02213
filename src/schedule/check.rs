//! Checks a schedule against its contract, in arithmetic that cannot overflow. Used by the schedule's tests
//! and by the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{Rate, Schedule, Tick};
use crate::saturating::{FAR_FUTURE, nanos};

/// More ticks would overflow the model's numbers at the end of the clock. The tests of `Rate` have no limit.
const MAX_TICKS: u64 = 1_000_000_000;

/// A step of a program that uses a schedule.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Takes a tick.
    Tick {
        /// How long after the deadline.
        late: Duration,
        /// The tolerance of the timer.
        tolerance: Duration,
    },
    /// Sets the period, which must not be zero.
    SetPeriod(Duration),
    /// Sets the rate to that many ticks in that time. The ticks must not be zero. They are limited to one in
    /// a nanosecond.
    SetRate(u64, Duration),
    /// Sets what happens after a missed tick.
    SetBehavior(MissedTickBehavior),
    /// Sets the next deadline to that long after the start.
    SetDeadline(Duration),
}

/// The contract of a schedule. Its times are nanoseconds since `start`.
struct Model {
    start: Instant,
    /// The next deadline is `steps` periods after this.
    anchor: u128,
    steps: u128,
    /// `ticks` ticks in every `per`.
    per: u128,
    ticks: u128,
    behavior: MissedTickBehavior,
    in_burst: bool,
    skipped: u128,
}

/// The lateness of a missed tick, and how many ticks the schedule is behind.
type Reported = (Duration, u64);

impl Model {
    /// Returns the deadline `steps` periods after the anchor.
    fn deadline_of(&self, steps: u128) -> u128 {
        self.anchor + (steps * self.per).div_ceil(self.ticks)
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
        (self.anchor, self.steps) = (deadline, 0);
    }

    fn tick(&mut self, now: u128, tolerance: u128) -> Option<Reported> {
        let (deadline, next) = (self.deadline(), self.next());
        let late = now - deadline;
        let is_missed = late > (next - deadline).min(5_000_000) + tolerance;
        let reported = is_missed && !self.in_burst;
        self.in_burst = is_missed && self.behavior == MissedTickBehavior::Burst;
        // Lateness saturates at 584 years.
        let counted = late.min(u64::MAX.into());
        // In parts of a nanosecond, as many as there are ticks. Rounding up a deadline does not delay the
        // deadlines after it.
        let elapsed = (deadline + counted - self.anchor) * self.ticks - self.steps * self.per;
        let passed = elapsed / self.per;
        match self.behavior {
            MissedTickBehavior::Delay if is_missed => {
                let next = now + self.period();
                self.set_deadline(if self.at(next).is_some() { next } else { now });
            }
            // The first future deadline of the schedule.
            MissedTickBehavior::Skip if is_missed => {
                let next = now - counted - deadline + self.deadline_of(self.steps + passed + 1);
                if self.at(next).is_none() {
                    self.set_deadline(now);
                } else {
                    // The lateness beyond the saturation shifts the whole schedule.
                    self.anchor += late - counted;
                    self.steps += passed + 1;
                }
            }
            // The deadline stays at the end of the clock.
            _ if self.at(next).is_some() => self.steps += 1,
            _ => {}
        }
        if is_missed && self.behavior != MissedTickBehavior::Burst {
            self.skipped = (self.skipped + passed).min(u64::MAX.into());
        }
        reported.then(|| (duration(late).unwrap(), u64::try_from(passed).unwrap()))
    }

    fn set_rate(&mut self, ticks: u64, per: Duration) {
        let thirty_years = 30 * 365 * 86_400 * 1_000_000_000;
        self.set_deadline(self.deadline());
        (self.per, self.ticks) = (per.as_nanos().min(thirty_years), ticks.into());
    }

    /// Returns `None` if the clock cannot represent the instant.
    fn at(&self, nanos: u128) -> Option<Instant> {
        self.start.checked_add(duration(nanos)?)
    }
}

fn duration(nanos: u128) -> Option<Duration> {
    let secs = u64::try_from(nanos / 1_000_000_000).ok()?;
    let nanos = u32::try_from(nanos % 1_000_000_000).ok()?;
    Some(Duration::new(secs, nanos))
}

/// Applies `steps` to a schedule, except those beyond the end of the clock.
///
/// # Panics
///
/// If the schedule violates its contract.
pub fn keeps_its_contract(
    period: Duration,
    behavior: MissedTickBehavior,
    steps: impl IntoIterator<Item = Step>,
) {
    let start = Instant::now();
    let mut schedule = Schedule::new(start, period, behavior);
    let mut model = Model {
        start,
        anchor: 0,
        steps: 0,
        per: 1,
        ticks: 1,
        behavior,
        in_burst: false,
        skipped: 0,
    };
    model.set_rate(1, period);
    for step in steps {
        match step {
            Step::Tick { late, tolerance } => {
                let expected = model.deadline();
                let now = expected + late.as_nanos();
                let Some(instant) = model.at(now) else {
                    continue;
                };
                let Tick { deadline, missed } = schedule.tick(instant, tolerance);
                assert_eq!(Some(deadline), model.at(expected));
                let reported = model.tick(now, tolerance.as_nanos());
                assert_eq!(
                    missed.map(|missed| (missed.lateness, missed.ticks_behind)),
                    reported
                );
                let is_last = model.at(expected + model.period()).is_none();
                assert!(
                    schedule.deadline() > deadline || is_last,
                    "deadlines must increase"
                );
            }
            Step::SetPeriod(period) => {
                schedule.set_period(period);
                model.set_rate(1, period);
            }
            Step::SetRate(ticks, per) => {
                let ticks = ticks.min(nanos(per.min(FAR_FUTURE))).min(MAX_TICKS);
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
                model.in_burst = false;
            }
        }
        assert_eq!(Some(schedule.deadline()), model.at(model.deadline()));
        assert_eq!(schedule.period().as_nanos(), model.period());
        assert_eq!(schedule.behavior(), model.behavior);
        assert_eq!(u128::from(schedule.skipped()), model.skipped);
    }
}
