//! `Alarm`: one shot, at an absolute time on `CLOCK_MONOTONIC`.

use std::io;
use std::task::Waker;
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_settime,
};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::create;
use super::time::{ZERO, advance};
use crate::clock::paired::closest;
use crate::sys::Armed;
use crate::sys::clock::TokioClock;
use crate::sys::descriptor::Descriptor;
use crate::sys::early_guard::EarlyGuard;

/// Takes one descriptor, and two system calls per expiration: `timerfd_settime` here and `epoll_wait` in the
/// reactor. Expirations are never read, since `timerfd_settime` clears them.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Descriptor,
    clock: TokioClock,
    clocks: ClockPair,
    early_guard: EarlyGuard,
}

impl Alarm {
    pub(crate) const ARMS_AHEAD: bool = true;
    pub(crate) const PER_RUNTIME: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = TokioClock::new(runtime);
        let timer = create(TimerfdClockId::Monotonic)?;
        // If the process may not set timers, fail here and not at the first wait. This leaves the timer disarmed.
        let disarmed = Itimerspec {
            it_interval: ZERO,
            it_value: ZERO,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &disarmed)?;
        Ok(Self {
            timer: Descriptor::new(timer)?,
            clocks: ClockPair::read(&clock),
            clock,
            early_guard: EarlyGuard::default(),
        })
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.timer.listen(waker)
    }

    pub(crate) fn arm(
        &mut self,
        hard_deadline: Instant,
        slack: Duration,
        _waker: &Waker,
    ) -> io::Result<Armed> {
        let (hard_deadline, _) = self.early_guard.delay(hard_deadline, slack);
        let once = Itimerspec {
            it_interval: ZERO,
            it_value: self.clocks.kernel_time(hard_deadline),
        };
        timerfd_settime(self.timer.fd()?, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(Armed::Waiting)
    }

    /// Does nothing: disarming takes a system call, and leaving the alarm armed costs one wake-up.
    pub(crate) fn disarm(&mut self) {}

    pub(crate) fn resync(&mut self) {
        self.reread_clocks();
        self.early_guard.fired_early(self.clock.now());
    }

    /// Converts deadlines by the current difference between tokio's clock and the kernel's.
    pub(crate) fn reread_clocks(&mut self) {
        self.clocks = ClockPair::read(&self.clock);
    }
}

/// The same time on tokio's clock and on the kernel's.
#[derive(Debug)]
struct ClockPair {
    instant: Instant,
    kernel: Timespec,
}

impl ClockPair {
    /// Reads the kernel's clock second: the time between the readings makes every alarm late by as much, and none
    /// early.
    fn read(clock: &TokioClock) -> Self {
        let kernel = || clock_gettime(ClockId::Monotonic);
        let (instant, kernel) = closest(|| clock.now(), kernel);
        Self { instant, kernel }
    }

    fn kernel_time(&self, deadline: Instant) -> Timespec {
        let wait = deadline.saturating_duration_since(self.instant);
        advance(self.kernel, wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::time::timerfd_gettime;
    use tokio::runtime::Builder;

    #[test]
    fn deadline_before_the_reading_is_due_at_once() {
        let now = Instant::now();
        let clocks = ClockPair {
            instant: now + Duration::from_secs(1),
            kernel: clock_gettime(ClockId::Monotonic),
        };
        assert_eq!(clocks.kernel_time(now), clocks.kernel);
    }

    /// Returns the time until the kernel's timer expires, as the kernel reports it.
    fn left(alarm: &Alarm) -> Duration {
        let left = timerfd_gettime(alarm.timer.fd().unwrap()).unwrap().it_value;
        left.try_into().unwrap()
    }

    fn arm(alarm: &mut Alarm, deadline: Instant) {
        let armed = alarm.arm(deadline, Duration::ZERO, Waker::noop());
        assert_eq!(armed.unwrap(), Armed::Waiting);
    }

    fn with_alarm(test: impl FnOnce(Alarm)) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        test(Alarm::new(runtime.handle()).unwrap());
    }

    #[test]
    fn resync_rereads_both_clocks() {
        with_alarm(|mut alarm| {
            let hour = Duration::from_secs(3600);
            for resync in [Alarm::reread_clocks, Alarm::resync] {
                // As if the runtime's clock had been paused for an hour.
                alarm.clocks.instant += hour;
                let deadline = Instant::now() + 2 * hour;
                arm(&mut alarm, deadline);
                assert!(left(&alarm) <= hour);
                resync(&mut alarm);
                arm(&mut alarm, deadline);
                let left = left(&alarm);
                assert!(left >= deadline - Instant::now(), "early");
            }
        });
    }

    #[test]
    fn early_alarm_is_not_rearmed_for_now() {
        with_alarm(|mut alarm| {
            let mut is_delayed = |resync: bool| {
                let now = Instant::now();
                if resync {
                    alarm.resync();
                }
                arm(&mut alarm, now);
                !left(&alarm).is_zero()
            };
            assert!(!is_delayed(false));
            // Some of the tries may fail: the thread may be preempted for longer than the delay.
            assert!((0..1000).any(|_| is_delayed(true)));
            assert!(!is_delayed(false), "only once");
        });
    }
}
