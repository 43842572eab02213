//! Periodic timers of the kernel. The number of their expirations is checked.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use tokio_osinterval::PeriodicInterval;

use crate::history::Event;
use crate::owner::Owner;
use crate::schedule::{PeriodicSchedule, TimeRange, Timestamp};
use crate::shared::duration;

/// Runs one periodic interval after the other until the end of the soak.
pub(crate) async fn run(owner: Owner) {
    let mut next = Some(owner);
    while let Some(owner) = next.take_if(|owner| owner.has_time()) {
        next = match Periodic::create(owner) {
            Ok(periodic) => periodic.run().await,
            Err((owner, error)) => {
                owner.fail(&format!("no periodic timer: {error}"));
                None
            }
        };
    }
}

struct Periodic {
    owner: Owner,
    timer: PeriodicInterval,
    schedule: PeriodicSchedule,
    waiting: bool,
    /// The earliest time at which the last tick was delivered.
    last: Timestamp,
}

impl Periodic {
    fn create(mut owner: Owner) -> Result<Self, (Owner, io::Error)> {
        // Some kernels count in microseconds.
        let period = owner.period() / 1000 * 1000;
        let every = duration(period);
        let choice = owner.rng.u8(..3);
        let start = owner.now() + owner.rng.i64(-3 * period..period);
        let start_at = owner.shared.instant(start);
        let (created, timer) = owner.timed(|| match choice {
            0 => PeriodicInterval::new(every),
            1 => PeriodicInterval::builder(every).start(start_at).build(),
            _ => PeriodicInterval::builder(every)
                .align_to_wall_clock()
                .build(),
        });
        let timer = match timer {
            Ok(timer) => timer,
            Err(error) => return Err((owner, error)),
        };
        let first = match choice {
            0 => created.later(period),
            1 => {
                // The library converts the start to the kernel's clock, and reads that after the clock of
                // `Instant`.
                let start = owner.shared.timestamp(start_at);
                TimeRange {
                    from: start,
                    to: start + created.to - created.from,
                }
            }
            _ => TimeRange {
                from: created.from,
                to: created.to + period,
            },
        };
        owner.created(first.to, Some(period));
        Ok(Self {
            owner,
            timer,
            schedule: PeriodicSchedule::new(first, period),
            waiting: false,
            last: 0,
        })
    }

    async fn run(mut self) -> Option<Owner> {
        let ticks = self.owner.rng.u32(1..30);
        for _ in 0..ticks {
            if !self.owner.has_time() {
                break;
            }
            if self.owner.chance(5) {
                self.poll_once().await;
            }
            if self.owner.chance(5) {
                let runtime = self.owner.move_elsewhere();
                let task = runtime.spawn(async move {
                    self.tick().await;
                    self
                });
                self = task.await.ok()?;
            } else {
                self.tick().await;
            }
        }
        while self.last < self.owner.shared.end() && !self.owner.has_time() {
            self.tick().await;
        }
        if self.owner.has_time() && self.owner.chance(50) {
            self.poll_once().await;
        }
        self.owner.ended(self.waiting);
        Some(self.owner)
    }

    async fn tick(&mut self) {
        poll_fn(|cx| {
            let before = self.owner.now();
            let polled = self.timer.poll_tick(cx);
            self.check(before, polled)
        })
        .await;
    }

    /// Polls the future of a tick once and drops it.
    async fn poll_once(&mut self) {
        poll_fn(|cx| {
            let before = self.owner.now();
            let polled = pin!(self.timer.tick()).poll(cx);
            let _ = self.check(before, polled);
            Poll::Ready(())
        })
        .await;
    }

    /// Checks the result of a poll that began at `before`.
    fn check(&mut self, before: Timestamp, polled: Poll<io::Result<u64>>) -> Poll<()> {
        let Poll::Ready(count) = polled else {
            self.waiting = true;
            self.owner.record(Event::Waits(self.schedule.next().to));
            return Poll::Pending;
        };
        let now = self.owner.now();
        self.waiting = false;
        self.last = before;
        let count = match count {
            Ok(count) => count,
            Err(error) => {
                self.owner.fail(&format!("a tick failed: {error}"));
                return Poll::Ready(());
            }
        };
        self.owner.ticked(self.schedule.next(), now);
        self.owner.record(Event::Expired(count));
        self.owner.stats().missed.add(count.saturating_sub(1));
        let delivered = TimeRange {
            from: before,
            to: now,
        };
        if let Err(error) = self.schedule.deliver(count, delivered) {
            self.owner.fail(&error);
        }
        Poll::Ready(())
    }
}
