//! `Alarm`: one shot, at a moment of `CLOCK_MONOTONIC`.

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
use crate::sys::back_off::BackOff;
use crate::sys::clock::TokioClock;
use crate::sys::descriptor::Descriptor;

/// One descriptor, and two system calls for each expiry: `timerfd_settime` here and `epoll_wait`
/// in the reactor. The expirations are never read, since `timerfd_settime` takes them back.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Descriptor,
    clock: TokioClock,
    epoch: Epoch,
    back_off: BackOff,
}

impl Alarm {
    pub(crate) const ARMS_AHEAD: bool = true;
    pub(crate) const PER_RUNTIME: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = TokioClock::new(runtime);
        let timer = create(TimerfdClockId::Monotonic)?;
        // Here, and not when somebody first waits, it shall turn out that it may not be set. It is not, so.
        let disarmed = Itimerspec {
            it_interval: ZERO,
            it_value: ZERO,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &disarmed)?;
        Ok(Self {
            timer: Descriptor::new(timer)?,
            epoch: Epoch::read(&clock),
            clock,
            back_off: BackOff::default(),
        })
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.timer.listen(waker)
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        _waker: &Waker,
    ) -> io::Result<Armed> {
        let (latest, _) = self.back_off.hold(latest, slack);
        let once = Itimerspec {
            it_interval: ZERO,
            it_value: self.epoch.at(latest),
        };
        timerfd_settime(self.timer.fd()?, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(Armed::Waiting)
    }

    /// An alarm that nobody waits for costs one wake-up, and disarming it a system call as well.
    pub(crate) fn disarm(&mut self) {}

    pub(crate) fn resync(&mut self) {
        self.compare_clocks();
        self.back_off.begin(self.clock.now());
    }

    /// Tells deadlines by how the two clocks stand to each other now.
    pub(crate) fn compare_clocks(&mut self) {
        self.epoch = Epoch::read(&self.clock);
    }
}

/// The same moment on tokio's clock and on the kernel's.
#[derive(Debug)]
struct Epoch {
    instant: Instant,
    kernel: Timespec,
}

impl Epoch {
    /// The kernel's clock is read second: what lies between the readings makes every alarm late by
    /// that much, and none early.
    fn read(clock: &TokioClock) -> Self {
        let kernel = || clock_gettime(ClockId::Monotonic);
        let (instant, kernel) = closest(|| clock.now(), kernel);
        Self { instant, kernel }
    }

    fn at(&self, deadline: Instant) -> Timespec {
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
    fn a_deadline_before_the_epoch_is_due_at_once() {
        let now = Instant::now();
        let epoch = Epoch {
            instant: now + Duration::from_secs(1),
            kernel: clock_gettime(ClockId::Monotonic),
        };
        assert_eq!(epoch.at(now), epoch.kernel);
    }

    /// How long it is until the kernel's timer expires, by the kernel.
    fn left(alarm: &Alarm) -> Duration {
        let left = timerfd_gettime(alarm.timer.fd().unwrap()).unwrap().it_value;
        left.try_into().unwrap()
    }

    fn arm(alarm: &mut Alarm, latest: Instant) {
        let armed = alarm.arm(latest, Duration::ZERO, Waker::noop());
        assert_eq!(armed.unwrap(), Armed::Waiting);
    }

    fn with_alarm(test: impl FnOnce(Alarm)) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        test(Alarm::new(runtime.handle()).unwrap());
    }

    #[test]
    fn the_clocks_are_compared_anew() {
        with_alarm(|mut alarm| {
            let hour = Duration::from_secs(3600);
            for compare in [Alarm::compare_clocks, Alarm::resync] {
                // As if the runtime's clock had been paused for an hour.
                alarm.epoch.instant += hour;
                let deadline = Instant::now() + 2 * hour;
                arm(&mut alarm, deadline);
                assert!(left(&alarm) <= hour);
                compare(&mut alarm);
                arm(&mut alarm, deadline);
                let left = left(&alarm);
                assert!(left >= deadline - Instant::now(), "early");
            }
        });
    }

    #[test]
    fn what_was_early_is_not_asked_for_at_once() {
        with_alarm(|mut alarm| {
            let mut held = |resync: bool| {
                let now = Instant::now();
                if resync {
                    alarm.resync();
                }
                arm(&mut alarm, now);
                !left(&alarm).is_zero()
            };
            assert!(!held(false));
            // Unless this thread was preempted for so long.
            assert!((0..1000).any(|_| held(true)));
            assert!(!held(false), "this one time");
        });
    }
}
