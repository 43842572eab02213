//! The alarm without `test-util`: the kernel's. While the kernel refuses, or the runtime's clock is paused or
//! moved, tokio's timer replaces it.

use std::io;
use std::mem;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::clock::{PAUSABLE, RuntimeClock};
use super::kernel_alarm::KernelAlarm;
use super::sleep_alarm::SleepAlarm;
use super::sleep_probe::SleepProbe;
use super::{AlarmEvent, Armed, TimerSource, native};

#[derive(Debug)]
pub(crate) struct Alarm {
    kernel: KernelAlarm,
    /// `None` while the kernel's alarm serves.
    fallback: Option<SleepAlarm>,
    fallback_state: FallbackState,
    /// `true` if arming failed because tokio's timer has not been probed.
    needs_probe: bool,
    /// `true` if the change to the runtime's clock is to be reported.
    clock_event: bool,
    /// `true` if the change was reported.
    clock_reported: bool,
}

/// Whether tokio's timer can serve.
///
/// tokio answers that question only with a panic, and the panic hook is foreign code. So the runtime is probed
/// when its timer is needed, and without a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FallbackState {
    NotProbed,
    Available,
    Unavailable,
}

impl Alarm {
    pub(crate) const EXACT: bool = false;
    pub(crate) const CAN_BE_EXACT: bool = PAUSABLE;
    pub(crate) const ARMS_AHEAD: bool = native::Alarm::ARMS_AHEAD;
    /// An alarm that serves the process does not know which runtime's clock to follow.
    pub(crate) const PER_RUNTIME: bool = native::Alarm::PER_RUNTIME || PAUSABLE;
    pub(crate) const OUTLIVES_TIMERS: bool = native::Alarm::PER_RUNTIME || !PAUSABLE;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle, requires_native: bool) -> io::Result<Self> {
        let fallback_state = if Self::PER_RUNTIME && !requires_native {
            FallbackState::NotProbed
        } else {
            FallbackState::Unavailable
        };
        let mut alarm = Self::with(KernelAlarm::new(runtime)?, fallback_state);
        if !alarm.kernel.is_native() && alarm.fall_back().is_err() {
            if let Some(probe) = alarm.probe() {
                alarm.probed(probe.run());
            }
            alarm.fall_back()?;
        }
        if Self::PER_RUNTIME && requires_native {
            // The kernel may refuse later.
            alarm.fallback_state = FallbackState::NotProbed;
        }
        Ok(alarm)
    }

    /// The second alarm is optional, so tokio's timer does not replace it.
    pub(crate) fn second(&self) -> io::Result<Self> {
        let kernel = self.kernel.second()?;
        Ok(Self::with(kernel, FallbackState::Unavailable))
    }

    fn with(kernel: KernelAlarm, fallback_state: FallbackState) -> Self {
        Self {
            kernel,
            fallback: None,
            fallback_state,
            needs_probe: false,
            clock_event: false,
            clock_reported: false,
        }
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        let is_native = self.kernel.listen(waker)?;
        match &mut self.fallback {
            // A clock that can be paused would jump to this `Sleep`.
            Some(alarm) if !is_native && !PAUSABLE => alarm.wait_for_shutdown(waker),
            _ => Ok(()),
        }
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        let waits = || self.fallback.as_ref().is_some_and(SleepAlarm::is_armed);
        Self::OUTLIVES_TIMERS && (self.kernel.is_native() || !PAUSABLE && waits())
    }

    pub(crate) fn arm(
        &mut self,
        hard_deadline: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        if !self.clock_differs() {
            if let Some(armed) = self.kernel.arm(hard_deadline, slack, waker)? {
                self.fallback = None;
                self.clock_reported = false;
                return Ok(armed);
            }
        }
        self.fall_back()?.arm(hard_deadline, waker)
    }

    /// Returns tokio's timer, created if it is not serving yet.
    ///
    /// # Errors
    ///
    /// Returns the kernel's error if tokio's timer is unavailable or has not been probed.
    fn fall_back(&mut self) -> io::Result<&mut SleepAlarm> {
        if self.fallback.is_none() && self.fallback_state == FallbackState::Available {
            let clock = self.kernel.clock.as_ref();
            self.fallback = clock.map(|clock| SleepAlarm::without_check(&clock.runtime));
            self.clock_event =
                self.kernel.is_native() && !mem::replace(&mut self.clock_reported, true);
        }
        self.needs_probe =
            self.fallback.is_none() && self.fallback_state == FallbackState::NotProbed;
        match &mut self.fallback {
            Some(alarm) => Ok(alarm),
            None => Err(self.kernel.refusal().unwrap_or_else(clock_moved)),
        }
    }

    pub(crate) fn probe(&self) -> Option<SleepProbe> {
        let clock = self.kernel.clock.as_ref().filter(|_| self.needs_probe);
        clock.map(|clock| SleepProbe(clock.runtime.clone()))
    }

    pub(crate) fn probed(&mut self, serves: bool) {
        self.fallback_state = if serves {
            FallbackState::Available
        } else {
            FallbackState::Unavailable
        };
        self.needs_probe = false;
    }

    pub(crate) fn disarm(&mut self) {
        if let Some(native) = self.kernel.native() {
            native.disarm();
        }
        if PAUSABLE {
            self.fallback = None;
        }
    }

    /// Exact while the alarm follows a paused clock, which jumps to it.
    pub(crate) fn is_exact(&self) -> bool {
        PAUSABLE && self.fallback.is_some()
    }

    pub(crate) fn source(&self) -> TimerSource {
        match self.kernel.errno() {
            Some(errno) => TimerSource::Refused(errno),
            None if self.clock_differs() => TimerSource::PausedClock,
            None => TimerSource::OperatingSystem,
        }
    }

    pub(crate) fn clock_moved(&self) -> bool {
        self.fallback.is_none() && self.clock_differs()
    }

    /// Returns `true` if the runtime's clock is paused or was moved, so that the kernel's alarm cannot follow it.
    fn clock_differs(&self) -> bool {
        PAUSABLE
            && self
                .kernel
                .clock
                .as_ref()
                .is_some_and(RuntimeClock::differs)
    }

    /// # Errors
    ///
    /// If the runtime's clock was paused or moved after the alarm was armed. The kernel does not notice that, so
    /// the driver's timers would wait for ever.
    pub(crate) fn resync(&mut self) -> io::Result<()> {
        if self.clock_moved() {
            return Err(clock_moved());
        }
        if let Some(native) = self.kernel.native() {
            native.resync();
        }
        Ok(())
    }

    pub(crate) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.kernel.require_native(waker)
    }

    /// Ends the kernel's timer as a refusal does.
    #[cfg(test)]
    pub(crate) fn refuse(&mut self, errno: i32) {
        let refused = self.kernel.refused(io::Error::from_raw_os_error(errno));
        refused.expect("the kernel's own error is recorded");
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        let clock = mem::take(&mut self.clock_event).then_some(AlarmEvent::Clock);
        self.kernel.take_event().or(clock)
    }
}

fn clock_moved() -> io::Error {
    io::Error::other(
        "the runtime's clock was paused or moved while a timer was waiting, and the operating \
         system's timers cannot follow it: enable the feature `test-util` of `tokio-osinterval`",
    )
}
