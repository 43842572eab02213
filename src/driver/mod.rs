//! All timers of one runtime, or of the process, on two kernel timers or one.
//!
//! The driver has no task and no thread. It *is* the waker of its own alarms: the reactor, when a
//! kernel timer fires, calls [`Driver::fire`], which wakes whoever is due and arms one
//! for the next, if none is. A wake-up is only ever a hint, and the clock the truth: what fires too
//! early or for nothing wakes nobody.
//!
//! The timers are in shards, of which each thread uses one: so threads that make and drop timers do not
//! write to what others use. The alarms have a lock of their own. It comes before those of the shards,
//! and is taken by who is first of all, and to fire.
//!
//! Foreign code (a waker's clone, wake and drop) runs outside the locks, always.

mod alarms;
mod entry;
#[cfg(all(test, model))]
mod model;
mod published;
pub(crate) mod queue;
mod registry;
mod shard;
#[cfg(all(test, not(model)))]
mod shared_writes;
#[cfg(all(test, not(model)))]
mod simulated;
mod states;
mod wakers;
mod wakeup_stats;
mod wakeups;

use std::io;
use std::mem;
use std::task::{Wake, Waker};

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::events;
use crate::panics::catch_foreign;
use crate::saturating::nanos;
use crate::sync::{Arc, AtomicBool, Mutex, MutexGuard, Ordering, fence, unchecked};
use crate::sys::process::{self, Process};
use crate::sys::{Alarm, Armed, TokioClock};
use alarms::{AlarmId, Alarms, Epoch};
use published::Published;
use queue::{SlotId, Window};
use registry::Scope;
use shard::{CachePadded, Closed, NEVER, Shard};
use states::StateBlock;
use wakers::Batch;
use wakeups::Event;

pub(crate) use entry::Entry;
#[cfg(fuzzing)]
pub(crate) use queue::check;
pub(crate) use wakeups::Wakeups;

#[derive(Debug)]
pub(crate) struct Driver {
    scope: Scope,
    process: Process,
    clock: TokioClock,
    epoch: Epoch,
    /// The same on a clock that nobody can pause.
    real_epoch: std::time::Instant,
    closed: AtomicBool,
    shards: Box<[Shard]>,
    /// To how many threads one was threads_assigned.
    threads_assigned: CachePadded<unchecked::AtomicUsize>,
    published: CachePadded<Published>,
    state: CachePadded<Mutex<Status>>,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, in place, and it is nearly always the large one"
)]
enum Status {
    Open(Wakeups),
    /// The runtime shut down, or the kernel refused its timer: why.
    Closed(String),
}

impl Driver {
    /// The driver that serves that runtime, made if this is its first timer.
    ///
    /// # Errors
    ///
    /// If the alarm is refused, and another cannot serve in its place; and if the runtime is another
    /// process's.
    ///
    /// # Panics
    ///
    /// At the caller's location, as tokio does: in a runtime that lacks the driver that the alarm needs.
    #[track_caller]
    fn get_or_start(handle: &Handle) -> io::Result<Arc<Self>> {
        let scope = Scope::of(handle);
        match registry::find(scope)? {
            Some(driver) => Ok(driver),
            None => Self::start(handle, scope, false),
        }
    }

    /// The same, on the kernel's timer.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    #[track_caller]
    fn require_native(handle: &Handle) -> io::Result<Arc<Self>> {
        let scope = Scope::of(handle);
        let Some(driver) = registry::find(scope)? else {
            return Self::start(handle, scope, true);
        };
        let mut state = driver.state.0.lock();
        let required = match &mut *state {
            Status::Open(wakeups) => wakeups.require_native(&driver.waker(AlarmId::First)),
            Status::Closed(why) => Err(io::Error::other(why.clone())),
        };
        driver.unlock(state);
        required.map(|()| driver)
    }

