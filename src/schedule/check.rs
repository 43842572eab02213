//! A schedule against the words of its contract, in arithmetic that cannot overflow. For the tests
//! beside it and for the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{Schedule, Tick};

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
    /// Changes what happens after a missed tick.
    SetBehavior(MissedTickBehavior),
    /// Moves the next deadline, to so long after the beginning.
    SetDeadline(Duration),
}

/// In nanoseconds since the beginning.
struct Model {
    beginning: Instant,
    deadline: u128,
    period: u128,
    behavior: MissedTickBehavior,
    burst: bool,
    missed: u128,
}

/// What a tick is told as: its lateness, and how many more were due.
type Missed = (Duration, u64);

impl Model {
    fn tick(&mut self, now: u128, tolerance: u128) -> Option<Missed> {
        let late = now - self.deadline;
        let is_missed = late > self.period.min(5_000_000) + tolerance;
        let told = is_missed && !self.burst;
        self.burst = is_missed && self.behavior == MissedTickBehavior::Burst;
        // What is later than 584 years is taken for that.
        let counted = late.min(u64::MAX.into());
        let passed = counted / self.period;
        let (from, next) = match self.behavior {
            MissedTickBehavior::Delay if is_missed => (now, now + self.period),
            // The first slot of the schedule that is still to come.
            MissedTickBehavior::Skip if is_missed => {
                (now, now - counted + (passed + 1) * self.period)
            }
            _ => (self.deadline, self.deadline + self.period),
        };
        // Where the clock ends, it stands still.
        self.deadline = if self.at(next).is_some() { next } else { from };
        if is_missed && self.behavior != MissedTickBehavior::Burst {
            self.missed = (self.missed + passed).min(u64::MAX.into());
        }
        told.then(|| (duration(late).unwrap(), u64::try_from(passed).unwrap()))
    }

    fn set_period(&mut self, period: Duration) {
        let thirty_years = 30 * 365 * 86_400 * 1_000_000_000;
        self.period = period.as_nanos().min(thirty_years);
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
        deadline: 0,
        period: 0,
        behavior,
        burst: false,
        missed: 0,
    };
    model.set_period(period);
    for step in steps {
        match step {
            Step::Tick { late, tolerance } => {
                let due = model.deadline;
                let now = due + late.as_nanos();
                let Some(instant) = model.at(now) else {
                    continue;
                };
                let Tick { deadline, missed } = schedule.tick(instant, tolerance);
                assert_eq!(Some(deadline), model.at(due));
                let told = model.tick(now, tolerance.as_nanos());
                assert_eq!(missed.map(|missed| (missed.lateness, missed.ticks())), told);
                let is_last = model.at(due + model.period).is_none();
                assert!(
                    schedule.deadline() > deadline || is_last,
                    "strictly increasing"
                );
            }
            Step::SetPeriod(period) => {
                schedule.set_period(period);
                model.set_period(period);
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
                model.deadline = after.as_nanos();
                model.burst = false;
            }
        }
        assert_eq!(Some(schedule.deadline()), model.at(model.deadline));
        assert_eq!(schedule.period().as_nanos(), model.period);
        assert_eq!(schedule.behavior(), model.behavior);
        assert_eq!(u128::from(schedule.missed()), model.missed);
    }
}
