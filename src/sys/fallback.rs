//! The alarm in production: the kernel's; and tokio's, while the kernel refuses or the runtime's clock is
//! not the kernel's.

use std::io;
use std::mem;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::pausable::PAUSABLE;
use super::refusable::Refusable;
use super::{AlarmEvent, Armed, SleepProbe, TimerSource, native, portable};

#[derive(Debug)]
pub(crate) struct Alarm {
    kernel: Refusable,
    /// `None` while the kernel's serves.
    tokio: Option<portable::Alarm>,
    tokios: Tokios,
    /// Whether it could not be set, since that is not known.
    asks: bool,
    /// Whether it is to be told that it goes by the runtime's clock; and whether it was.
    clock_is_news: bool,
    is_told: bool,
}

/// Whether tokio's timer can serve. tokio can be asked that only by running into its panic, and the panic hook
/// is foreign code: it is asked when there is need of it, and under no lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokios {
    Unasked,
    Serves,
    DoesNot,
}

impl From<bool> for Tokios {
    fn from(serves: bool) -> Self {
        if serves { Self::Serves } else { Self::DoesNot }
    }
}

impl Alarm {
    pub(crate) const EXACT: bool = false;
    pub(crate) const CAN_BE_EXACT: bool = PAUSABLE;
    pub(crate) const ARMS_AHEAD: bool = native::Alarm::ARMS_AHEAD;
    /// One that serves the process could not tell which runtime's clock it should go by.
    pub(crate) const PER_RUNTIME: bool = native::Alarm::PER_RUNTIME || PAUSABLE;
    pub(crate) const OUTLIVES_TIMERS: bool = native::Alarm::PER_RUNTIME || !PAUSABLE;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle, requires_native: bool) -> io::Result<Self> {
        let tokios = if Self::PER_RUNTIME && !requires_native {
            Tokios::Unasked
        } else {
            Tokios::DoesNot
        };
        let mut alarm = Self::with(Refusable::new(runtime)?, tokios);
        if !alarm.kernel.serves() && alarm.fall_back().is_err() {
            if let Some(probe) = alarm.probe() {
                alarm.probed(probe.run());
            }
            alarm.fall_back()?;
        }
        if Self::PER_RUNTIME && requires_native {
            // The kernel may refuse later.
            alarm.tokios = Tokios::Unasked;
        }
        Ok(alarm)
    }

    /// It is not served by tokio, since it can be done without.
    pub(crate) fn second(&self) -> io::Result<Self> {
        let kernel = self.kernel.another()?;
        Ok(Self::with(kernel, Tokios::DoesNot))
    }

    fn with(kernel: Refusable, tokios: Tokios) -> Self {
        Self {
            kernel,
            tokio: None,
            tokios,
            asks: false,
            clock_is_news: false,
            is_told: false,
        }
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        let listens = self.kernel.listen(waker)?;
        match &mut self.tokio {
            // A clock that can be paused would jump to what is only kept.
            Some(alarm) if !listens && !PAUSABLE => alarm.keep(waker),
            _ => Ok(()),
        }
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        let kept = || self.tokio.as_ref().is_some_and(portable::Alarm::is_armed);
        Self::OUTLIVES_TIMERS && (self.kernel.serves() || !PAUSABLE && kept())
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        if !self.kernel.clock_differs() {
            if let Some(armed) = self.kernel.arm(latest, slack, waker)? {
                self.tokio = None;
                self.is_told = false;
                return Ok(armed);
            }
        }
        self.fall_back()?.arm(latest, slack, waker)
    }

    /// # Errors
    ///
    /// The kernel's, if tokio's timer cannot serve in its place, or if that is not known yet.
    fn fall_back(&mut self) -> io::Result<&mut portable::Alarm> {
        if self.tokio.is_none() && self.tokios == Tokios::Serves {
            self.tokio = self.kernel.runtime().map(portable::Alarm::of);
            self.clock_is_news = self.kernel.serves() && !mem::replace(&mut self.is_told, true);
        }
        self.asks = self.tokio.is_none() && self.tokios == Tokios::Unasked;
        match &mut self.tokio {
            Some(alarm) => Ok(alarm),
            None => Err(self.kernel.refusal().unwrap_or_else(moved)),
        }
    }

    pub(crate) fn probe(&self) -> Option<SleepProbe> {
        let runtime = self.kernel.runtime().filter(|_| self.asks);
        runtime.cloned().map(|runtime| SleepProbe { runtime })
    }

    pub(crate) fn probed(&mut self, serves: bool) {
        self.tokios = serves.into();
        self.asks = false;
    }

    pub(crate) fn disarm(&mut self) {
        if let Some(kernel) = self.kernel.kernel() {
            kernel.disarm();
        }
        if PAUSABLE {
            self.tokio = None;
        }
    }

    /// While a clock is followed that jumps to what is armed.
    pub(crate) fn is_exact(&self) -> bool {
        PAUSABLE && self.tokio.is_some()
    }

    pub(crate) fn source(&self) -> TimerSource {
        match self.kernel.errno() {
            Some(errno) => TimerSource::Refused(errno),
            None if self.kernel.clock_differs() => TimerSource::PausedClock,
            None => TimerSource::OperatingSystem,
        }
    }

    pub(crate) fn clock_moved(&self) -> bool {
        self.tokio.is_none() && self.kernel.clock_differs()
    }

    /// # Errors
    ///
    /// If the runtime's clock was paused, or moved, after the alarm had been armed: the kernel knows nothing
    /// of that, and those who wait would wait for ever.
    pub(crate) fn resync(&mut self) -> io::Result<()> {
        if self.clock_moved() {
            return Err(moved());
        }
        if let Some(kernel) = self.kernel.kernel() {
            kernel.resync();
        }
        Ok(())
    }

    pub(crate) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.kernel.require_native(waker)
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        let clock = mem::take(&mut self.clock_is_news).then_some(AlarmEvent::Clock);
        self.kernel.take_event().or(clock)
    }
}

fn moved() -> io::Error {
    io::Error::other(
        "the runtime's clock was paused or moved while a timer was waiting, which the operating \
         system's timers do not see: enable the feature `test-util` of `tokio-osinterval`",
    )
}
