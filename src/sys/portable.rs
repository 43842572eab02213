//! Any system: `tokio::time::Sleep`, and so its precision, about a millisecond.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop::{self, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Armed;
use super::clock::Clock;
use crate::span::{self, later, nanos};

#[derive(Debug)]
pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    clock: Clock,
}

impl Alarm {
    /// A paused clock jumps to the next `Sleep` there is: one that nobody waits for any more would
    /// be jumped to as well.
    pub(crate) const EXACT: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = Clock::new(runtime);
        Ok(Self {
            sleep: Box::pin(sleep_until(clock.now())),
            clock,
        })
    }

    /// A runtime that shuts down wakes whoever waits for a `Sleep`, so while this alarm is armed
    /// there is nothing more to do; while it is not, nobody waits.
    pub(crate) fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(&mut self, deadline: Instant, waker: &Waker) -> io::Result<Armed> {
        let _context = self.clock.enter();
        let never = span::after(self.clock.now(), Duration::MAX);
        // A new sleep each time: resetting one that has a waker may wake it, here and now, under
        // the driver's lock. And no deadline beyond the one that tokio takes for never: it would
        // overflow.
        if self.set(deadline.min(never)) {
            // Elapsed before it was polled: its deadline has passed, or its runtime has ended.
            self.check()?;
            return Ok(Armed::Due);
        }
        let polled = pin!(unconstrained(self.sleep.as_mut()));
        Ok(match polled.poll(&mut Context::from_waker(waker)) {
            Poll::Pending => Armed::Waiting,
            Poll::Ready(()) => Armed::Due,
        })
    }

    pub(crate) fn disarm(&mut self) {
        let _context = self.clock.enter();
        self.sleep.set(sleep_until(self.clock.now()));
    }

    /// An error if the runtime has shut down; leaves the alarm disarmed.
    ///
    /// Polling a `Sleep` would panic then. But there, and only there, has one elapsed as soon as it
    /// is registered whose deadline is decades away.
    fn check(&mut self) -> io::Result<()> {
        let _context = self.clock.enter();
        if self.set(span::after(self.clock.now(), Duration::MAX)) {
            return Err(io::Error::other(SHUTDOWN));
        }
        self.disarm();
        Ok(())
    }

    /// There is one clock only.
    pub(crate) fn resync(&mut self) {}

    /// A new sleep, registered but without a waker; `true` if it has elapsed already.
    fn set(&mut self, deadline: Instant) -> bool {
        self.sleep.set(sleep_until(deadline));
        self.sleep.as_mut().reset(deadline);
        self.sleep.is_elapsed()
    }
}

/// What tokio's own timers say in that case.
const SHUTDOWN: &str = "A Tokio 1.x context was found, but it is being shutdown.";

/// An alarm that every poll arms anew, with the counts that a kernel would give.
#[derive(Debug)]
pub(crate) struct Periodic {
    alarm: Alarm,
    clock: Clock,
    due: Instant,
    period: Duration,
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(period: Duration) -> io::Result<Self> {
        let runtime = Handle::current();
        let clock = Clock::new(&runtime);
        Ok(Self {
            alarm: Alarm::new(&runtime)?,
            due: span::after(clock.now(), period),
            clock,
            period,
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let coop = ready!(coop::poll_proceed(cx));
        loop {
            let now = self.clock.now();
            if now >= self.due {
                self.alarm.check()?;
                coop.made_progress();
                let (count, next) = expirations(self.due, now, self.period);
                self.due = next;
                return Poll::Ready(Ok(count));
            }
            if self.alarm.arm(self.due, cx.waker())? == Armed::Waiting {
                return Poll::Pending;
            }
        }
    }
}

/// How often it expired, from `due` to `now` and at least once, and when it will next.
fn expirations(due: Instant, now: Instant, period: Duration) -> (u64, Instant) {
    let lateness = now.saturating_duration_since(due).as_nanos();
    let count = lateness / period.as_nanos() + 1;
    let next = later(due, Duration::from_nanos(nanos(count * period.as_nanos())));
    (nanos(count), next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_expiration_is_counted_once(
            period in 1_u64..10_000_000_000,
            looks in prop::collection::vec(0_u64..50_000_000_000, 1..30),
        ) {
            let origin = Instant::now();
            let period = Duration::from_nanos(period);
            let mut due = origin + period;
            let mut now = origin;
            let mut total = 0;
            for wait in looks {
                now += Duration::from_nanos(wait);
                if now >= due {
                    let (count, next) = expirations(due, now, period);
                    prop_assert!(count >= 1);
                    prop_assert!(next > now && next <= now + period);
                    total += u128::from(count);
                    due = next;
                }
                prop_assert_eq!(total, (now - origin).as_nanos() / period.as_nanos());
            }
        }
    }
}
