//! `Periodic`: the kernel restarts it by itself, and counts.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdTimerFlags, clock_gettime, timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::time::{ZERO, advance, moment, nanos, next_slot};
use super::{create, register};
use crate::clock::{Clock, ClockWasSet};
use crate::readings::closest;
use crate::wall::{Start, until_multiple};

/// A timer that the kernel restarts by itself and whose expirations it counts.
///
/// Absolute, on the clock that was asked for. Unread, the kernel lets it sleep and works out the
/// count when asked (`timerfd_read` in Linux's fs/timerfd.c).
#[derive(Debug)]
pub(crate) struct Periodic {
    fd: AsyncFd<OwnedFd>,
    plan: Plan,
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        let mut plan = Plan {
            clock,
            start,
            period,
            first: 0,
        };
        let fd = create(plan.timer())?;
        plan.begin(&fd)?;
        Ok(Self {
            fd: register(fd)?,
            plan,
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            let mut expired = ready!(self.fd.poll_read_ready(cx))?;
            let mut count = [0; size_of::<u64>()];
            match rustix::io::read(self.fd.get_ref(), &mut count) {
                Ok(_) => {
                    // The read took them all. An expiry since then has its own event, which this
                    // does not clear.
                    expired.clear_ready();
                    return Poll::Ready(Ok(u64::from_ne_bytes(count)));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => expired.clear_ready(),
                Err(Errno::CANCELED) => {
                    expired.clear_ready();
                    self.plan.go_on(self.fd.get_ref())?;
                    return Poll::Ready(Err(ClockWasSet.into()));
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

/// When it expires.
#[derive(Debug)]
struct Plan {
    clock: Clock,
    start: Start,
    period: Duration,
    /// The first expiration, in the clock's nanoseconds: all others are a whole number of periods
    /// from it.
    first: i128,
}

impl Plan {
    fn timer(&self) -> TimerfdClockId {
        match self.clock {
            Clock::Monotonic => TimerfdClockId::Monotonic,
            Clock::Boottime => TimerfdClockId::Boottime,
            Clock::Realtime => TimerfdClockId::Realtime,
        }
    }

    fn flags(&self) -> TimerfdTimerFlags {
        match self.clock {
            Clock::Realtime => TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET,
            _ => TimerfdTimerFlags::ABSTIME,
        }
    }

    fn now(&self) -> i128 {
        nanos(clock_gettime(match self.clock {
            Clock::Monotonic => ClockId::Monotonic,
            Clock::Boottime => ClockId::Boottime,
            Clock::Realtime => ClockId::Realtime,
        }))
    }

    fn begin(&mut self, fd: &OwnedFd) -> io::Result<()> {
        self.first = self.first();
        match self.arm(fd, self.first) {
            // Set since the clock was read.
            Err(Errno::CANCELED) => self.go_on(fd),
            armed => Ok(armed?),
        }
    }

    /// After the clock was set: the kernel forgets a timer that had expired by then, and knows
    /// nothing of its periods (`timerfd_read` in Linux's fs/timerfd.c).
    fn go_on(&mut self, fd: &OwnedFd) -> io::Result<()> {
        loop {
            let next = match self.start {
                Start::At(start) if start > Instant::now() => {
                    self.first = self.first();
                    self.first
                }
                _ => next_slot(self.first, self.now(), self.period),
            };
            match self.arm(fd, next) {
                // Set once more.
                Err(Errno::CANCELED) => {}
                armed => return Ok(armed?),
            }
        }
    }

    /// The kernel's clock is read second: what lies between the readings makes the timer late by
    /// that much, and not early.
    fn first(&self) -> i128 {
        let wide = |span: Duration| i128::try_from(span.as_nanos()).unwrap_or(i128::MAX);
        match self.start {
            Start::Default => self.now() + wide(self.period),
            Start::At(start) => {
                let (instant, now) = closest(Instant::now, || self.now());
                let ahead = wide(start.saturating_duration_since(instant));
                let ago = wide(instant.saturating_duration_since(start));
                now + ahead - ago
            }
            Start::Aligned => {
                let (wall, now) = closest(SystemTime::now, || self.now());
                now + wide(until_multiple(wall, self.period))
            }
        }
    }

    fn arm(&self, fd: &OwnedFd, first: i128) -> Result<(), Errno> {
        let forever = Itimerspec {
            it_interval: advance(ZERO, self.period),
            it_value: moment(first),
        };
        timerfd_settime(fd, self.flags(), &forever).map(drop)
    }
}
