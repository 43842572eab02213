//! All timers of one runtime, on one alarm.
//!
//! The driver has no task and no thread. It *is* the waker of its own alarm: the reactor, when the
//! kernel's timer fires, calls [`Driver::fire`], which wakes whoever is due and arms the alarm
//! anew. A wake-up is only ever a hint, and the clock the truth: what fires too early or for
//! nothing wakes nobody.
//!
//! Foreign code (a waker's clone, wake and drop) runs outside the lock, always.

mod entry;
mod queue;
mod registry;
mod wakers;

use std::io;
use std::mem;
use std::task::{Wake, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use crate::precision::Lead;
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering};
use crate::sys::{self, Alarm, Armed, TokioClock};
use queue::{Key, Queue, Span};
use wakers::Batch;

pub(crate) use entry::Entry;

/// An alarm that is armed for a moment closer than this says little about how late the kernel is:
/// it may have passed before the kernel heard of it.
const IN_TIME: Duration = Duration::from_micros(20);

#[derive(Debug)]
pub(crate) struct Driver {
    runtime: Id,
    clock: TokioClock,
    state: Mutex<State>,
    /// How long before its deadline a timer that spins is to be woken, in nanoseconds: what
    /// [`Timers::lead`] has learned.
    lead: AtomicU64,
    dead: AtomicBool,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, in place, and it is nearly always the large one"
)]
enum State {
    Alive(Timers),
    /// The runtime shut down, or the kernel refused its timer: why.
    Dead(String),
}

#[derive(Debug)]
struct Timers {
    queue: Queue<Waker>,
    alarm: Alarm,
    /// What the alarm is set for; `None` when it has fired, or was never set. It may be earlier
    /// than the earliest deadline: one spurious wake-up costs less than setting it back would.
    armed: Option<Instant>,
    /// Whether that was still to come when the alarm was armed: only then does it tell how late the
    /// kernel is.
    in_time: bool,
    lead: Lead,
}

