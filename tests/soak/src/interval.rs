//! Intervals: reset in every way, polled by halves, moved while they wait, and each tick accounted for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, Precision};

use crate::account::{Between, Moment, Schedule, Tick};
use crate::board::Event;
use crate::books::duration;
use crate::keeper::{FAR, Keeper};
use crate::tally::Kind;

pub(crate) async fn live(keeper: Keeper) {
    let mut next = Some(keeper);
    while let Some(keeper) = next.take_if(|keeper| keeper.has_time()) {
        next = Interval::make(keeper).live().await;
    }
}

struct Interval {
    keeper: Keeper,
    timer: OsInterval,
    schedule: Schedule,
    period: i64,
    behavior: MissedTickBehavior,
    tolerance: i64,
    missed: u64,
    waiting: bool,
    /// The deadline of the last tick.
    last: Moment,
}

impl Interval {
    fn make(mut keeper: Keeper) -> Self {
        let period = match keeper.kind {
            Kind::Spinning => keeper.dice.i64(5_000_000..20_000_000),
            _ => keeper.period(),
        };
        let every = duration(period);
        let start = keeper.now() + keeper.dice.i64(0..period);
        let (first, timer) = match keeper.dice.u8(..4) {
            0 => keeper.during(|| tokio_osinterval::interval(every)),
            1 => {
                let timer = tokio_osinterval::interval_at(keeper.books.instant(start), every);
                (Between::at(start), timer)
            }
            2 => {
                let (made, timer) = keeper.during(|| tokio_osinterval::interval_aligned(every));
                (aligned(made, period), timer)
            }
            _ => {
                let start_at = keeper.books.instant(start);
                let timer = OsInterval::builder(every).start(start_at).build();
                (Between::at(start), timer.expect("its runtime runs"))
            }
        };
        keeper.made(first.to, Some(period));
        let mut interval = Self {
            keeper,
            timer,
            schedule: Schedule::new(first),
            period,
            behavior: MissedTickBehavior::Burst,
            tolerance: 0,
            missed: 0,
            waiting: false,
            last: 0,
        };
        interval.aim();
        interval
    }

    /// Its kind's behaviour and precision; those that leave them open have others each time.
    fn aim(&mut self) {
        let choice = match self.keeper.kind {
            Kind::Burst => 0,
            Kind::Skip => 1,
            Kind::Delay => 2,
            _ => self.keeper.dice.u8(..3),
        };
        self.behavior = match choice {
            0 => MissedTickBehavior::Burst,
            1 => MissedTickBehavior::Skip,
            _ => MissedTickBehavior::Delay,
        };
        self.timer.set_missed_tick_behavior(self.behavior);
        match self.keeper.kind {
            Kind::Tolerant => {
                self.tolerance = self.keeper.dice.i64(0..self.period / 4);
                self.timer.set_tolerance(duration(self.tolerance));
            }
            Kind::Spinning => {
                let limit = self.keeper.dice.i64(20_000..200_000);
                self.timer.set_precision(Precision::Spin);
                self.timer.set_spin_limit(duration(limit));
            }
            _ => {}
        }
    }

    /// For some ticks, and when time is up, until all that were due by then have come. Returns whose it
    /// was, unless it was lost on a runtime that has gone.
    async fn live(mut self) -> Option<Keeper> {
        let ticks = self.keeper.dice.u32(1..30);
        for _ in 0..ticks {
            if !self.keeper.has_time() {
                break;
            }
            self = self.turn().await?;
        }
        while self.last < self.keeper.books.end() && !self.keeper.has_time() {
            self.tick().await;
        }
        if self.keeper.has_time() && self.keeper.chance(50) {
            self.poll_by_half().await;
        }
        let tally = self.keeper.tally();
        tally.expected.add(self.schedule.end());
        self.keeper.done(self.waiting);
        Some(self.keeper)
    }

    /// A tick, and what happens before it.
    async fn turn(mut self) -> Option<Self> {
        match self.keeper.dice.u8(..100) {
            0..3 => self.poll_by_half().await,
            3..6 => self.reset(),
            6..9 => {
                self.tick_reset_meanwhile().await;
                return Some(self);
            }
            9..13 => return self.tick_elsewhere().await,
            13..15 => {
                let period = match self.keeper.kind {
                    Kind::Spinning => self.period,
                    _ => self.keeper.period(),
                };
                self.period = period;
                self.timer.set_period(duration(period));
                self.keeper.note(Event::Period(period));
            }
            15..17 => self.aim(),
            _ => {}
        }
        self.tick().await;
        Some(self)
    }

