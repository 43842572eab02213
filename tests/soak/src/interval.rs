//! Intervals: reset, polled by half and moved while they wait. Every tick is checked.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, Precision};

use crate::history::Event;
use crate::owner::{FAR, Owner};
use crate::schedule::{IntervalSchedule, Tick, TimeRange, Timestamp};
use crate::shared::duration;
use crate::stats::Kind;

/// Runs one interval after the other until the end of the soak.
pub(crate) async fn run(owner: Owner) {
    let mut next = Some(owner);
    while let Some(owner) = next.take_if(|owner| owner.has_time()) {
        next = Interval::create(owner).run().await;
    }
}

struct Interval {
    owner: Owner,
    timer: OsInterval,
    schedule: IntervalSchedule,
    period: i64,
    behavior: MissedTickBehavior,
    tolerance: i64,
    missed: u64,
    waiting: bool,
    /// The deadline of the last tick.
    last: Timestamp,
}

impl Interval {
    fn create(mut owner: Owner) -> Self {
        let period = match owner.kind {
            Kind::Spinning => owner.rng.i64(5_000_000..20_000_000),
            _ => owner.period(),
        };
        let every = duration(period);
        let start = owner.now() + owner.rng.i64(0..period);
        let (first, timer) = match owner.rng.u8(..4) {
            0 => owner.timed(|| tokio_osinterval::interval(every)),
            1 => {
                let timer = tokio_osinterval::interval_at(owner.shared.instant(start), every);
                (TimeRange::at(start), timer)
            }
            2 => {
                let (created, timer) = owner.timed(|| tokio_osinterval::interval_aligned(every));
                (next_multiple(created, period), timer)
            }
            _ => {
                let start_at = owner.shared.instant(start);
                let timer = OsInterval::builder(every).start(start_at).build();
                (TimeRange::at(start), timer.expect("the runtime runs"))
            }
        };
        owner.created(first.to, Some(period));
        let mut interval = Self {
            owner,
            timer,
            schedule: IntervalSchedule::new(first),
            period,
            behavior: MissedTickBehavior::Burst,
            tolerance: 0,
            missed: 0,
            waiting: false,
            last: 0,
        };
        interval.set_options();
        interval
    }

    /// Sets the options of the kind, and random ones where the kind leaves a choice.
    fn set_options(&mut self) {
        let choice = match self.owner.kind {
            Kind::Burst => 0,
            Kind::Skip => 1,
            Kind::Delay => 2,
            _ => self.owner.rng.u8(..3),
        };
        self.behavior = match choice {
            0 => MissedTickBehavior::Burst,
            1 => MissedTickBehavior::Skip,
            _ => MissedTickBehavior::Delay,
        };
        self.timer.set_missed_tick_behavior(self.behavior);
        match self.owner.kind {
            Kind::Tolerant => {
                self.tolerance = self.owner.rng.i64(0..self.period / 4);
                self.timer.set_tolerance(duration(self.tolerance));
            }
            Kind::Spinning => {
                let limit = self.owner.rng.i64(20_000..200_000);
                self.timer.set_precision(Precision::Spin);
                self.timer.set_spin_limit(duration(limit));
            }
            _ => {}
        }
    }

    /// Takes some ticks, and at the end of the soak all that were due by then. Returns the owner unless
    /// another task was lost.
    async fn run(mut self) -> Option<Owner> {
        let ticks = self.owner.rng.u32(1..30);
        for _ in 0..ticks {
            if !self.owner.has_time() {
                break;
            }
            self = self.act_and_tick().await?;
        }
        while self.last < self.owner.shared.end() && !self.owner.has_time() {
            self.tick().await;
        }
        if self.owner.has_time() && self.owner.chance(50) {
            self.poll_once().await;
        }
        self.owner.stats().expected.add(self.schedule.end());
        self.owner.ended(self.waiting);
        Some(self.owner)
    }

    /// Does something random to the interval, and takes a tick.
    async fn act_and_tick(mut self) -> Option<Self> {
        match self.owner.rng.u8(..100) {
            0..3 => self.poll_once().await,
            3..6 => self.reset(),
            6..9 => {
                self.tick_with_reset().await;
                return Some(self);
            }
            9..13 => return self.tick_elsewhere().await,
            13..15 => {
                let period = match self.owner.kind {
                    Kind::Spinning => self.period,
                    _ => self.owner.period(),
                };
                self.period = period;
                self.timer.set_period(duration(period));
                self.owner.record(Event::Period(period));
            }
            15..17 => self.set_options(),
            _ => {}
        }
        self.tick().await;
        Some(self)
    }

