//! The alarms that `SoftwarePeriodic` can use.

use std::io;
use std::task::Waker;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::periodic::OneShot;
use crate::sys::Armed;

#[cfg(any(kqueue, threadpool))]
impl OneShot for crate::sys::native::Alarm {
    fn create(runtime: &Handle) -> io::Result<Self> {
        Self::new(runtime)
    }

    fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.listen(waker)
    }

    fn arm(&mut self, deadline: Instant, waker: &Waker) -> io::Result<Armed> {
        self.arm(deadline, std::time::Duration::ZERO, waker)
    }
}

#[cfg(not(model))]
impl OneShot for crate::sys::sleep_alarm::SleepAlarm {
    fn create(runtime: &Handle) -> io::Result<Self> {
        Ok(Self::new(runtime))
    }

    /// The alarm keeps the waker that `arm` is given.
    fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    fn arm(&mut self, deadline: Instant, waker: &Waker) -> io::Result<Armed> {
        self.arm(deadline, waker)
    }

    fn check_runtime(&mut self) -> io::Result<()> {
        self.check_runtime()
    }
}

#[cfg(model)]
impl OneShot for crate::sys::model::Alarm {
    fn create(runtime: &Handle) -> io::Result<Self> {
        Self::new(runtime, true)
    }

    fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.listen(waker)
    }

    fn arm(&mut self, deadline: Instant, waker: &Waker) -> io::Result<Armed> {
        self.arm(deadline, std::time::Duration::ZERO, waker)
    }
}
