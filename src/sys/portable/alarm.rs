//! `Alarm`: a `Sleep` of the runtime's.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::saturating;
use crate::sync::Arc;
use crate::sys::deferred_waker::Relay;
use crate::sys::runtime_clock::RuntimeClock;
use crate::sys::{AlarmEvent, Armed, SleepProbe, TimerSource};

#[derive(Debug)]
pub(crate) struct Alarm {
    /// `None` while it is not armed.
    sleep: Option<Pin<Box<Sleep>>>,
    clock: RuntimeClock,
}

impl Alarm {
    /// A paused clock jumps to the next `Sleep` there is: one that nobody waits for any more would
    /// be jumped to as well.
    pub(crate) const EXACT: bool = true;
    pub(crate) const CAN_BE_EXACT: bool = true;
    pub(crate) const ARMS_AHEAD: bool = false;
    pub(crate) const PER_RUNTIME: bool = true;
    pub(crate) const OUTLIVES_TIMERS: bool = false;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle, _insists: bool) -> io::Result<Self> {
        let alarm = Self::of(runtime);
        // For its panic, if the runtime has no time driver.
        drop(sleep_until(alarm.clock.now()));
        Ok(alarm)
    }

    /// Of a runtime that has one.
    pub(crate) fn of(runtime: &Handle) -> Self {
        Self {
            sleep: None,
            clock: RuntimeClock::new(runtime),
        }
    }

    /// A runtime that shuts down wakes whoever waits for a `Sleep`, so while this alarm is armed
    /// there is nothing more to do; while it is not, nobody waits.
    pub(crate) fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        _slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let Some(_context) = self.clock.enter() else {
            // On a thread that ends: one that is armed already, if too early, must do.
            let armed = self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed());
            return if armed {
                Ok(Armed::Waiting)
            } else {
                Err(shutdown())
            };
        };
        // No deadline beyond the one that tokio takes for never: it would overflow.
        let mut sleep = registered(latest.min(never(&self.clock)));
        if sleep.is_elapsed() {
            // Before it was polled: its deadline has passed, or its runtime has ended.
            self.check()?;
            return Ok(Armed::Due);
        }
        let relay = Arc::new(Relay::new(waker));
        let relaying = Waker::from(Arc::clone(&relay));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = pin!(unconstrained(sleep.as_mut()));
            polled.poll(&mut Context::from_waker(&relaying))
        }));
        // A new sleep each time: resetting one that has a waker may wake it, here and now.
        self.sleep = Some(sleep);
        match polled {
            Ok(Poll::Pending) => Ok(relay.connect()),
            Ok(Poll::Ready(())) => Ok(Armed::Due),
            // The runtime has ended since we looked.
            Err(_panic) => Err(shutdown()),
        }
    }

    pub(crate) fn disarm(&mut self) {
        self.sleep = None;
    }

    /// There is one clock only.
    pub(crate) fn resync(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nobody refuses it.
    pub(crate) fn require_native(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn second(&self) -> io::Result<Self> {
        Ok(Self {
            sleep: None,
            clock: self.clock.clone(),
        })
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        false
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.sleep.is_some()
    }

    pub(crate) fn source(&self) -> TimerSource {
        TimerSource::Tokio
    }

    pub(crate) fn clock_moved(&self) -> bool {
        false
    }

    pub(crate) fn probe(&self) -> Option<SleepProbe> {
        None
    }

    pub(crate) fn probed(&mut self, _serves: bool) {}

    pub(crate) fn is_exact(&self) -> bool {
        Self::EXACT
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        None
    }

    /// Has the waker woken when the runtime shuts down, whoever waits; an error once it has. The alarm is
    /// not armed for anything else then.
    pub(crate) fn keep(&mut self, waker: &Waker) -> io::Result<()> {
        self.check()?;
        let never = never(&self.clock);
        match self.arm(never, Duration::ZERO, waker)? {
            Armed::Waiting => Ok(()),
            // It shut down just now, and nobody else will say so.
            Armed::Due => self.check(),
        }
    }

    /// An error if the runtime has shut down; leaves the alarm disarmed.
    ///
    /// Polling a `Sleep` would panic then. But there, and only there, has one elapsed as soon as it
    /// is registered whose deadline is decades away.
    pub(super) fn check(&mut self) -> io::Result<()> {
        self.disarm();
        let Some(_context) = self.clock.enter() else {
            return Err(shutdown());
        };
        if registered(never(&self.clock)).is_elapsed() {
            return Err(shutdown());
        }
        Ok(())
    }
}

/// A sleep that is registered with the current runtime, but without a waker.
fn registered(deadline: Instant) -> Pin<Box<Sleep>> {
    let mut sleep = Box::pin(sleep_until(deadline));
    sleep.as_mut().reset(deadline);
    sleep
}

fn never(clock: &RuntimeClock) -> Instant {
    saturating::after(clock.now(), Duration::MAX)
}

/// What tokio's own timers say in that case.
fn shutdown() -> io::Error {
    io::Error::other("A Tokio 1.x context was found, but it is being shutdown.")
}