    #[track_caller]
    fn start(handle: &Handle, scope: Scope, requires_native: bool) -> io::Result<Arc<Self>> {
        // A timer may first wait on a thread of another runtime.
        let is_in_this_process = Handle::try_current().is_ok_and(|here| here.id() == handle.id());
        let _context = (!is_in_this_process).then(|| handle.enter());
        let clock = TokioClock::new(handle);
        let epoch = Epoch(clock.now());
        let alarms = match Alarms::new(handle, requires_native, epoch) {
            Ok(alarms) => alarms,
            // Another thread may have been faster, and have taken the last descriptor.
            Err(error) => return registry::find(scope)?.ok_or(error),
        };
        let second = alarms.has_second().then_some(AlarmId::Second);
        let wakeups = Wakeups::new(alarms);
        let driver = Arc::new(Self {
            scope,
            process: Process::current()?,
            clock,
            epoch,
            real_epoch: std::time::Instant::now(),
            closed: AtomicBool::new(false),
            shards: (0..scope.threads(handle)).map(|_| Shard::new()).collect(),
            threads_assigned: CachePadded(unchecked::AtomicUsize::new(0)),
            published: CachePadded(wakeups.published()),
            state: CachePadded(Mutex::new(Status::Open(wakeups))),
        });
        // Locked before it is listed: whoever finds it there waits until it hears_shutdown.
        let mut state = driver.state.0.lock();
        if let Err(faster) = registry::register(&driver) {
            return Ok(faster);
        }
        if let Status::Open(wakeups) = &mut *state {
            let mut all = [Some(AlarmId::First), second].into_iter().flatten();
            let listening = all.try_for_each(|which| wakeups.listen(which, &driver.waker(which)));
            if let Err(error) = listening {
                driver.close(state, &error);
                return Err(error);
            }
        }
        driver.unlock(state);
        Ok(driver)
    }

    /// The waker of that kernel timer: each has one of its own, by which its events are told apart.
    fn waker(self: &Arc<Self>, which: AlarmId) -> Waker {
        match which {
            AlarmId::First => Waker::from(Arc::clone(self)),
            AlarmId::Second => Waker::from(Arc::new(Second(Arc::clone(self)))),
        }
    }

    /// The clock that decides whether a timer of this driver is due.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How long ago this driver was made, in nanoseconds, by a clock that nobody can pause.
    fn real_timestamp(&self) -> u64 {
        nanos(self.real_epoch.elapsed())
    }

    fn published(&self) -> &Published {
        &self.published.0
    }

    /// Whether this process made it. A child that was forked off leaves it alone: the kernel's timers are
    /// its parent's, and a lock may have been held by a thread that the child does not have.
    #[inline]
    fn is_in_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// Whether it hears of the end of its runtime, so that it need not end with its last timer.
    fn outlives_timers(&self) -> bool {
        self.published().hears_shutdown()
    }

    fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Why it is not.
    fn close_reason(&self) -> String {
        if !self.is_in_this_process() {
            return process::inherited().to_string();
        }
        match &*self.state.0.lock() {
            Status::Open(_) => unreachable!("its shards are closed after it has closed"),
            Status::Closed(why) => why.clone(),
        }
    }

    /// A shard for another thread. They take turns.
    fn assign_shard(&self) -> usize {
        self.threads_assigned.0.fetch_add(1, Ordering::Relaxed) % self.shards.len()
    }

    fn is_assigned(&self, shard: usize) -> bool {
        shard < self.used_shards().len()
    }

    /// Those that a thread has been threads_assigned.
    fn used_shards(&self) -> &[Shard] {
        let threads_assigned = self.threads_assigned.0.load(Ordering::Relaxed);
        &self.shards[..threads_assigned.min(self.shards.len())]
    }

