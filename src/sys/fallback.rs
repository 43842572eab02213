//! The alarm in production: the kernel's; and tokio's, while the kernel refuses or the runtime's clock is
//! not the kernel's.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::pausable::PAUSABLE;
use super::refusable::Refusable;
use super::{Armed, News, catch_disabled, native, portable};

#[derive(Debug)]
pub(crate) struct Alarm {
    kernel: Refusable,
    /// `None` while the kernel's serves.
    tokio: Option<portable::Alarm>,
    can_fall_back: bool,
}

impl Alarm {
    pub(crate) const EXACT: bool = false;
    pub(crate) const CAN_BE_EXACT: bool = PAUSABLE;
    pub(crate) const AHEAD: bool = native::Alarm::AHEAD;
    /// One that serves the process could not tell which runtime's clock it should go by.
    pub(crate) const OF_RUNTIME: bool = native::Alarm::OF_RUNTIME || PAUSABLE;
    pub(crate) const OUTLIVES_TIMERS: bool = native::Alarm::OF_RUNTIME || !PAUSABLE;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        Self::of(runtime, Self::OF_RUNTIME)
    }

    /// It is not served by tokio, since it can be done without.
    pub(crate) fn second(&self) -> io::Result<Self> {
        Self::of(self.kernel.runtime(), false)
    }

    #[track_caller]
    fn of(runtime: &Handle, can_fall_back: bool) -> io::Result<Self> {
        let mut alarm = Self {
            kernel: Refusable::new(runtime),
            tokio: None,
            can_fall_back,
        };
        if !alarm.kernel.serves() {
            alarm.fall_back()?;
        }
        Ok(alarm)
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        if !self.kernel.listen(waker)? {
            return self.fall_back()?.keep(waker);
        }
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        if !self.kernel.clock_differs() {
            if let Some(armed) = self.kernel.arm(latest, slack, waker) {
                self.tokio = None;
                return Ok(armed);
            }
        }
        self.fall_back()?.arm(latest, slack, waker)
    }

    /// # Errors
    ///
    /// The kernel's, if tokio's timer cannot serve in its place.
    fn fall_back(&mut self) -> io::Result<&mut portable::Alarm> {
        if self.tokio.is_none() {
            let runtime = self.kernel.runtime().clone();
            let made = if self.can_fall_back {
                catch_disabled(|| portable::Alarm::new(&runtime))
            } else {
                Err(moved())
            };
            match made {
                Ok(alarm) => self.tokio = Some(alarm),
                Err(error) => {
                    return Err(match self.kernel.news() {
                        Some(News::Refused(refused)) => refused,
                        _ => error,
                    });
                }
            }
        }
        Ok(self.tokio.as_mut().expect("it was made"))
    }

    pub(crate) fn disarm(&mut self) {
        if let Some(kernel) = self.kernel.kernel() {
            kernel.disarm();
            self.tokio = None;
        }
    }

    /// While a clock is followed that jumps to what is armed. One that the kernel refuses is left armed: it
    /// is what listens.
    pub(crate) fn is_exact(&self) -> bool {
        PAUSABLE && self.tokio.is_some() && self.kernel.serves()
    }

    /// # Errors
    ///
    /// If the runtime's clock was paused, or moved, after the alarm had been armed: the kernel knows nothing
    /// of that, and those who wait would wait for ever.
    pub(crate) fn resync(&mut self) -> io::Result<()> {
        if self.kernel.clock_differs() && self.tokio.is_none() {
            return Err(moved());
        }
        if let Some(kernel) = self.kernel.kernel() {
            kernel.resync();
        }
        Ok(())
    }

    pub(crate) fn insist(&mut self, waker: &Waker) -> io::Result<()> {
        self.kernel.insist(waker)
    }

    pub(crate) fn news(&mut self) -> Option<News> {
        self.kernel.news()
    }
}

fn moved() -> io::Error {
    io::Error::other(
        "the runtime's clock was paused or moved while a timer was waiting, which the operating \
         system's timers do not see: enable the feature `test-util` of `tokio-osinterval`",
    )
}
