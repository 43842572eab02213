//! Periodic timers of the kernel's: the sum of their expirations is accounted for.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use tokio_osinterval::PeriodicInterval;

use crate::account::{Between, Expirations, Moment};
use crate::board::Event;
use crate::books::duration;
use crate::keeper::Keeper;

pub(crate) async fn live(keeper: Keeper) {
    let mut next = Some(keeper);
    while let Some(keeper) = next.take_if(|keeper| keeper.has_time()) {
        next = match Periodic::make(keeper) {
            Ok(periodic) => periodic.live().await,
            Err((keeper, error)) => {
                keeper.fail(&format!("no periodic timer: {error}"));
                None
            }
        };
    }
}

struct Periodic {
    keeper: Keeper,
    timer: PeriodicInterval,
    expirations: Expirations,
    waiting: bool,
    /// When the last tick was taken, at the earliest.
    last: Moment,
}

impl Periodic {
    fn make(mut keeper: Keeper) -> Result<Self, (Keeper, io::Error)> {
        // Some systems count in microseconds.
        let period = keeper.period() / 1000 * 1000;
        let every = duration(period);
        let choice = keeper.dice.u8(..3);
        let start = keeper.now() + keeper.dice.i64(-3 * period..period);
        let start_at = keeper.books.instant(start);
        let (made, timer) = keeper.during(|| match choice {
            0 => PeriodicInterval::new(every),
            1 => PeriodicInterval::builder(every).start(start_at).build(),
            _ => PeriodicInterval::builder(every)
                .align_to_wall_clock()
                .build(),
        });
        let timer = match timer {
            Ok(timer) => timer,
            Err(error) => return Err((keeper, error)),
        };
        let first = match choice {
            0 => made.later(period),
            1 => {
                // Told on the kernel's clock, which is read a little after `Instant`'s.
                let start = keeper.books.moment(start_at);
                Between {
                    from: start,
                    to: start + made.to - made.from,
                }
            }
            _ => Between {
                from: made.from,
                to: made.to + period,
            },
        };
        keeper.made(first.to, Some(period));
        Ok(Self {
            keeper,
            timer,
            expirations: Expirations::new(first, period),
            waiting: false,
            last: 0,
        })
    }

    async fn live(mut self) -> Option<Keeper> {
        let ticks = self.keeper.dice.u32(1..30);
        for _ in 0..ticks {
            if !self.keeper.has_time() {
                break;
            }
            if self.keeper.chance(5) {
                self.poll_by_half().await;
            }
            if self.keeper.chance(5) {
                let runtime = self.keeper.elsewhere();
                let there = runtime.spawn(async move {
                    self.tick().await;
                    self
                });
                self = there.await.ok()?;
            } else {
                self.tick().await;
            }
        }
        while self.last < self.keeper.books.end() && !self.keeper.has_time() {
            self.tick().await;
        }
        if self.keeper.has_time() && self.keeper.chance(50) {
            self.poll_by_half().await;
        }
        self.keeper.done(self.waiting);
        Some(self.keeper)
    }

    async fn tick(&mut self) {
        poll_fn(|cx| {
            let before = self.keeper.now();
            let polled = self.timer.poll_tick(cx);
            self.seen(before, polled)
        })
        .await;
    }

    async fn poll_by_half(&mut self) {
        poll_fn(|cx| {
            let before = self.keeper.now();
            let polled = pin!(self.timer.tick()).poll(cx);
            let _ = self.seen(before, polled);
            Poll::Ready(())
        })
        .await;
    }

    fn seen(&mut self, before: Moment, polled: Poll<io::Result<u64>>) -> Poll<()> {
        let Poll::Ready(count) = polled else {
            self.waiting = true;
            self.keeper.note(Event::Waits(self.expirations.next().to));
            return Poll::Pending;
        };
        let now = self.keeper.now();
        self.waiting = false;
        self.last = before;
        let count = match count {
            Ok(count) => count,
            Err(error) => {
                self.keeper.fail(&format!("a tick failed: {error}"));
                return Poll::Ready(());
            }
        };
        self.keeper.ticked(self.expirations.next(), now);
        self.keeper.note(Event::Expired(count));
        self.keeper.tally().missed.add(count.saturating_sub(1));
        let taken = Between {
            from: before,
            to: now,
        };
        if let Err(why) = self.expirations.take(count, taken) {
            self.keeper.fail(&why);
        }
        Poll::Ready(())
    }
}