    /// Has `waker` woken within `window`, in place of what `id` waited for before. `period` is the time
    /// after which it is likely to wait again, or 0. Its first time, a timer is given its place.
    ///
    /// # Errors
    ///
    /// If the driver is closed, or another process's.
    #[inline]
    fn insert(
        block: &mut Arc<StateBlock>,
        id: &mut Option<SlotId>,
        window: Window,
        period: u64,
        now: Option<Instant>,
        waker: Waker,
    ) -> Result<(), Closed> {
        let driver = &block.driver;
        if !driver.is_in_this_process() {
            return Err(Closed);
        }
        let shard = &driver.shards[block.shard];
        let inserted = shard.insert(block, id, window, period, waker)?;
        let result = driver.arm(window, inserted.is_first, period, now);
        if let Some(others) = inserted.others {
            *block = others;
            registry::cache(block);
        }
        // Last: its destructor may panic.
        drop(inserted.replaced);
        result
    }

    /// Sees to it that an alarm is set for what waits now, if it comes first in its shard; and that one is
    /// set ahead.
    #[inline]
    fn arm(
        self: &Arc<Self>,
        window: Window,
        is_first: bool,
        period: u64,
        now: Option<Instant>,
    ) -> Result<(), Closed> {
        let published = self.published();
        let must_arm = is_first && self.must_arm(window);
        // Only what is likely to come is worth a system call before its time.
        let ahead = (period > 0 || published.is_coalescing()) && published.can_arm_ahead();
        if must_arm || ahead {
            self.arm_alarms(window, must_arm, ahead, now)?;
        }
        if Alarm::CAN_BE_EXACT && !Alarm::EXACT {
            self.follow_clock();
        }
        Ok(())
    }

    /// Where the clock can be paused, looks whether it was: then what is armed is for moments that it may never
    /// come to, or not in time.
    fn follow_clock(self: &Arc<Self>) {
        if self.published().is_exact() || !self.clock.differs() {
            return;
        }
        let mut state = self.state.0.lock();
        let Status::Open(wakeups) = &mut *state else {
            return;
        };
        if wakeups.clock_moved() {
            self.published().clear_armed();
            fence(Ordering::SeqCst);
            let armed = wakeups.rearm_all(self.first(), || self.waker(AlarmId::First));
            self.published().set_armed(wakeups.earliest(), false);
            let _ = self.release(state, armed);
        }
    }

    /// Whether no alarm serves what comes first in its shard now, as others know already.
    fn must_arm(&self, window: Window) -> bool {
        fence(Ordering::SeqCst);
        let published = self.published();
        let must_arm = published.must_arm(window.hard_deadline());
        if !must_arm {
            // It may be long until the reactor is asked for the event.
            published.lower_due(window.hard_deadline());
        }
        must_arm
    }

    /// Under the lock of the alarms.
    fn arm_alarms(
        self: &Arc<Self>,
        window: Window,
        must_arm: bool,
        ahead: bool,
        now: Option<Instant>,
    ) -> Result<(), Closed> {
        let published = self.published();
        let mut state = self.state.0.lock();
        let Status::Open(wakeups) = &mut *state else {
            return Err(Closed);
        };
        let waker = || self.waker(AlarmId::First);
        let mut armed = Ok(Armed::Waiting);
        if must_arm {
            armed = wakeups.arm_if_earlier(window, true, waker);
            published.lower_due(window.hard_deadline());
        }
        if matches!(armed, Ok(Armed::Waiting)) && ahead {
            let ahead = wakeups.arm_ahead(
                || self.epoch.moment(now.unwrap_or_else(|| self.now())),
                |moment| self.after(moment),
                waker,
            );
            // It can be done without: what is needed is armed.
            armed = Ok(ahead.unwrap_or(Armed::Waiting));
        }
        // If there was nothing to arm ahead for, there is not before the next wake-up.
        published.set_armed(wakeups.earliest(), !ahead && wakeups.can_arm_ahead());
        self.release(state, armed)
    }

