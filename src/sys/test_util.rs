//! The timers under `test-util`.
//!
//! An alarm is the kernel's and tokio's timer together; whichever fires first wakes the driver, and the clock
//! decides what is due. tokio's timer follows `pause`, `advance` and the jumps of a paused clock. The kernel's is
//! precise while the clock runs.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::kernel_alarm::KernelAlarm;
use super::sleep_alarm::SleepAlarm;
use super::sleep_probe::SleepProbe;
use super::software_periodic::SoftwarePeriodic;
use super::{AlarmEvent, Armed, TimerSource, native};
use crate::clock::Clock;
use crate::clock::wall::Start;

#[derive(Debug)]
pub(crate) struct Alarm {
    kernel: KernelAlarm,
    tokio: SleepAlarm,
}

impl Alarm {
    pub(crate) const EXACT: bool = true;
    pub(crate) const CAN_BE_EXACT: bool = true;
    pub(crate) const ARMS_AHEAD: bool = native::Alarm::ARMS_AHEAD && !Self::EXACT;
    pub(crate) const PER_RUNTIME: bool = true;
    pub(crate) const OUTLIVES_TIMERS: bool = native::Alarm::PER_RUNTIME;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle, requires_native: bool) -> io::Result<Self> {
        let alarm = Self {
            kernel: KernelAlarm::new(runtime)?,
            tokio: SleepAlarm::new(runtime),
        };
        match alarm.kernel.refusal() {
            Some(refusal) if requires_native => Err(refusal),
            _ => Ok(alarm),
        }
    }

    pub(crate) fn second(&self) -> io::Result<Self> {
        Ok(Self {
            kernel: self.kernel.second()?,
            tokio: SleepAlarm::without_check(&self.tokio.clock.runtime),
        })
    }

    /// tokio's timer keeps the waker that `arm` is given.
    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.kernel.listen(waker).map(drop)
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        Self::OUTLIVES_TIMERS && self.kernel.is_native()
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
        hard_deadline: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        // The clock may have been moved since the last time.
        if let Some(native) = self.kernel.native() {
            native.reread_clocks();
        }
        let kernel = self.kernel.arm(hard_deadline, slack, waker)?;
        let tokio = self.tokio.arm(hard_deadline, waker)?;
        Ok(kernel
            .filter(|kernel| *kernel == Armed::Due)
            .unwrap_or(tokio))
    }

    pub(crate) fn disarm(&mut self) {
        if let Some(native) = self.kernel.native() {
            native.disarm();
        }
        self.tokio.disarm();
    }

    pub(crate) fn resync(&mut self) -> io::Result<()> {
        if let Some(native) = self.kernel.native() {
            native.resync();
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

/// Only tokio's clock can be paused, so only timers on `Clock::Monotonic` run on tokio's timer.
#[derive(Debug)]
pub(crate) enum Periodic {
    Tokio(SoftwarePeriodic<SleepAlarm>),
    Kernel(native::Periodic),
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        match clock {
            Clock::Monotonic => SoftwarePeriodic::new(clock, start, period).map(Self::Tokio),
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
