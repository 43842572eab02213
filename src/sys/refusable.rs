//! The kernel's alarm, while the kernel does not refuse it; and whether the runtime's clock is the
//! kernel's.

use std::io;
use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant as SystemInstant};

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::pausable::PAUSABLE;
use super::runtime_clock::RuntimeClock;
use super::{AlarmEvent, Armed, catch_disabled, native};

#[derive(Debug)]
pub(super) struct Refusable {
    kernel: Option<native::Alarm>,
    /// `None` where the kernel's serves the process: that would keep the runtime whose timer was the first.
    runtime: Option<RuntimeClock>,
    retry: Retry,
    /// Why it refused last.
    refusal: Option<i32>,
    /// Whether it has been told that the kernel refuses.
    is_told: bool,
    /// What is to be told.
    news: Option<AlarmEvent>,
}

impl Refusable {
    /// # Errors
    ///
    /// If it is not the kernel that refuses: the runtime has shut down.
    ///
    /// # Panics
    ///
    /// At the caller's location, in a runtime that lacks the driver that the kernel's alarm needs.
    #[track_caller]
    pub(super) fn new(runtime: &Handle) -> io::Result<Self> {
        let mut alarm = Self {
            kernel: None,
            runtime: (native::Alarm::PER_RUNTIME || PAUSABLE).then(|| RuntimeClock::new(runtime)),
            retry: Retry::default(),
            refusal: None,
            is_told: false,
            news: None,
        };
        match native::Alarm::new(runtime) {
            Ok(kernel) => alarm.kernel = Some(kernel),
            Err(error) => alarm.refused(error)?,
        }
        Ok(alarm)
    }

    /// Another of the same runtime.
    ///
    /// # Errors
    ///
    /// If the kernel refuses it.
    pub(super) fn another(&self) -> io::Result<Self> {
        Ok(Self {
            kernel: Some(self.make()?),
            runtime: self.runtime.clone(),
            retry: Retry::default(),
            refusal: None,
            is_told: false,
            news: None,
        })
    }

    /// As the kernel's, if there is one: returns whether.
    pub(super) fn listen(&mut self, waker: &Waker) -> io::Result<bool> {
        match &mut self.kernel {
            Some(kernel) => kernel.listen(waker).map(|()| true),
            None => Ok(false),
        }
    }

    /// As the kernel's. `None` if it refuses; it is asked again from time to time.
    pub(super) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Option<Armed>> {
        if self.kernel.is_none() && self.retry.is_due() {
            // Whoever listens knows that it refuses.
            let _ = self.require_native(waker);
        }
        let Some(kernel) = &mut self.kernel else {
            return Ok(None);
        };
        match kernel.arm(latest, slack, waker) {
            Ok(armed) => {
                if mem::take(&mut self.is_told) {
                    self.news = Some(AlarmEvent::Accepted);
                }
                Ok(Some(armed))
            }
            Err(error) => self.refused(error).map(|()| None),
        }
    }

    /// Asks the kernel again, if it has refused.
    pub(super) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        if self.kernel.is_none() {
            let opened = self.open(waker);
            self.kernel = Some(opened.inspect_err(|error| self.retry.failed(error))?);
        }
        Ok(())
    }

    fn open(&self, waker: &Waker) -> io::Result<native::Alarm> {
        let mut kernel = self.make()?;
        kernel.listen(waker)?;
        Ok(kernel)
    }

    /// In its runtime, whichever is the current one here.
    fn make(&self) -> io::Result<native::Alarm> {
        let runtime = self.runtime.as_ref();
        let entered = runtime.and_then(|runtime| Some((runtime.handle(), runtime.enter()?)));
        let Some((handle, _context)) = entered else {
            return Err(io::Error::other("this thread ends"));
        };
        // What was refused before it came to that may lack the reactor that it needs.
        catch_disabled(|| native::Alarm::new(handle))
    }

    /// # Errors
    ///
    /// That error, if it is not the kernel's.
    fn refused(&mut self, error: io::Error) -> io::Result<()> {
        if error.raw_os_error().is_none() {
            return Err(error);
        }
        self.kernel = None;
        self.refusal = error.raw_os_error();
        self.retry.refused();
        if !mem::replace(&mut self.is_told, true) {
            self.news = Some(AlarmEvent::Refused(error));
        }
        Ok(())
    }

    /// Whether the kernel has not refused.
    pub(super) fn serves(&self) -> bool {
        self.kernel.is_some()
    }

    pub(super) fn kernel(&mut self) -> Option<&mut native::Alarm> {
        self.kernel.as_mut()
    }

    pub(super) fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(RuntimeClock::handle)
    }

    /// Why the kernel refused last, if it does.
    pub(super) fn errno(&self) -> Option<i32> {
        self.refusal.filter(|_| !self.serves())
    }

    /// The same.
    pub(super) fn refusal(&self) -> Option<io::Error> {
        self.errno().map(io::Error::from_raw_os_error)
    }

    pub(super) fn take_event(&mut self) -> Option<AlarmEvent> {
        self.news.take()
    }

    /// Whether the runtime's clock is another than the kernel's: paused, or moved.
    pub(super) fn clock_differs(&self) -> bool {
        PAUSABLE && self.runtime.as_ref().is_some_and(RuntimeClock::differs)
    }
}

/// When the kernel is asked again.
#[derive(Debug, Default)]
struct Retry {
    at: Option<SystemInstant>,
    wait: Duration,
    never: bool,
}

/// It may have been one call that was refused.
const SOON: Duration = Duration::from_millis(5);

/// As long as the kernel goes on refusing, it is asked no more often than that.
const SELDOM: Duration = Duration::from_secs(1);

impl Retry {
    fn is_due(&self) -> bool {
        !self.never && self.at.is_none_or(|at| SystemInstant::now() >= at)
    }

    fn refused(&mut self) {
        self.refused_at(SystemInstant::now());
    }

    /// What is not the kernel's error is there to stay.
    fn failed(&mut self, error: &io::Error) {
        self.never |= error.raw_os_error().is_none();
        self.refused();
    }

    /// The longer the kernel has been refusing, the longer the wait.
    fn refused_at(&mut self, now: SystemInstant) {
        let goes_on = self.at.is_some_and(|at| now < at + SELDOM);
        self.wait = if goes_on {
            (2 * mem::take(&mut self.wait)).min(SELDOM)
        } else {
            SOON
        };
        self.at = Some(now + self.wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_soon_and_then_less_and_less_often() {
        let mut now = SystemInstant::now();
        let mut retry = Retry::default();
        assert!(retry.is_due());
        let waits: Vec<_> = (0..10)
            .map(|_| {
                retry.refused_at(now);
                let wait = retry.at.unwrap() - now;
                now = retry.at.unwrap();
                wait.as_millis()
            })
            .collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        // It has served for a while.
        retry.refused_at(now + SELDOM);
        assert_eq!(retry.at, Some(now + SELDOM + SOON));
    }
}