    /// Moves what `id` waits for, if it waits, to `window`.
    fn reset(block: &StateBlock, id: SlotId, window: Window) {
        let driver = &block.driver;
        if !driver.is_in_this_process() {
            return;
        }
        if driver.shards[block.shard].reset(block, id, window) && driver.must_arm(window) {
            driver.arm_if_earlier(window);
        }
        driver.rearm_if_exact();
    }

    /// Sees to it that an alarm fires within `window`, which may have passed.
    fn arm_if_earlier(self: &Arc<Self>, window: Window) {
        let mut state = self.state.0.lock();
        let Status::Open(wakeups) = &mut *state else {
            return;
        };
        let armed = wakeups.arm_if_earlier(window, false, || self.waker(AlarmId::First));
        self.published().lower_due(window.hard_deadline());
        self.published()
            .set_armed(wakeups.earliest(), wakeups.can_arm_ahead());
        let _ = self.release(state, armed);
    }

    /// Forgets what `id` waits for; returns the waker that it waited with.
    fn cancel(block: &StateBlock, id: SlotId) -> Option<Waker> {
        let driver = &block.driver;
        if !driver.is_in_this_process() {
            return None;
        }
        let canceled = driver.shards[block.shard].cancel(block, id);
        driver.rearm_if_exact();
        canceled
    }

    /// Forgets `id`.
    fn remove(block: &StateBlock, id: SlotId) {
        let driver = &block.driver;
        if driver.is_in_this_process() {
            let _canceled = driver.shards[block.shard].remove(block, id);
            driver.rearm_if_exact();
        }
    }

    /// Where an alarm that is armed too early does harm, sets it right.
    fn rearm_if_exact(self: &Arc<Self>) {
        let is_exact = Alarm::EXACT || Alarm::CAN_BE_EXACT && self.published().is_exact();
        if !is_exact {
            return;
        }
        let mut state = self.state.0.lock();
        let Status::Open(wakeups) = &mut *state else {
            return;
        };
        self.published().clear_armed();
        fence(Ordering::SeqCst);
        let armed = wakeups.rearm_if_exact(self.first(), || self.waker(AlarmId::First));
        self.published().set_armed(wakeups.earliest(), false);
        let _ = self.release(state, armed);
    }

    /// The window of the timer that comes first. A shard whose bound may be that of one that is gone is
    /// looked at closer.
    fn first(&self) -> Option<Window> {
        let shards = self.used_shards();
        loop {
            let bounds = shards.iter().map(|shard| (shard.bound(), shard));
            let (bound, shard) = bounds.min_by_key(|(bound, _)| *bound)?;
            if bound == NEVER {
                return None;
            }
            let first = shard.first();
            if first.is_some_and(|first| first.hard_deadline() <= bound) {
                return first;
            }
        }
    }

    /// What is likely to be first once all are taken that `moment` serves.
    fn after(&self, moment: u64) -> Option<Window> {
        let mut first: Option<Window> = None;
        for shard in self.used_shards() {
            if first.is_none_or(|first| shard.bound() < first.hard_deadline()) {
                let after = shard.after(moment);
                first = first
                    .into_iter()
                    .chain(after)
                    .min_by_key(|window| window.hard_deadline());
            }
        }
        first
    }

    /// Whether so many, or more, are to be taken by `until`.
    fn has(&self, many: usize, until: u64) -> bool {
        let mut missing = many;
        for shard in self.used_shards() {
            if missing > 0 && shard.bound() <= until {
                missing -= shard.count(until, missing);
            }
        }
        missing == 0
    }

    /// Lets go of the lock after the alarm was set, and does what the alarm cannot.
    ///
    /// # Errors
    ///
    /// If the driver closed of it. Everyone who waits has been woken to find out, so that
    /// only who is about to wait needs to look.
    fn release(
        self: &Arc<Self>,
        state: MutexGuard<'_, Status>,
        armed: io::Result<Armed>,
    ) -> Result<(), Closed> {
        match armed {
            Ok(Armed::Waiting) => self.unlock(state),
            Ok(Armed::Due) => {
                self.unlock(state);
                self.fire(None);
            }
            Err(error) => {
                if self.ask(state, &error) {
                    self.fire(None);
                }
                if !self.is_open() {
                    return Err(Closed);
                }
            }
        }
        Ok(())
    }