    async fn tick(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.keeper.now();
        let tick = self.timer.poll_tick(cx);
        self.seen(before, tick)
    }

    /// Polls a tick's future once and drops it: no tick may be lost by that.
    async fn poll_by_half(&mut self) {
        poll_fn(|cx| {
            let before = self.keeper.now();
            let tick = pin!(self.timer.tick()).poll(cx);
            let _ = self.seen(before, tick);
            Poll::Ready(())
        })
        .await;
    }

    /// Resets it once it waits, often for what is far away, and does not poll it again: the wake-up must
    /// come by itself.
    async fn tick_reset_meanwhile(&mut self) {
        if self.keeper.chance(50) {
            let timer = &mut self.timer;
            let (set, ()) = self.keeper.during(|| timer.reset_after(duration(FAR)));
            self.begin_anew(set.later(FAR));
        }
        let mut reset = false;
        poll_fn(|cx| {
            let polled = self.poll(cx);
            if polled.is_pending() && !reset {
                reset = true;
                self.reset();
                self.wait();
            }
            polled
        })
        .await;
    }

    /// Has another task, perhaps of another runtime, wait for the tick.
    async fn tick_elsewhere(mut self) -> Option<Self> {
        self.poll_by_half().await;
        let runtime = self.keeper.elsewhere();
        let there = runtime.spawn(async move {
            if self.keeper.chance(50) {
                self.poll_by_half().await;
            } else {
                self.tick().await;
            }
            self
        });
        let mut interval = there.await.ok()?;
        if interval.waiting {
            interval.tick().await;
        }
        Some(interval)
    }

    fn reset(&mut self) {
        let choice = self.keeper.dice.u8(..5);
        let some_time = self.keeper.dice.i64(0..2 * self.period);
        let somewhen = self.keeper.now() + self.keeper.dice.i64(-self.period..self.period);
        let at = self.keeper.books.instant(somewhen);
        let timer = &mut self.timer;
        let (reset, ()) = self.keeper.during(|| match choice {
            0 => timer.reset(),
            1 => timer.reset_immediately(),
            2 => timer.reset_after(duration(some_time)),
            3 => timer.reset_at(at),
            _ => timer.reset_aligned(),
        });
        let first = match choice {
            0 => reset.later(self.period),
            1 => reset,
            2 => reset.later(some_time),
            3 => Between::at(self.keeper.books.moment(at)),
            _ => aligned(reset, self.period),
        };
        self.begin_anew(first);
    }

    fn begin_anew(&mut self, first: Between) {
        let open = self.schedule.reset(first);
        self.keeper.tally().expected.add(open);
        self.keeper.reset(first.to);
    }

    fn wait(&mut self) {
        self.waiting = true;
        self.keeper
            .note(Event::Waits(self.schedule.due() + self.tolerance));
    }

    fn seen(&mut self, before: Moment, tick: Poll<Instant>) -> Poll<()> {
        let Poll::Ready(deadline) = tick else {
            self.wait();
            return Poll::Pending;
        };
        let now = self.keeper.now();
        self.waiting = false;
        self.last = self.keeper.books.moment(deadline);
        let missed = self.timer.missed_ticks() - self.missed;
        self.missed += missed;
        self.keeper.ticked(Between::at(self.last), now);
        self.keeper.tally().missed.add(missed);
        let taken = self.schedule.take(Tick {
            deadline: self.last,
            taken: Between {
                from: before,
                to: now,
            },
            period: self.period,
            behavior: self.behavior,
            tolerance: self.tolerance,
            missed: i64::try_from(missed).unwrap_or(i64::MAX),
        });
        match taken {
            Ok(expected) => self.keeper.tally().expected.add(expected),
            Err(why) => self.keeper.fail(&why),
        }
        Poll::Ready(())
    }
}

/// The next multiple of the period, at a moment in these bounds: more than nothing away from it, and at
/// most a period.
fn aligned(looked: Between, period: i64) -> Between {
    Between {
        from: looked.from,
        to: looked.to + period,
    }
}