impl Driver {
    /// The driver of the current runtime, made if this is its first timer.
    ///
    /// # Panics
    ///
    /// At the caller's location: as tokio does, outside a runtime or in one that lacks the driver
    /// that the alarm needs; and if the alarm is refused.
    #[track_caller]
    pub(crate) fn current() -> Arc<Self> {
        let handle = Handle::current();
        if let Some(driver) = registry::find(handle.id()) {
            return driver;
        }
        match Self::start(&handle) {
            Ok(driver) => driver,
            Err(error) if error.raw_os_error().is_some() => {
                panic!("the operating system refused a timer: {error}")
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The driver of the current runtime, or an error where [`Driver::current`] would panic.
    pub(crate) fn try_current() -> io::Result<Arc<Self>> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        match registry::find(handle.id()) {
            Some(driver) => Ok(driver),
            None => sys::catch_disabled(|| Self::start(&handle)),
        }
    }

    #[track_caller]
    fn start(handle: &Handle) -> io::Result<Arc<Self>> {
        let alarm = match Alarm::new(handle) {
            Ok(alarm) => alarm,
            // Another thread may have been faster, and have taken the last descriptor.
            Err(error) => return registry::find(handle.id()).ok_or(error),
        };
        let clock = TokioClock::new(handle);
        let lead = Lead::new();
        let driver = Arc::new(Self {
            runtime: handle.id(),
            lead: AtomicU64::new(lead.nanos()),
            dead: AtomicBool::new(false),
            state: Mutex::new(State::Alive(Timers {
                queue: Queue::new(clock.now()),
                alarm,
                armed: None,
                in_time: false,
                lead,
            })),
            clock,
        });
        // Locked before it is listed: whoever finds it there waits until it listens.
        let mut state = driver.state.lock();
        if let Err(faster) = registry::list(&driver) {
            return Ok(faster);
        }
        if let State::Alive(timers) = &mut *state {
            if let Err(error) = timers.alarm.listen(&driver.waker()) {
                driver.die(state, &error);
                return Err(error);
            }
        }
        drop(state);
        Ok(driver)
    }

    fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// The clock that decides whether a timer of this driver is due.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    fn is_alive(&self) -> bool {
        !self.dead.load(Ordering::Acquire)
    }

    fn lead(&self) -> Duration {
        Duration::from_nanos(self.lead.load(Ordering::Relaxed))
    }

    /// Has `waker` woken within `span`, in place of what `key` waited for before.
    ///
    /// # Errors
    ///
    /// Says why, if the driver is dead.
    fn wait(
        self: &Arc<Self>,
        key: &mut Option<Key>,
        span: Span,
        waker: Waker,
    ) -> Result<(), String> {
        // Declared before the guard, to be dropped after it, come what may.
        let _replaced;
        let mut state = self.state.lock();
        let timers = match &mut *state {
            State::Alive(timers) => timers,
            State::Dead(why) => return Err(why.clone()),
        };
        let key = *key.get_or_insert_with(|| timers.queue.join());
        _replaced = timers.queue.wait(key, span, waker);
        let armed = timers.arm_by(span.latest(), self);
        self.release(state, armed)
    }

    /// Moves what `key` waits for, if it waits, to `span`.
    fn postpone(self: &Arc<Self>, key: Key, span: Span) {
        let mut state = self.state.lock();
        let State::Alive(timers) = &mut *state else {
            return;
        };
        if timers.queue.postpone(key, span) {
            let armed = timers.arm_by(span.latest(), self);
            let _ = self.release(state, armed);
        }
    }

    /// Forgets what `key` waits for.
    fn cancel(self: &Arc<Self>, key: Key) {
        let _canceled;
        let mut state = self.state.lock();
        if let State::Alive(timers) = &mut *state {
            _canceled = timers.queue.cancel(key);
            let armed = timers.settle(self);
            let _ = self.release(state, armed);
        }
    }

    /// Forgets `key`.
    fn leave(self: &Arc<Self>, key: Key) {
        let _canceled;
        let mut state = self.state.lock();
        if let State::Alive(timers) = &mut *state {
            _canceled = timers.queue.leave(key);
            let armed = timers.settle(self);
            let _ = self.release(state, armed);
        }
    }

    /// Lets go of the lock after the alarm was set, and does what the alarm cannot.
    ///
    /// # Errors
    ///
    /// Says why, if the driver died of it. Everyone who waits has been woken to find out, so that
    /// only who is about to wait needs to look.
    fn release(
        self: &Arc<Self>,
        state: MutexGuard<'_, State>,
        armed: io::Result<Armed>,
    ) -> Result<(), String> {
        match armed {
            Ok(Armed::Waiting) => drop(state),
            Ok(Armed::Due) => {
                drop(state);
                self.fire();
            }
            Err(error) => {
                self.die(state, &error);
                return Err(error.to_string());
            }
        }
        Ok(())
    }

    /// Wakes everyone who is due and arms the alarm for the next.
    fn fire(self: &Arc<Self>) {
        let mut due = Batch::new();
        let mut now = self.now();
        loop {
            let mut state = self.state.lock();
            let State::Alive(timers) = &mut *state else {
                break;
            };
            timers.learn(now, &self.lead);
            while due.has_room() {
                let Some(waker) = timers.queue.pop_due(now) else {
                    break;
                };
                due.push(waker);
            }
            if !due.has_room() {
                // Perhaps there are more; what falls due meanwhile is for the next time, so that
                // the reactor is not kept from its other work.
                drop(state);
                due.wake();
                continue;
            }
            match timers.rearm(now, self) {
                Ok(Armed::Waiting) => {
                    drop(state);
                    break;
                }
                Ok(Armed::Due) => {
                    drop(state);
                    due.wake();
                    now = self.now();
                }
                Err(error) => {
                    self.die(state, &error);
                    break;
                }
            }
        }
        due.wake();
    }

    /// No timer of this driver will fire again: lets go of the kernel's timer and of the lock, and
    /// wakes everyone, so that each finds out at its next poll.
    fn die(&self, mut state: MutexGuard<'_, State>, error: &io::Error) {
        // First: nobody shall find it there dead.
        self.dead.store(true, Ordering::Release);
        registry::forget(self);
        let State::Alive(timers) = mem::replace(&mut *state, State::Dead(error.to_string())) else {
            return;
        };
        drop(state);
        drop(timers.alarm);

        let mut wakers = Batch::new();
        for waker in timers.queue.into_values() {
            if !wakers.has_room() {
                wakers.wake();
            }
            wakers.push(waker);
        }
        wakers.wake();
    }
}

impl Timers {
    /// Sees to it that the alarm fires by `latest`, the first or not.
    fn arm_by(&mut self, latest: Instant, driver: &Arc<Driver>) -> io::Result<Armed> {
        if self.armed.is_some_and(|armed| armed <= latest) {
            return self.settle(driver);
        }
        self.arm(latest, driver)
    }

    /// Sets the alarm, which has fired, for the earliest of those who still wait.
    fn rearm(&mut self, now: Instant, driver: &Arc<Driver>) -> io::Result<Armed> {
        // First listen, then arm: the other way round, the event of an alarm that fires at once
        // would be taken for the old one and cleared.
        self.alarm.listen(&driver.waker())?;
        let was_early = self.armed.take().is_some_and(|armed| now < armed);
        let Some(first) = self.queue.first() else {
            return Ok(Armed::Waiting);
        };
        if was_early {
            self.alarm.resync();
        }
        let armed = self.arm(first, driver);
        self.in_time = first > now + IN_TIME;
        armed
    }

    /// Where an alarm that is armed too early does harm, sets it right.
    fn settle(&mut self, driver: &Arc<Driver>) -> io::Result<Armed> {
        let first = self.queue.first();
        if !Alarm::EXACT || self.armed == first {
            return Ok(Armed::Waiting);
        }
        if let Some(first) = first {
            return self.arm(first, driver);
        }
        self.armed = None;
        self.alarm.disarm();
        Ok(Armed::Waiting)
    }

    /// From the alarm that has just woken the driver, how late the kernel is.
    fn learn(&mut self, now: Instant, lead: &AtomicU64) {
        if let (Some(armed), true) = (self.armed, self.in_time) {
            if let Some(lateness) = now.checked_duration_since(armed) {
                self.in_time = false;
                self.lead.learn(lateness);
                lead.store(self.lead.nanos(), Ordering::Relaxed);
            }
        }
    }

    fn arm(&mut self, deadline: Instant, driver: &Arc<Driver>) -> io::Result<Armed> {
        self.armed = Some(deadline);
        self.in_time = true;
        self.alarm.arm(deadline, &driver.waker())
    }
}

impl Wake for Driver {
    fn wake(self: Arc<Self>) {
        self.fire();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.fire();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        registry::forget(self);
    }
}