    /// An alarm could not be set. Returns whether it may be now; else the driver dies of it.
    fn ask(&self, mut state: MutexGuard<'_, Status>, error: &io::Error) -> bool {
        let probe = match &mut *state {
            Status::Open(wakeups) => wakeups.probe(),
            Status::Closed(_) => None,
        };
        let Some(probe) = probe else {
            self.close(state, error);
            return false;
        };
        drop(state);
        let serves = probe.run();
        if let Status::Open(wakeups) = &mut *self.state.0.lock() {
            wakeups.probed(serves);
        }
        true
    }

    /// Lets go of the lock, and tells what has become of the kernel's timer meanwhile.
    fn unlock(self: &Arc<Self>, mut state: MutexGuard<'_, Status>) {
        let mut left = false;
        let news = match &mut *state {
            Status::Open(wakeups) => {
                left = self
                    .published()
                    .set_hears_shutdown(wakeups.hears_shutdown());
                if Alarm::CAN_BE_EXACT {
                    self.published().set_exact(wakeups.is_exact());
                }
                wakeups.take_event(|| self.waker(AlarmId::Second))
            }
            Status::Closed(_) => None,
        };
        drop(state);
        if left {
            for shard in self.used_shards() {
                shard.release_blocks();
            }
        }
        if let Some(news) = news {
            // Whoever listens may panic.
            catch_foreign(|| events::alarm(&news));
        }
    }

    /// Fires, if it should have been woken before `now` and has not been: while tasks keep the runtime
    /// busy it looks at its reactor seldom. Wakes others, so never call it from a drop.
    fn fire_if_overdue(self: &Arc<Self>, now: Instant) {
        if !Alarm::EXACT && self.published().is_overdue(self.epoch.moment(now)) {
            self.fire(None);
        }
    }

    /// Wakes everyone who is due and arms the alarm for the next. An `event` of a kernel timer says
    /// so, or the clock.
    fn fire(self: &Arc<Self>, event: Option<Event<'_>>) {
        self.fire_at(event, self.epoch.moment(self.now()));
    }

    /// As it does at the moment `now`.
    fn fire_at(self: &Arc<Self>, mut event: Option<Event<'_>>, mut now: u64) {
        if !self.is_in_this_process() {
            return;
        }
        let published = self.published();
        let mut due = Batch::default();
        let (mut any, mut early) = (false, None);
        // Not so once others have been woken.
        let mut is_sample = true;
        loop {
            let mut state = self.state.0.lock();
            let Status::Open(wakeups) = &mut *state else {
                break;
            };
            published.clear_armed();
            fence(Ordering::SeqCst);
            if let Some(event) = event.take() {
                match wakeups.record_wakeup(event, now, published) {
                    Ok(is_early) => early = is_early.then_some(event.which),
                    Err(error) => {
                        self.close(state, &error);
                        break;
                    }
                }
            }
            for shard in self.used_shards() {
                if due.has_room() && shard.may_be_due(now) {
                    shard.pop_due(now, &mut due);
                }
            }
            any |= !due.is_empty();
            wakeups.count_fired(due.len());
            if !due.has_room() {
                // Perhaps there are more; what falls due meanwhile is for the next time, so that
                // the reactor is not kept from its other work.
                drop(state);
                due.wake();
                is_sample = false;
                continue;
            }
            let close = |many, within| self.has(many, now.saturating_add(within));
            wakeups.update_coalescing(now, any, close, published);
            let first = self.first();
            let waker = || self.waker(AlarmId::First);
            let armed = wakeups.rearm(now, first, is_sample, early.take(), waker);
            published.set_armed(wakeups.earliest(), wakeups.can_arm_ahead());
            published.set_due(first.map_or(NEVER, Window::hard_deadline));
            match armed {
                Ok(Armed::Waiting) => {
                    self.unlock(state);
                    break;
                }
                Ok(Armed::Due) => {
                    self.unlock(state);
                    due.wake();
                    (now, is_sample) = (self.epoch.moment(self.now()), true);
                }
                Err(error) => {
                    if !self.ask(state, &error) {
                        break;
                    }
                    due.wake();
                    (now, is_sample) = (self.epoch.moment(self.now()), false);
                }
            }
        }
        due.wake();
    }

