//! A one-shot alarm on `tokio::time::Sleep`.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Armed;
use super::clock::RuntimeClock;
use super::deferred_waker::DeferredWaker;
use crate::saturating;
use crate::sync::Arc;

#[derive(Debug)]
pub(crate) struct SleepAlarm {
    /// `None` while the alarm is disarmed.
    sleep: Option<Pin<Box<Sleep>>>,
    pub(super) clock: RuntimeClock,
}

impl SleepAlarm {
    /// Creates an alarm in the current runtime, which must be `runtime`.
    ///
    /// # Panics
    ///
    /// With tokio's message at the caller's location, if the runtime has no time driver.
    #[track_caller]
    pub(super) fn new(runtime: &Handle) -> Self {
        let alarm = Self::without_check(runtime);
        drop(sleep_until(alarm.clock.now()));
        alarm
    }

    /// Creates an alarm in a runtime that has a time driver.
    pub(super) fn without_check(runtime: &Handle) -> Self {
        Self {
            sleep: None,
            clock: RuntimeClock::new(runtime),
        }
    }

    pub(super) fn arm(&mut self, deadline: Instant, waker: &Waker) -> io::Result<Armed> {
        let Some(_context) = self.clock.enter() else {
            // The thread is terminating. An alarm that is armed already must do, even if it is too early.
            let armed = self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed());
            return if armed {
                Ok(Armed::Waiting)
            } else {
                Err(shutdown())
            };
        };
        // A deadline beyond tokio's far future would overflow.
        let mut sleep = registered(deadline.min(far_future(&self.clock)));
        if sleep.is_elapsed() {
            // It has not been polled: its deadline has passed, or its runtime has shut down.
            self.check_runtime()?;
            return Ok(Armed::Due);
        }
        let deferred = Arc::new(DeferredWaker::new(waker));
        let deferred_waker = Waker::from(Arc::clone(&deferred));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = pin!(unconstrained(sleep.as_mut()));
            polled.poll(&mut Context::from_waker(&deferred_waker))
        }));
        // A new `Sleep` each time: resetting one that has a waker may wake it inside the call.
        self.sleep = Some(sleep);
        match polled {
            Ok(Poll::Pending) => Ok(deferred.connect()),
            Ok(Poll::Ready(())) => Ok(Armed::Due),
            // The runtime has shut down since the check.
            Err(_panic) => Err(shutdown()),
        }
    }

    pub(super) fn disarm(&mut self) {
        self.sleep = None;
    }

    /// Returns an error if the runtime has shut down. Disarms the alarm.
    ///
    /// Polling a `Sleep` after the shutdown would panic. Only after the shutdown, a `Sleep` has elapsed as soon as
    /// it is registered even if its deadline is decades away.
    pub(super) fn check_runtime(&mut self) -> io::Result<()> {
        self.disarm();
        let Some(_context) = self.clock.enter() else {
            return Err(shutdown());
        };
        if registered(far_future(&self.clock)).is_elapsed() {
            return Err(shutdown());
        }
        Ok(())
    }
}

#[cfg(production)]
impl SleepAlarm {
    pub(super) fn is_armed(&self) -> bool {
        self.sleep.is_some()
    }

    /// Wakes `waker` when the runtime shuts down, in place of what the alarm was armed for. Returns an error if the
    /// runtime has shut down.
    pub(super) fn wait_for_shutdown(&mut self, waker: &Waker) -> io::Result<()> {
        self.check_runtime()?;
        match self.arm(far_future(&self.clock), waker)? {
            Armed::Waiting => Ok(()),
            // The runtime shut down after the check, and the waker was not woken.
            Armed::Due => self.check_runtime(),
        }
    }
}

/// Creates a `Sleep` that is registered with the current runtime, without a waker.
fn registered(deadline: Instant) -> Pin<Box<Sleep>> {
    let mut sleep = Box::pin(sleep_until(deadline));
    sleep.as_mut().reset(deadline);
    sleep
}

fn far_future(clock: &RuntimeClock) -> Instant {
    saturating::after(clock.now(), Duration::MAX)
}

/// Has the message of tokio's own timers.
fn shutdown() -> io::Error {
    io::Error::other("A Tokio 1.x context was found, but it is being shutdown.")
}
