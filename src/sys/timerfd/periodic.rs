//! `Periodic`: the kernel restarts it by itself, and counts.

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
use super::time::{LAST_OF_ALL, LAST_SECOND, ZERO, advance, moment, nanos, next_slot};
use crate::clock::paired::closest;
use crate::clock::wall::{Start, until_multiple};
use crate::clock::{Clock, ClockWasSet};
use crate::sys::descriptor::Descriptor;
use crate::sys::units::wide;

/// How often in a row a clock may be set between a look at it and the system call that follows.
const SET_IN_A_ROW: usize = 16;

/// A timer that the kernel restarts by itself and whose expirations it counts.
///
/// Absolute, on the clock that was asked for. Unread, the kernel lets it sleep and works out the
/// count when asked (`timerfd_read` in Linux's fs/timerfd.c).
#[derive(Debug)]
pub(crate) struct Periodic {
    timer: Descriptor,
    plan: Plan,
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        let mut plan = Plan::new(clock, start, period);
        let fd = create(plan.timer())?;
        plan.begin(&fd)?;
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
                    plan.go_on(fd)?;
                    Err(ClockWasSet.into())
                }
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// When it expires.
#[derive(Debug)]
struct Plan {
    clock: Clock,
    start: Start,
    period: Duration,
    /// In the clock's nanoseconds: every expiration is a whole number of periods from it.
    first: i128,
    /// Expirations from before the clock's zero, which the kernel cannot count.
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