    /// No timer of this driver will fire again: lets go of the kernel's timer and of the lock, and
    /// wakes everyone, so that each finds out at its next poll.
    fn close(&self, mut state: MutexGuard<'_, Status>, error: &io::Error) {
        // First: nobody shall find it there closed.
        self.closed.store(true, Ordering::Release);
        registry::unregister(self);
        let closed = mem::replace(&mut *state, Status::Closed(error.to_string()));
        drop(state);
        // The alarm goes before any waker is called.
        let Status::Open(wakeups) = closed else {
            return;
        };
        drop(wakeups);
        self.published().clear_armed();
        let mut wakers = Batch::default();
        for shard in &self.shards {
            shard.close(|waker| {
                if !wakers.has_room() {
                    wakers.wake();
                }
                wakers.push(waker);
            });
        }
        wakers.wake();
    }
}

/// Looks at the alarms of the driver that serves that runtime, if it has one.
pub(crate) fn observe<T>(runtime: &Handle, what: impl FnOnce(&mut Wakeups) -> T) -> Option<T> {
    let driver = registry::find(Scope::of(runtime)).ok()??;
    match &mut *driver.state.0.lock() {
        Status::Open(wakeups) => Some(what(wakeups)),
        Status::Closed(_) => None,
    }
}

/// How many timers of that runtime wait.
pub(crate) fn waiting(runtime: &Handle) -> usize {
    let driver = registry::find(Scope::of(runtime)).ok().flatten();
    driver.map_or(0, |driver| {
        driver.used_shards().iter().map(Shard::waiting).sum()
    })
}

/// What is said of an alarm that cannot be had.
fn refusal(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("the operating system refused a timer: {error}"),
        None => error.to_string(),
    }
}

/// Woken by the first kernel timer.
impl Wake for Driver {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.fire(Some(Event {
            which: AlarmId::First,
            waker: &Waker::from(Arc::clone(self)),
        }));
    }
}

/// Woken by the second.
struct Second(Arc<Driver>);

impl Wake for Second {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fire(Some(Event {
            which: AlarmId::Second,
            waker: &Waker::from(Arc::clone(self)),
        }));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        registry::unregister(self);
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use crate::sys::Alarm;
    use std::future::poll_fn;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;
    use std::task::Context;
    use std::time::Duration;
    use tokio::runtime::{Builder, Runtime};

    fn current() -> Arc<Driver> {
        Driver::get_or_start(&Handle::current()).unwrap()
    }

