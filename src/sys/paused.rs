//! The timers under `test-util`.
//!
//! The alarm is the kernel's timer *and* tokio's, and the clock decides. tokio's follows `pause`,
//! `advance` and the paused clock's jumps to the next timer; the kernel's keeps its precision as
//! long as nobody does any of that.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::refusable::Refusable;
use super::{AlarmEvent, Armed, SleepProbe, TimerSource, native, portable};
use crate::clock::Clock;
use crate::clock::wall::Start;

#[derive(Debug)]
pub(crate) struct Alarm {
    kernel: Refusable,
    tokio: portable::Alarm,
}

impl Alarm {
    pub(crate) const EXACT: bool = true;
    pub(crate) const CAN_BE_EXACT: bool = true;
    pub(crate) const ARMS_AHEAD: bool = false;
    pub(crate) const PER_RUNTIME: bool = true;
    pub(crate) const OUTLIVES_TIMERS: bool = native::Alarm::PER_RUNTIME;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle, requires_native: bool) -> io::Result<Self> {
        let alarm = Self {
            kernel: Refusable::new(runtime)?,
            tokio: portable::Alarm::new(runtime, requires_native)?,
        };
        match alarm.kernel.refusal() {
            Some(refusal) if requires_native => Err(refusal),
            _ => Ok(alarm),
        }
    }

    pub(crate) fn second(&self) -> io::Result<Self> {
        Ok(Self {
            kernel: self.kernel.another()?,
            tokio: self.tokio.second()?,
        })
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.kernel.listen(waker)?;
        self.tokio.listen(waker)
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        Self::OUTLIVES_TIMERS && self.kernel.serves()
    }

    pub(crate) fn source(&self) -> TimerSource {
        match self.kernel.errno() {
            Some(errno) => TimerSource::Refused(errno),
            None => TimerSource::TestUtil,
        }
    }

    pub(crate) fn clock_moved(&self) -> bool {
        false
    }

    pub(crate) fn probe(&self) -> Option<SleepProbe> {
        None
    }

    pub(crate) fn probed(&mut self, _serves: bool) {}

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        // Each time, since the clock may have been moved each time.
        if let Some(kernel) = self.kernel.kernel() {
            kernel.compare_clocks();
        }
        let kernel = self.kernel.arm(latest, slack, waker)?;
        let tokio = self.tokio.arm(latest, slack, waker)?;
        Ok(kernel
            .filter(|kernel| *kernel == Armed::Due)
            .unwrap_or(tokio))
    }

    pub(crate) fn disarm(&mut self) {
        if let Some(kernel) = self.kernel.kernel() {
            kernel.disarm();
        }
        self.tokio.disarm();
    }

    pub(crate) fn resync(&mut self) -> io::Result<()> {
        if let Some(kernel) = self.kernel.kernel() {
            kernel.resync();
        }
        Ok(())
    }

    pub(crate) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.kernel.require_native(waker)
    }

    pub(crate) fn is_exact(&self) -> bool {
        Self::EXACT
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        self.kernel.take_event()
    }
}

/// tokio's clock can be paused, and what goes by it follows. The others are the world's.
#[derive(Debug)]
pub(crate) enum Periodic {
    Tokio(portable::Periodic),
    Kernel(native::Periodic),
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        match clock {
            Clock::Monotonic => portable::Periodic::new(clock, start, period).map(Self::Tokio),
            _ => native::Periodic::new(clock, start, period).map(Self::Kernel),
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match self {
            Self::Tokio(timer) => timer.poll(cx),
            Self::Kernel(timer) => timer.poll(cx),
        }
    }
}
