//! The kernel's alarm while the kernel provides one.

mod retry;

use std::io;
use std::mem;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::clock::{PAUSABLE, RuntimeClock};
use super::{AlarmEvent, Armed, catch_disabled, native};
use retry::Retry;

/// A native alarm that the kernel may refuse. After a refusal, the kernel is asked again from time to time.
#[derive(Debug)]
pub(super) struct KernelAlarm {
    alarm: Option<native::Alarm>,
    /// `None` if one native alarm serves the process: it would keep the first timer's runtime alive.
    pub(super) clock: Option<RuntimeClock>,
    retry: Retry,
    /// The error code of the last refusal.
    refusal: Option<i32>,
    /// `true` if the refusal was reported, and its end was not.
    refusal_reported: bool,
    /// Not reported yet.
    event: Option<AlarmEvent>,
}

impl KernelAlarm {
    /// Asks the kernel for an alarm. The result is `Ok` if the kernel refuses.
    ///
    /// # Errors
    ///
    /// If the runtime has shut down.
    ///
    /// # Panics
    ///
    /// At the caller's location, if the runtime lacks the driver that the native alarm needs.
    #[track_caller]
    pub(super) fn new(runtime: &Handle) -> io::Result<Self> {
        let mut alarm = Self {
            alarm: None,
            clock: (native::Alarm::PER_RUNTIME || PAUSABLE).then(|| RuntimeClock::new(runtime)),
            retry: Retry::default(),
            refusal: None,
            refusal_reported: false,
            event: None,
        };
        match native::Alarm::new(runtime) {
            Ok(native) => alarm.alarm = Some(native),
            Err(error) => alarm.refused(error)?,
        }
        Ok(alarm)
    }

    /// Creates another alarm of the same runtime.
    ///
    /// # Errors
    ///
    /// If the kernel refuses it.
    pub(super) fn second(&self) -> io::Result<Self> {
        Ok(Self {
            alarm: Some(self.create()?),
            clock: self.clock.clone(),
            retry: Retry::default(),
            refusal: None,
            refusal_reported: false,
            event: None,
        })
    }

    /// Calls the native alarm's `listen`. Returns `false` if there is no native alarm.
    pub(super) fn listen(&mut self, waker: &Waker) -> io::Result<bool> {
        match &mut self.alarm {
            Some(alarm) => alarm.listen(waker).map(|()| true),
            None => Ok(false),
        }
    }

    /// Calls the native alarm's `arm`. Returns `None` if the kernel refuses.
    pub(super) fn arm(
        &mut self,
        hard_deadline: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Option<Armed>> {
        if self.alarm.is_none() && self.retry.is_due() {
            // The refusal was reported already.
            let _ = self.require_native(waker);
        }
        let Some(alarm) = &mut self.alarm else {
            return Ok(None);
        };
        match alarm.arm(hard_deadline, slack, waker) {
            Ok(armed) => {
                if mem::take(&mut self.refusal_reported) {
                    self.event = Some(AlarmEvent::Accepted);
                }
                Ok(Some(armed))
            }
            Err(error) => self.refused(error).map(|()| None),
        }
    }

    /// Asks the kernel again if it has refused.
    pub(super) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        if self.alarm.is_none() {
            let created = self.create_listening(waker);
            self.alarm = Some(created.inspect_err(|error| self.retry.failed(error))?);
        }
        Ok(())
    }

    fn create_listening(&self, waker: &Waker) -> io::Result<native::Alarm> {
        let mut alarm = self.create()?;
        alarm.listen(waker)?;
        Ok(alarm)
    }

    /// Creates a native alarm in this alarm's runtime, whichever runtime the thread has entered.
    fn create(&self) -> io::Result<native::Alarm> {
        let clock = self.clock.as_ref();
        let entered = clock.and_then(|clock| Some((&clock.runtime, clock.enter()?)));
        let Some((runtime, _context)) = entered else {
            return Err(io::Error::other("the thread is terminating"));
        };
        // The earlier refusal may have come before the reactor was needed, so the runtime may lack one.
        catch_disabled(|| native::Alarm::new(runtime))
    }

    /// Drops the native alarm and records the refusal.
    ///
    /// # Errors
    ///
    /// Returns `error` if it is not the kernel's.
    pub(super) fn refused(&mut self, error: io::Error) -> io::Result<()> {
        if error.raw_os_error().is_none() {
            return Err(error);
        }
        self.alarm = None;
        self.refusal = error.raw_os_error();
        self.retry.refused();
        if !mem::replace(&mut self.refusal_reported, true) {
            self.event = Some(AlarmEvent::Refused(error));
        }
        Ok(())
    }

    /// Returns `true` if there is a native alarm.
    pub(super) fn is_native(&self) -> bool {
        self.alarm.is_some()
    }

    pub(super) fn native(&mut self) -> Option<&mut native::Alarm> {
        self.alarm.as_mut()
    }

    /// Returns the error code of the last refusal, if there is no native alarm.
    pub(super) fn errno(&self) -> Option<i32> {
        self.refusal.filter(|_| !self.is_native())
    }

    /// Returns [`errno`](Self::errno) as an error.
    pub(super) fn refusal(&self) -> Option<io::Error> {
        self.errno().map(io::Error::from_raw_os_error)
    }

    pub(super) fn take_event(&mut self) -> Option<AlarmEvent> {
        self.event.take()
    }
}