    /// Little that runs under the lock can panic: a queue that is full. The others wait on.
    #[test]
    fn a_panic_under_the_lock_harms_nobody_else() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let driver = current();
            let cx = &mut Context::from_waker(Waker::noop());
            let mut waits = Entry::current();
            let hour = Duration::from_secs(3600);
            let far = Instant::now() + hour;
            assert!(waits.poll_elapsed(cx, far, hour).is_pending());
            let panic = catch_unwind(AssertUnwindSafe(|| {
                let _guard = driver.state.0.lock();
                panic!("under the lock");
            }));
            assert!(panic.is_err());
            let deadline = Instant::now() + Duration::from_millis(1);
            waits.reset(deadline, hour);
            let mut comes = Entry::current();
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
        let driver = Alarm::PER_RUNTIME.then(|| Driver::get_or_start(runtime.handle()).unwrap());
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
                let mut entry = Entry::current();
                assert!(entry.poll_elapsed(cx, far, hour).is_pending());
                entry
            })
            .collect();

        let refusal = io::Error::other("refused");
        let refused = driver.release(driver.state.0.lock(), Err(refusal));
        assert!(matches!(refused, Err(Closed)));
        assert_eq!(driver.close_reason(), "refused");
        assert_eq!(count.get(), 100);
        assert_eq!(Arc::strong_count(&count), 2, "the wakers are gone");
        for entry in &mut waits {
            let poll = AssertUnwindSafe(|| entry.poll_elapsed(cx, far, hour));
            let panic = catch_unwind(poll).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"refused".to_owned()));
        }

        let next = current();
        assert!(!Arc::ptr_eq(&next, &driver));
        assert!(Arc::ptr_eq(&next, &current()));
        let polled = Entry::current().poll_elapsed(cx, far, hour);
        assert!(polled.is_pending());
    }

    /// Whoever says so, and however.
    #[test]
    fn a_wake_up_wakes_who_is_due() {
        let Some((runtime, driver)) = of_its_own() else {
            return;
        };
        let _context = runtime.enter();
        let fires: [fn(&Arc<Driver>); 3] = [
            |driver| driver.waker(AlarmId::First).wake(),
            |driver| driver.waker(AlarmId::First).wake_by_ref(),
            |driver| {
                let state = driver.state.0.lock();
                driver.release(state, Ok(Armed::Due)).unwrap();
            },
        ];
        for fire in fires {
            let count = Arc::new(Count::default());
            let waker = Waker::from(Arc::clone(&count));
            let cx = &mut Context::from_waker(&waker);
            let mut entry = Entry::current();
            let wait = Duration::from_millis(5);
            // This thread may be preempted until it has passed.
            while entry.poll_elapsed(cx, driver.now() + wait, wait).is_ready() {}
            std::thread::sleep(2 * wait);
            fire(&driver);
            assert_eq!(count.get(), 1);
        }
    }

    /// It may be on its way while the kernel refuses the timer that it is of.
    #[test]
    fn an_event_of_a_timer_that_is_gone_is_nothing() {
        let Some((runtime, driver)) = of_its_own() else {
            return;
        };
        let _context = runtime.enter();
        if let Status::Open(wakeups) = &mut *driver.state.0.lock() {
            wakeups.alarms().drop_second();
        }
        driver.waker(AlarmId::Second).wake();
        assert!(driver.is_open());
    }

    /// It is not asked for again at once: under a clock that stands still it would be early without
    /// end.
    #[test]
    fn an_alarm_that_was_early_is_held_back() {
        // There the clock that can be paused has an alarm of its own.
        if Alarm::EXACT || !Alarm::PER_RUNTIME {
            return;
        }
        // `None` if this thread was preempted, or too slow, until the deadline had passed.
        let held = |wait| {
            let (runtime, driver) = of_its_own()?;
            runtime.block_on(async {
                let wait = Duration::from_micros(wait);
                let mut entry = Entry::current();
                let deadline = driver.now() + wait;
                let mut poll = |cx: &mut Context<'_>| entry.poll_elapsed(cx, deadline, wait);
                let waits = poll(&mut Context::from_waker(Waker::noop())).is_pending();
                let early = driver.now();
                driver.waker(AlarmId::First).wake();
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
        // Short of the time for which it is held, which an emulator needs.
        let waits = (300..800).chain([800; 500]);
        let held: Vec<_> = waits.filter_map(held).take(5).collect();
        assert!(!held.is_empty(), "preempted each time");
        for held in held {
            assert!(held >= Duration::from_millis(1), "{held:?}");
        }
    }
}
