//! All timers of one runtime, or of the process, on one alarm.
//!
//! The driver has no task and no thread. It *is* the waker of its own alarm: the reactor, when the
//! kernel's timer fires, calls [`Driver::fire`], which wakes whoever is due and arms the alarm
//! anew. A wake-up is only ever a hint, and the clock the truth: what fires too early or for
//! nothing wakes nobody.
//!
//! Foreign code (a waker's clone, wake and drop) runs outside the lock, always.

mod entry;
mod hints;
mod learned;
#[cfg(all(test, model))]
mod model;
mod queue;
mod registry;
#[cfg(all(test, not(model)))]
mod simulated;
mod timers;
mod wakers;

use std::io;
use std::mem;
use std::task::{Wake, Waker};

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::span::nanos;
use crate::sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering};
use crate::sys::{self, Alarm, Armed, TokioClock};
use hints::Hints;
use queue::{Key, Span};
use registry::Scope;
use timers::{Epoch, Timers};
use wakers::Batch;

pub(crate) use entry::Entry;
#[cfg(fuzzing)]
pub(crate) use queue::check;

#[derive(Debug)]
pub(crate) struct Driver {
    scope: Scope,
    clock: TokioClock,
    state: Mutex<State>,
    epoch: Epoch,
    /// The same on a clock that nobody can pause.
    real_epoch: std::time::Instant,
    hints: Hints,
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

impl Driver {
    /// The driver that serves the current runtime, made if this is its first timer.
    ///
    /// # Panics
    ///
    /// At the caller's location: as tokio does, outside a runtime or in one that lacks the driver
    /// that the alarm needs; and if the alarm is refused.
    #[track_caller]
    pub(crate) fn current() -> Arc<Self> {
        let handle = Handle::current();
        if let Some(driver) = registry::find(Scope::of(&handle)) {
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

    /// The driver that serves the current runtime, or an error where [`Driver::current`] would panic.
    pub(crate) fn try_current() -> io::Result<Arc<Self>> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        match registry::find(Scope::of(&handle)) {
            Some(driver) => Ok(driver),
            None => sys::catch_disabled(|| Self::start(&handle)),
        }
    }

    #[track_caller]
    fn start(handle: &Handle) -> io::Result<Arc<Self>> {
        let scope = Scope::of(handle);
        let alarm = match Alarm::new(handle) {
            Ok(alarm) => alarm,
            // Another thread may have been faster, and have taken the last descriptor.
            Err(error) => return registry::find(scope).ok_or(error),
        };
        let clock = TokioClock::new(handle);
        let epoch = Epoch(clock.now());
        let timers = Timers::new(alarm, epoch);
        let driver = Arc::new(Self {
            scope,
            clock,
            epoch,
            real_epoch: std::time::Instant::now(),
            hints: timers.hints(),
            dead: AtomicBool::new(false),
            state: Mutex::new(State::Alive(timers)),
        });
        // Locked before it is listed: whoever finds it there waits until it listens.
        let mut state = driver.state.lock();
        if let Err(faster) = registry::list(&driver) {
            return Ok(faster);
        }
        if let State::Alive(timers) = &mut *state {
            if let Err(error) = timers.listen(&driver.waker()) {
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

    /// How long ago this driver was made, in nanoseconds, by a clock that nobody can pause.
    fn real_moment(&self) -> u64 {
        nanos(self.real_epoch.elapsed())
    }

    fn is_alive(&self) -> bool {
        !self.dead.load(Ordering::Acquire)
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
        now: Instant,
        waker: Waker,
    ) -> Result<(), String> {
        let now = self.epoch.moment(now);
        // Declared before the guard, to be dropped after it, come what may.
        let _replaced;
        let mut state = self.state.lock();
        let timers = match &mut *state {
            State::Alive(timers) => timers,
            State::Dead(why) => return Err(why.clone()),
        };
        _replaced = timers.wait(key, span, waker, &self.hints);
        let armed = timers.arm_by(span, Some(now), || self.waker());
        self.release(state, armed)
    }

    /// Moves what `key` waits for, if it waits, to `span`.
    fn postpone(self: &Arc<Self>, key: Key, span: Span) {
        let mut state = self.state.lock();
        let State::Alive(timers) = &mut *state else {
            return;
        };
        if timers.postpone(key, span, &self.hints) {
            let armed = timers.arm_by(span, None, || self.waker());
            let _ = self.release(state, armed);
        }
    }

    /// Forgets what `key` waits for.
    fn cancel(self: &Arc<Self>, key: Key) {
        let _canceled;
        let mut state = self.state.lock();
        if let State::Alive(timers) = &mut *state {
            _canceled = timers.cancel(key);
            let armed = timers.settle(|| self.waker());
            let _ = self.release(state, armed);
        }
    }

    /// Forgets `key`.
    fn leave(self: &Arc<Self>, key: Key) {
        let _canceled;
        let mut state = self.state.lock();
        if let State::Alive(timers) = &mut *state {
            _canceled = timers.leave(key);
            let armed = timers.settle(|| self.waker());
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
        self.fire_at(self.epoch.moment(self.now()));
    }

    /// As it does at the moment `now`.
    fn fire_at(self: &Arc<Self>, mut now: u64) {
        let mut due = Batch::new();
        loop {
            let mut state = self.state.lock();
            let State::Alive(timers) = &mut *state else {
                break;
            };
            timers.woken(now, &self.hints);
            while due.has_room() {
                let Some(waker) = timers.pop_due(now) else {
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
            self.hints.take_until(now);
            match timers.rearm(now, || self.waker()) {
                Ok(Armed::Waiting) => {
                    drop(state);
                    break;
                }
                Ok(Armed::Due) => {
                    drop(state);
                    due.wake();
                    now = self.epoch.moment(self.now());
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
        let mut wakers = Batch::new();
        // The alarm goes before any waker is called.
        for waker in timers.into_values() {
            if !wakers.has_room() {
                wakers.wake();
            }
            wakers.push(waker);
        }
        wakers.wake();
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

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;
    use std::task::Context;
    use std::time::Duration;
    use tokio::runtime::{Builder, Runtime};

    /// Little that runs under the lock can panic: a queue that is full. The others wait on.
    #[test]
    fn a_panic_under_the_lock_harms_nobody_else() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let driver = Driver::current();
            let cx = &mut Context::from_waker(Waker::noop());
            let mut waits = Entry::new(Arc::clone(&driver));
            let hour = Duration::from_secs(3600);
            let far = Instant::now() + hour;
            assert!(waits.poll_elapsed(cx, far, hour).is_pending());
            let panic = catch_unwind(AssertUnwindSafe(|| {
                let _guard = driver.state.lock();
                panic!("under the lock");
            }));
            assert!(panic.is_err());
            let deadline = Instant::now() + Duration::from_millis(1);
            waits.postpone(deadline, hour);
            let mut comes = Entry::new(Arc::clone(&driver));
            for entry in [&mut waits, &mut comes] {
                let now = std::future::poll_fn(|cx| entry.poll_elapsed(cx, deadline, hour)).await;
                assert!(now >= deadline);
            }
        });
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// `None` where one driver serves the process: the other tests have theirs in it.
    fn of_its_own() -> Option<(Runtime, Arc<Driver>)> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let context = runtime.enter();
        let driver = Alarm::OF_RUNTIME.then(Driver::current);
        drop(context);
        Some((runtime, driver?))
    }

    #[test]
    fn a_refused_alarm_is_told_to_whoever_waits_and_the_next_driver_lives() {
        let Some((runtime, driver)) = of_its_own() else {
            return;
        };
        let _context = runtime.enter();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let cx = &mut Context::from_waker(&waker);
        let hour = Duration::from_secs(3600);
        let far = Instant::now() + hour;
        // More than a batch.
        let mut waits: Vec<_> = (0..100)
            .map(|_| {
                let mut entry = Entry::new(Driver::current());
                assert!(entry.poll_elapsed(cx, far, hour).is_pending());
                entry
            })
            .collect();

        let refusal = io::Error::other("refused");
        let refused = driver.release(driver.state.lock(), Err(refusal));
        assert_eq!(refused, Err("refused".to_owned()));
        assert_eq!(count.get(), 100);
        assert_eq!(Arc::strong_count(&count), 2, "the wakers are gone");
        for entry in &mut waits {
            let poll = AssertUnwindSafe(|| entry.poll_elapsed(cx, far, hour));
            let panic = catch_unwind(poll).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"refused".to_owned()));
        }

        let next = Driver::current();
        assert!(!Arc::ptr_eq(&next, &driver));
        assert!(Arc::ptr_eq(&next, &Driver::try_current().unwrap()));
        let polled = Entry::new(next).poll_elapsed(cx, far, hour);
        assert!(polled.is_pending());
    }

    /// Whoever says so, and however.
    #[test]
    fn a_wake_up_wakes_who_is_due() {
        let Some((_runtime, driver)) = of_its_own() else {
            return;
        };
        let fires: [fn(&Arc<Driver>); 3] = [
            |driver| driver.waker().wake(),
            |driver| driver.waker().wake_by_ref(),
            |driver| driver.release(driver.state.lock(), Ok(Armed::Due)).unwrap(),
        ];
        for fire in fires {
            let count = Arc::new(Count::default());
            let waker = Waker::from(Arc::clone(&count));
            let cx = &mut Context::from_waker(&waker);
            let mut entry = Entry::new(Arc::clone(&driver));
            let wait = Duration::from_millis(5);
            // This thread may be preempted until it has passed.
            while entry.poll_elapsed(cx, driver.now() + wait, wait).is_ready() {}
            std::thread::sleep(2 * wait);
            fire(&driver);
            assert_eq!(count.get(), 1);
        }
    }

    /// It is not asked for again at once: under a clock that stands still it would be early without
    /// end.
    #[test]
    fn an_alarm_that_was_early_is_held_back() {
        // There the clock that can be paused has an alarm of its own.
        if Alarm::EXACT || !Alarm::OF_RUNTIME {
            return;
        }
        // `None` if this thread was preempted until the deadline had passed.
        let held = || {
            let (runtime, driver) = of_its_own()?;
            runtime.block_on(async {
                let wait = Duration::from_micros(300);
                let mut entry = Entry::new(Arc::clone(&driver));
                let deadline = driver.now() + wait;
                let mut poll = |cx: &mut Context<'_>| entry.poll_elapsed(cx, deadline, wait);
                let waits = poll(&mut Context::from_waker(Waker::noop())).is_pending();
                let early = driver.now();
                driver.waker().wake();
                if !waits || driver.now() >= deadline {
                    return None;
                }
                let mut polls = 0;
                let elapsed = poll_fn(|cx| {
                    polls += 1;
                    poll(cx)
                });
                let elapsed = elapsed.await;
                (polls > 1).then(|| elapsed - early)
            })
        };
        let held: Vec<_> = (0..1000).filter_map(|_| held()).take(5).collect();
        assert!(!held.is_empty(), "preempted each time");
        for held in held {
            assert!(held >= Duration::from_millis(1), "{held:?}");
        }
    }
}
