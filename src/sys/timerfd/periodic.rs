//! `Periodic`: a timer that the kernel restarts and whose expirations it counts.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdTimerFlags, clock_gettime, timerfd_settime,
};
use tokio::time::Instant;

use super::create;
use super::time::{
    LAST_SECOND, LAST_WALL_SECOND, ZERO, advance, nanos, next_in_phase, to_timespec, wide,
};
use crate::clock::paired::closest;
use crate::clock::wall::{Start, until_multiple};
use crate::clock::{Clock, ClockWasSet};
use crate::sys::descriptor::Descriptor;

/// How often to try to arm a timer whose clock is set between the clock read and the system call.
const ARM_TRIES: usize = 16;

/// The timer is absolute, on the requested clock. While it is unread it does not wake the kernel again; the read
/// computes the count (`timerfd_read` in Linux's fs/timerfd.c).
#[derive(Debug)]
pub(crate) struct Periodic {
    timer: Descriptor,
    plan: Plan,
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        let mut plan = Plan::new(clock, start, period);
        let fd = create(plan.timer_clock())?;
        plan.arm_first(&fd)?;
        Ok(Self {
            timer: Descriptor::new(fd)?,
            plan,
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let plan = &mut self.plan;
        self.timer.poll_read(cx, |fd| {
            let mut count = [0; size_of::<u64>()];
            match rustix::io::read(fd, &mut count) {
                Ok(_) => {
                    let before_zero = mem::take(&mut plan.before_zero);
                    Ok(Some(u64::from_ne_bytes(count).saturating_add(before_zero)))
                }
                Err(Errno::AGAIN) => Ok(None),
                Err(Errno::CANCELED) => {
                    plan.clock_was_set(fd)?;
                    Err(ClockWasSet.into())
                }
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// When the timer expires.
#[derive(Debug)]
struct Plan {
    clock: Clock,
    start: Start,
    period: Duration,
    /// In nanoseconds of the clock. Every expiration is a whole number of periods from it.
    first: i128,
    /// Expirations before the clock's zero. The kernel cannot count them.
    before_zero: u64,
}

impl Plan {
    fn new(clock: Clock, start: Start, period: Duration) -> Self {
        Self {
            clock,
            start,
            period,
            first: 0,
            before_zero: 0,
        }
    }

    fn timer_clock(&self) -> TimerfdClockId {
        match self.clock {
            Clock::Monotonic => TimerfdClockId::Monotonic,
            Clock::Boottime => TimerfdClockId::Boottime,
            Clock::Realtime => TimerfdClockId::Realtime,
        }
    }

    fn now(&self) -> i128 {
        nanos(clock_gettime(match self.clock {
            Clock::Monotonic => ClockId::Monotonic,
            Clock::Boottime => ClockId::Boottime,
            Clock::Realtime => ClockId::Realtime,
        }))
    }

    fn arm_first(&mut self, fd: &OwnedFd) -> io::Result<()> {
        if self.clock == Clock::Realtime {
            // Armed once before the clock is read: from the first arming on, the kernel cancels the timer when
            // the clock is set (`timerfd_setup_cancel` in Linux's fs/timerfd.c).
            let _ = self.arm(fd, self.now() + wide(Duration::from_secs(3600)));
        }
        self.arm_replanned(fd, |plan| {
            let first = plan.first();
            plan.first = if first > 0 {
                first
            } else {
                next_in_phase(first, 0, plan.period)
            };
            let before_zero = (plan.first - first) / wide(plan.period);
            plan.before_zero = u64::try_from(before_zero).unwrap_or(u64::MAX);
        })?;
        Ok(())
    }

    /// Rearms the timer after the clock was set. The kernel forgets a timer that had expired by then, and does not
    /// keep its phase (`timerfd_read` in Linux's fs/timerfd.c).
    fn clock_was_set(&mut self, fd: &OwnedFd) -> io::Result<()> {
        self.before_zero = 0;
        let armed = self.arm_replanned(fd, |plan| {
            plan.first = match plan.start {
                Start::At(start) if start > Instant::now() => plan.first(),
                _ => next_in_phase(plan.first, plan.now(), plan.period),
            };
        });
        match armed {
            // The kernel has armed the timer nonetheless (`timerfd_setup` in that file). The next read is canceled.
            Err(Errno::CANCELED) => Ok(()),
            armed => Ok(armed?),
        }
    }

    /// Calls `replan`, which reads the clock, and arms the timer for `first`. Repeats both, a limited number of times,
    /// if the clock was set in between.
    fn arm_replanned(&mut self, fd: &OwnedFd, replan: impl Fn(&mut Self)) -> Result<(), Errno> {
        let mut armed = Ok(());
        for _ in 0..ARM_TRIES {
            replan(self);
            armed = self.arm(fd, self.first);
            if armed != Err(Errno::CANCELED) {
                break;
            }
        }
        armed
    }

    /// Returns when the timer expires for the first time.
    ///
    /// Reads the kernel's clock second: the time between the readings makes the timer late by as much, and not
    /// early.
    fn first(&self) -> i128 {
        match self.start {
            Start::Default => self.now() + wide(self.period),
            Start::At(start) => {
                let (instant, now) = closest(Instant::now, || self.now());
                let until = wide(start.saturating_duration_since(instant));
                let since = wide(instant.saturating_duration_since(start));
                now + until - since
            }
            Start::Aligned if self.clock == Clock::Realtime => {
                next_in_phase(0, self.now(), self.period)
            }
            Start::Aligned => {
                let (wall, now) = closest(SystemTime::now, || self.now());
                now + wide(until_multiple(wall, self.period))
            }
        }
    }

    fn arm(&self, fd: &OwnedFd, first: i128) -> Result<(), Errno> {
        let (flags, last) = match self.clock {
            Clock::Realtime => (TimerfdTimerFlags::CANCEL_ON_SET, LAST_WALL_SECOND),
            _ => (TimerfdTimerFlags::empty(), LAST_SECOND),
        };
        let setting = Itimerspec {
            it_interval: advance(ZERO, self.period),
            it_value: to_timespec(first, last),
        };
        timerfd_settime(fd, TimerfdTimerFlags::ABSTIME | flags, &setting).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::time::timerfd_gettime;
    use std::cell::Cell;

    fn started(clock: Clock, start: Start, period: Duration) -> (OwnedFd, Plan) {
        let mut plan = Plan::new(clock, start, period);
        let fd = create(plan.timer_clock()).unwrap();
        plan.arm_first(&fd).unwrap();
        (fd, plan)
    }

    #[test]
    fn aligned_start_is_exact_to_the_nanosecond() {
        let period = Duration::from_secs(3600);
        let (_fd, plan) = started(Clock::Realtime, Start::Aligned, period);
        assert_eq!(plan.first % wide(period), 0);
        assert!((1..=wide(period)).contains(&(plan.first - plan.now())));
    }

    #[test]
    fn kernel_timer_is_armed_as_planned() {
        for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
            for start in [
                Start::Default,
                Start::Aligned,
                Start::At(Instant::now() + Duration::from_secs(1000)),
            ] {
                let (fd, plan) = started(clock, start, Duration::from_secs(3600));
                let before = plan.now();
                let armed = timerfd_gettime(&fd).unwrap();
                let after = plan.now();
                let left = nanos(armed.it_value);
                // The clock may be set between the readings.
                let expected = plan.first - after..=plan.first - before;
                assert!(expected.contains(&left) || clock == Clock::Realtime);
                assert_eq!(nanos(armed.it_interval), 3_600_000_000_000);
            }
        }
    }

    #[test]
    fn expirations_before_the_clocks_zero_are_counted() {
        let period = Duration::from_secs(1);
        let boot =
            Instant::now().checked_sub(clock_gettime(ClockId::Monotonic).try_into().unwrap());
        let Some(start) = boot.and_then(|boot| boot.checked_sub(Duration::from_millis(10_250)))
        else {
            return;
        };
        let (_fd, plan) = started(Clock::Monotonic, Start::At(start), period);
        // The eleven are at −10.25 s … −0.25 s, the next is at 0.75 s.
        assert_eq!(plan.before_zero, 11);
        assert!(
            (740_000_000..760_000_000).contains(&plan.first),
            "{}",
            plan.first
        );
    }

    /// Calls `clock_was_set` without setting the clock.
    #[test]
    fn after_a_clock_set_the_next_expiration_is_in_phase() {
        let hour = Duration::from_secs(3600);
        let past = Instant::now().checked_sub(Duration::from_secs(1));
        let starts = [Start::Default, Start::Aligned].into_iter();
        for start in starts.chain(past.map(Start::At)) {
            let (fd, mut plan) = started(Clock::Realtime, start, hour);
            let planned = plan.first;
            plan.before_zero = 7;
            let before = plan.now();
            plan.clock_was_set(&fd).unwrap();
            let left = nanos(timerfd_gettime(&fd).unwrap().it_value);
            let after = plan.now();
            assert_eq!((plan.first - planned) % wide(hour), 0, "in phase");
            let next = before + 1..=after + wide(hour);
            assert!(next.contains(&plan.first), "the next expiration");
            // The clock may be adjusted a little during the test.
            let little = wide(Duration::from_secs(1));
            let expected = plan.first - after - little..=plan.first - before + little;
            assert!(expected.contains(&left), "the kernel's timer");
            assert_eq!(plan.before_zero, 0, "counted already");
        }
    }

    #[test]
    fn after_a_clock_set_a_future_start_is_kept() {
        let start = Instant::now() + Duration::from_secs(1000);
        let (fd, mut plan) = started(Clock::Realtime, Start::At(start), Duration::from_secs(1));
        plan.clock_was_set(&fd).unwrap();
        assert!(plan.first - plan.now() > 900_000_000_000);
    }

    #[test]
    fn timer_is_armed_once_if_the_clock_is_not_set() {
        let (fd, mut plan) = started(Clock::Monotonic, Start::Default, Duration::from_secs(1));
        let times = Cell::new(0);
        let armed = plan.arm_replanned(&fd, |_| times.set(times.get() + 1));
        assert_eq!((armed, times.get()), (Ok(()), 1));
    }

    /// The limit of 68 years is for clocks that count from boot.
    #[test]
    fn wall_clock_timer_may_expire_after_2038() {
        let years = |years: u64| Duration::from_secs(years * 365 * 86_400);
        let (fd, plan) = started(Clock::Realtime, Start::Default, years(25));
        if plan.now() > wide(years(40)) {
            let left = nanos(timerfd_gettime(&fd).unwrap().it_value);
            assert!(left > wide(years(24)));
        }
    }
}