    fn timer(&self) -> TimerfdClockId {
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

    fn begin(&mut self, fd: &OwnedFd) -> io::Result<()> {
        if self.clock == Clock::Realtime {
            // From the first time that it is armed on, the kernel tells this timer when the clock is
            // set (`timerfd_setup_cancel` in Linux's fs/timerfd.c): before the clock is read.
            let _ = self.arm(fd, self.now() + wide(Duration::from_secs(3600)));
        }
        self.arm_unless_set(fd, |plan| {
            let first = plan.first();
            plan.first = if first > 0 {
                first
            } else {
                next_slot(first, 0, plan.period)
            };
            let before_zero = (plan.first - first) / wide(plan.period);
            plan.before_zero = u64::try_from(before_zero).unwrap_or(u64::MAX);
        })?;
        Ok(())
    }

    /// After the clock was set: the kernel forgets a timer that had expired by then, and knows
    /// nothing of its periods (`timerfd_read` in Linux's fs/timerfd.c).
    fn go_on(&mut self, fd: &OwnedFd) -> io::Result<()> {
        self.before_zero = 0;
        let armed = self.arm_unless_set(fd, |plan| {
            plan.first = match plan.start {
                Start::At(start) if start > Instant::now() => plan.first(),
                _ => next_slot(plan.first, plan.now(), plan.period),
            };
        });
        match armed {
            // It is armed all the same (`timerfd_setup` in that file), and the next read tells.
            Err(Errno::CANCELED) => Ok(()),
            armed => Ok(armed?),
        }
    }

    /// Arms it for what `aim` finds by the clock as it is now, and once more if that was set
    /// meanwhile: but not without end.
    fn arm_unless_set(&mut self, fd: &OwnedFd, aim: impl Fn(&mut Self)) -> Result<(), Errno> {
        let mut armed = Ok(());
        for _ in 0..SET_IN_A_ROW {
            aim(self);
            armed = self.arm(fd, self.first);
            if armed != Err(Errno::CANCELED) {
                break;
            }
        }
        armed
    }

    /// When it expires first.
    ///
    /// The kernel's clock is read second: what lies between the readings makes the timer late by
    /// that much, and not early.
    fn first(&self) -> i128 {
        match self.start {
            Start::Default => self.now() + wide(self.period),
            Start::At(start) => {
                let (instant, now) = closest(Instant::now, || self.now());
                let ahead = wide(start.saturating_duration_since(instant));
                let ago = wide(instant.saturating_duration_since(start));
                now + ahead - ago
            }
            Start::Aligned if self.clock == Clock::Realtime => {
                next_slot(0, self.now(), self.period)
            }
            Start::Aligned => {
                let (wall, now) = closest(SystemTime::now, || self.now());
                now + wide(until_multiple(wall, self.period))
            }
        }
    }

    fn arm(&self, fd: &OwnedFd, first: i128) -> Result<(), Errno> {
        let (flags, last) = match self.clock {
            Clock::Realtime => (TimerfdTimerFlags::CANCEL_ON_SET, LAST_OF_ALL),
            _ => (TimerfdTimerFlags::empty(), LAST_SECOND),
        };
        let forever = Itimerspec {
            it_interval: advance(ZERO, self.period),
            it_value: moment(first, last),
        };
        timerfd_settime(fd, TimerfdTimerFlags::ABSTIME | flags, &forever).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::time::timerfd_gettime;
    use std::cell::Cell;

    fn begun(clock: Clock, start: Start, period: Duration) -> (OwnedFd, Plan) {
        let mut plan = Plan::new(clock, start, period);
        let fd = create(plan.timer()).unwrap();
        plan.begin(&fd).unwrap();
        (fd, plan)
    }

    #[test]
    fn aligned_to_the_nanosecond() {
        let period = Duration::from_secs(3600);
        let (_fd, plan) = begun(Clock::Realtime, Start::Aligned, period);
        assert_eq!(plan.first % wide(period), 0);
        assert!((1..=wide(period)).contains(&(plan.first - plan.now())));
    }

    /// As the kernel has it.
    #[test]
    fn armed_as_planned() {
        for clock in [Clock::Monotonic, Clock::Boottime, Clock::Realtime] {
            for start in [
                Start::Default,
                Start::Aligned,
                Start::At(Instant::now() + Duration::from_secs(1000)),
            ] {
                let (fd, plan) = begun(clock, start, Duration::from_secs(3600));
                let before = plan.now();
                let armed = timerfd_gettime(&fd).unwrap();
                let after = plan.now();
                let left = nanos(armed.it_value);
                // Unless the clock was set just then.
                let expected = plan.first - after..=plan.first - before;
                assert!(expected.contains(&left) || clock == Clock::Realtime);
                assert_eq!(nanos(armed.it_interval), 3_600_000_000_000);
            }
        }
    }

    #[test]
    fn what_lies_before_the_clocks_zero_is_counted_and_in_phase() {
        let period = Duration::from_secs(1);
        let boot =
            Instant::now().checked_sub(clock_gettime(ClockId::Monotonic).try_into().unwrap());
        let Some(start) = boot.and_then(|boot| boot.checked_sub(Duration::from_millis(10_250)))
        else {
            return;
        };
        let (_fd, plan) = begun(Clock::Monotonic, Start::At(start), period);
        // −10.25 s … −0.25 s, and then 0.75 s after it.
        assert_eq!(plan.before_zero, 11);
        assert!(
            (740_000_000..760_000_000).contains(&plan.first),
            "{}",
            plan.first
        );
    }

    /// What is done about a clock that was set, where it was not.
    #[test]
    fn it_goes_on_in_phase_and_at_no_moment_that_has_passed() {
        let hour = Duration::from_secs(3600);
        let ago = Instant::now().checked_sub(Duration::from_secs(1));
        let starts = [Start::Default, Start::Aligned].into_iter();
        for start in starts.chain(ago.map(Start::At)) {
            let (fd, mut plan) = begun(Clock::Realtime, start, hour);
            let planned = plan.first;
            plan.before_zero = 7;
            let before = plan.now();
            plan.go_on(&fd).unwrap();
            let left = nanos(timerfd_gettime(&fd).unwrap().it_value);
            let after = plan.now();
            assert_eq!((plan.first - planned) % wide(hour), 0, "in phase");
            let next = before + 1..=after + wide(hour);
            assert!(next.contains(&plan.first), "the next");
            // The clock may be set by a little while this runs.
            let little = wide(Duration::from_secs(1));
            let expected = plan.first - after - little..=plan.first - before + little;
            assert!(expected.contains(&left), "as the kernel has it");
            assert_eq!(plan.before_zero, 0, "what was told is not told again");
        }
    }

    #[test]
    fn a_start_that_is_still_to_come_is_kept() {
        let start = Instant::now() + Duration::from_secs(1000);
        let (fd, mut plan) = begun(Clock::Realtime, Start::At(start), Duration::from_secs(1));
        plan.go_on(&fd).unwrap();
        assert!(plan.first - plan.now() > 900_000_000_000);
    }

    #[test]
    fn it_is_armed_once_while_nobody_sets_the_clock() {
        let (fd, mut plan) = begun(Clock::Monotonic, Start::Default, Duration::from_secs(1));
        let times = Cell::new(0);
        let armed = plan.arm_unless_set(&fd, |_| times.set(times.get() + 1));
        assert_eq!((armed, times.get()), (Ok(()), 1));
    }

    /// A clock that counts from boot has 68 years.
    #[test]
    fn a_wall_clock_goes_on_after_2038() {
        let years = |years: u64| Duration::from_secs(years * 365 * 86_400);
        let (fd, plan) = begun(Clock::Realtime, Start::Default, years(25));
        if plan.now() > wide(years(40)) {
            let left = nanos(timerfd_gettime(&fd).unwrap().it_value);
            assert!(left > wide(years(24)));
        }
    }
}