    async fn tick(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.owner.now();
        let tick = self.timer.poll_tick(cx);
        self.check(before, tick)
    }

    /// Polls the future of a tick once and drops it.
    async fn poll_once(&mut self) {
        poll_fn(|cx| {
            let before = self.owner.now();
            let tick = pin!(self.timer.tick()).poll(cx);
            let _ = self.check(before, tick);
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for a tick, resets the interval while it waits, and does not poll it after that: the reset must
    /// wake it. Half of the first deadlines are far away.
    async fn tick_with_reset(&mut self) {
        if self.owner.chance(50) {
            let timer = &mut self.timer;
            let (reset, ()) = self.owner.timed(|| timer.reset_after(duration(FAR)));
            self.restart(reset.later(FAR));
        }
        let mut was_reset = false;
        poll_fn(|cx| {
            let polled = self.poll(cx);
            if polled.is_pending() && !was_reset {
                was_reset = true;
                self.reset();
                self.record_wait();
            }
            polled
        })
        .await;
    }

    /// Lets another task, perhaps of another runtime, wait for the tick.
    async fn tick_elsewhere(mut self) -> Option<Self> {
        self.poll_once().await;
        let runtime = self.owner.move_elsewhere();
        let task = runtime.spawn(async move {
            if self.owner.chance(50) {
                self.poll_once().await;
            } else {
                self.tick().await;
            }
            self
        });
        let mut interval = task.await.ok()?;
        if interval.waiting {
            interval.tick().await;
        }
        Some(interval)
    }

    fn reset(&mut self) {
        let choice = self.owner.rng.u8(..5);
        let after = self.owner.rng.i64(0..2 * self.period);
        let at = self.owner.now() + self.owner.rng.i64(-self.period..self.period);
        let at = self.owner.shared.instant(at);
        let timer = &mut self.timer;
        let (reset, ()) = self.owner.timed(|| match choice {
            0 => timer.reset(),
            1 => timer.reset_immediately(),
            2 => timer.reset_after(duration(after)),
            3 => timer.reset_at(at),
            _ => timer.reset_aligned(),
        });
        let first = match choice {
            0 => reset.later(self.period),
            1 => reset,
            2 => reset.later(after),
            3 => TimeRange::at(self.owner.shared.timestamp(at)),
            _ => next_multiple(reset, self.period),
        };
        self.restart(first);
    }

    fn restart(&mut self, first: TimeRange) {
        let expected = self.schedule.reset(first);
        self.owner.stats().expected.add(expected);
        self.owner.reset(first.to);
    }

    fn record_wait(&mut self) {
        self.waiting = true;
        self.owner
            .record(Event::Waits(self.schedule.due() + self.tolerance));
    }

    /// Checks the result of a poll that began at `before`.
    fn check(&mut self, before: Timestamp, tick: Poll<Instant>) -> Poll<()> {
        let Poll::Ready(deadline) = tick else {
            self.record_wait();
            return Poll::Pending;
        };
        let now = self.owner.now();
        self.waiting = false;
        self.last = self.owner.shared.timestamp(deadline);
        let missed = self.timer.missed_ticks() - self.missed;
        self.missed += missed;
        self.owner.ticked(TimeRange::at(self.last), now);
        self.owner.stats().missed.add(missed);
        let expected = self.schedule.deliver(Tick {
            deadline: self.last,
            delivered: TimeRange {
                from: before,
                to: now,
            },
            period: self.period,
            behavior: self.behavior,
            tolerance: self.tolerance,
            missed: i64::try_from(missed).unwrap_or(i64::MAX),
        });
        match expected {
            Ok(expected) => self.owner.stats().expected.add(expected),
            Err(error) => self.owner.fail(&error),
        }
        Poll::Ready(())
    }
}

/// Returns when the next multiple of `period` is, after a time in `now`: it lies up to a period later.
fn next_multiple(now: TimeRange, period: i64) -> TimeRange {
    TimeRange {
        from: now.from,
        to: now.to + period,
    }
}
