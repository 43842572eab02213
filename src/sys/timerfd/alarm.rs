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
use crate::readings::closest;
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
    pub(crate) const EXACT: bool = false;
    pub(crate) const LEEWAY: bool = false;
    pub(crate) const OF_RUNTIME: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = TokioClock::new(runtime);
        Ok(Self {
            timer: Descriptor::new(create(TimerfdClockId::Monotonic)?)?,
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
        timerfd_settime(self.timer.fd(), TimerfdTimerFlags::ABSTIME, &once)?;
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

    #[test]
    fn a_deadline_before_the_epoch_is_due_at_once() {
        let now = Instant::now();
        let epoch = Epoch {
            instant: now + Duration::from_secs(1),
            kernel: clock_gettime(ClockId::Monotonic),
        };
        assert_eq!(epoch.at(now), epoch.kernel);
    }
}
