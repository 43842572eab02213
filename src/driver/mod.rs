//! All timers of one runtime, or of the process, on one or two alarms.
//!
//! The driver has no task and no thread. It *is* the waker of its alarms. When a kernel timer fires, the
//! reactor calls [`Driver::fire`], which wakes the timers that are due and arms an alarm for the next, if
//! none is armed. A wake-up is only a hint; the clock decides. A wake-up that comes early, or for no timer,
//! wakes no task.
//!
//! The timers are in shards, and each thread uses one. So threads that create and drop timers do not write
//! to memory that others use. The alarms have a lock of their own, the driver's lock. Firing takes it, and so
//! does a timer that comes first. It is acquired before a shard's lock.
//!
//! Foreign code (a waker's clone, wake and drop) always runs outside the locks.

mod alarms;
mod coalesce;
mod entry;
mod lateness;
mod published;
pub(crate) mod queue;
mod registry;
mod shard;
#[cfg(test)]
mod tests;
mod timer_state;
mod timers;
mod wake_list;
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
use timer_state::StateBlock;
use wake_list::WakeList;
use wakeups::Wakeup;

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
    /// The epoch on a clock that cannot be paused.
    real_epoch: std::time::Instant,
    closed: AtomicBool,
    shards: Box<[Shard]>,
    /// How often a thread was assigned a shard.
    assignments: CachePadded<unchecked::AtomicUsize>,
    published: CachePadded<Published>,
    status: CachePadded<Mutex<Status>>,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, in place, and it is nearly always the large one"
)]
enum Status {
    Open(Wakeups),
    /// The reason: the runtime shut down, or the kernel refused its timer.
    Closed(String),
}

impl Driver {
    /// Returns the driver that serves the runtime. Starts it if this is the runtime's first timer.
    ///
    /// # Errors
    ///
    /// If the kernel refuses its timer and tokio's cannot serve in its place, and if the runtime belongs to
    /// another process.
    ///
    /// # Panics
    ///
    /// At the caller's location, as tokio does, if the runtime lacks the driver that the alarm needs.
    #[track_caller]
    fn get_or_start(handle: &Handle) -> io::Result<Arc<Self>> {
        let scope = Scope::of(handle);
        match registry::find(scope)? {
            Some(driver) => Ok(driver),
            None => Self::start(handle, scope, false),
        }
    }

    /// Returns the driver that serves the runtime, on the kernel's timer. Starts it if this is the runtime's
    /// first timer.
    ///
    /// # Errors
    ///
    /// If the kernel refuses its timer.
    #[track_caller]
    fn require_native(handle: &Handle) -> io::Result<Arc<Self>> {
        let scope = Scope::of(handle);
        let Some(driver) = registry::find(scope)? else {
            return Self::start(handle, scope, true);
        };
        let mut status = driver.status.0.lock();
        let required = match &mut *status {
            Status::Open(wakeups) => wakeups.require_native(&driver.waker(AlarmId::First)),
            Status::Closed(reason) => Err(io::Error::other(reason.clone())),
        };
        driver.unlock(status);
        required.map(|()| driver)
    }

    #[track_caller]
    fn start(handle: &Handle, scope: Scope, requires_native: bool) -> io::Result<Arc<Self>> {
        // A timer may first wait on a thread of another runtime.
        let is_current = Handle::try_current().is_ok_and(|current| current.id() == handle.id());
        let _context = (!is_current).then(|| handle.enter());
        let clock = TokioClock::new(handle);
        let epoch = Epoch(clock.now());
        let alarms = match Alarms::new(handle, requires_native, epoch) {
            Ok(alarms) => alarms,
            // Another thread may have started the driver meanwhile, with the last descriptor.
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
            shards: (0..scope.shards(handle)).map(|_| Shard::new()).collect(),
            assignments: CachePadded(unchecked::AtomicUsize::new(0)),
            published: CachePadded(wakeups.published()),
            status: CachePadded(Mutex::new(Status::Open(wakeups))),
        });
        // Locked before it is registered: a thread that finds it there waits until it listens.
        let mut status = driver.status.0.lock();
        if let Err(existing) = registry::register(&driver) {
            return Ok(existing);
        }
        if let Status::Open(wakeups) = &mut *status {
            let mut all = [Some(AlarmId::First), second].into_iter().flatten();
            let listening = all.try_for_each(|alarm| wakeups.listen(alarm, &driver.waker(alarm)));
            if let Err(error) = listening {
                driver.close(status, &error);
                return Err(error);
            }
        }
        driver.unlock(status);
        Ok(driver)
    }

    /// Returns the waker for an alarm. Each alarm has its own, which tells their wake-ups apart.
    fn waker(self: &Arc<Self>, alarm: AlarmId) -> Waker {
        match alarm {
            AlarmId::First => Waker::from(Arc::clone(self)),
            AlarmId::Second => Waker::from(Arc::new(SecondWaker(Arc::clone(self)))),
        }
    }

    /// Reads the clock that decides whether a timer of this driver is due.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Returns the nanoseconds since the driver was created, by a clock that cannot be paused.
    fn real_timestamp(&self) -> u64 {
        nanos(self.real_epoch.elapsed())
    }

    fn published(&self) -> &Published {
        &self.published.0
    }

    /// Returns `true` if this process created the driver.
    ///
    /// A forked child does not touch its parent's driver. The kernel timers are the parent's, and a lock may
    /// be held by a thread that the child does not have.
    #[inline]
    fn is_in_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// Returns `true` if the driver hears of its runtime's shutdown, so that it need not end with its last
    /// timer.
    fn outlives_timers(&self) -> bool {
        self.published().hears_shutdown()
    }

    fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Returns the reason why no timer can wait in this driver.
    fn close_reason(&self) -> String {
        if !self.is_in_this_process() {
            return process::inherited().to_string();
        }
        match &*self.status.0.lock() {
            Status::Open(_) => unreachable!("the driver closes before its shards do"),
            Status::Closed(reason) => reason.clone(),
        }
    }

    /// Assigns a shard to a thread. Threads get the shards in turn.
    fn assign_shard(&self) -> usize {
        self.assignments.0.fetch_add(1, Ordering::Relaxed) % self.shards.len()
    }

    fn is_assigned(&self, shard: usize) -> bool {
        shard < self.assigned_shards().len()
    }

    fn assigned_shards(&self) -> &[Shard] {
        let assignments = self.assignments.0.load(Ordering::Relaxed);
        &self.shards[..assignments.min(self.shards.len())]
    }

    /// Inserts `waker`, to be woken within `window`, in place of the slot's previous wait. A timer without a
    /// slot gets one.
    ///
    /// `period` is the time after which the timer is likely to wait again, or 0.
    ///
    /// # Errors
    ///
    /// If the driver is closed, or belongs to another process.
    #[inline]
    fn insert(
        block: &mut Arc<StateBlock>,
        slot: &mut Option<SlotId>,
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
        let inserted = shard.insert(block, slot, window, period, waker)?;
        let result = driver.arm_for(window, inserted.is_first, period, now);
        if let Some(new_block) = inserted.new_block {
            *block = new_block;
            registry::cache(block);
        }
        // Last: its destructor may panic.
        drop(inserted.replaced);
        result
    }

    /// Arms an alarm for a new wait, if the wait comes first in its shard and no alarm serves it. Also arms
    /// ahead, if that is likely to pay.
    #[inline]
    fn arm_for(
        self: &Arc<Self>,
        window: Window,
        is_first: bool,
        period: u64,
        now: Option<Instant>,
    ) -> Result<(), Closed> {
        let published = self.published();
        let must_arm = is_first && self.must_arm(window);
        // Only a timer that is likely to wait again is worth a system call in advance.
        let arm_ahead = (period > 0 || published.is_coalescing()) && published.can_arm_ahead();
        if must_arm || arm_ahead {
            self.arm_alarms(window, must_arm, arm_ahead, now)?;
        }
        if Alarm::CAN_BE_EXACT && !Alarm::EXACT {
            self.follow_clock();
        }
        Ok(())
    }

    /// Rearms the alarm if the runtime's clock was paused or moved: the alarm's time on that clock may come
    /// late, or never.
    fn follow_clock(self: &Arc<Self>) {
        if self.published().is_exact() || !self.clock.differs() {
            return;
        }
        let mut status = self.status.0.lock();
        let Status::Open(wakeups) = &mut *status else {
            return;
        };
        if wakeups.clock_moved() {
            self.published().clear_armed();
            fence(Ordering::SeqCst);
            let armed =
                wakeups.rearm_on_moved_clock(self.next_window(), || self.waker(AlarmId::First));
            self.published().set_armed(wakeups.earliest(), false);
            let _ = self.finish_arming(status, armed);
        }
    }

    /// Returns `true` if no alarm serves `window`, whose shard's bounds must include it already.
    fn must_arm(&self, window: Window) -> bool {
        fence(Ordering::SeqCst);
        let published = self.published();
        let must_arm = published.must_arm(window.hard_deadline());
        if !must_arm {
            // The alarm will fire, but it may be long until the reactor polls for it.
            published.lower_expected_wakeup(window.hard_deadline());
        }
        must_arm
    }

    /// Arms the alarms under the driver's lock.
    fn arm_alarms(
        self: &Arc<Self>,
        window: Window,
        must_arm: bool,
        arm_ahead: bool,
        now: Option<Instant>,
    ) -> Result<(), Closed> {
        let published = self.published();
        let mut status = self.status.0.lock();
        let Status::Open(wakeups) = &mut *status else {
            return Err(Closed);
        };
        let waker = || self.waker(AlarmId::First);
        let mut armed = Ok(Armed::Waiting);
        if must_arm {
            armed = wakeups.arm_if_earlier(window, true, waker);
            published.lower_expected_wakeup(window.hard_deadline());
        }
        if matches!(armed, Ok(Armed::Waiting)) && arm_ahead {
            let ahead = wakeups.arm_ahead(
                || self.epoch.timestamp(now.unwrap_or_else(|| self.now())),
                |wakeup| self.predict_after(wakeup),
                waker,
            );
            // An error does no harm: the alarm that must fire is armed.
            armed = Ok(ahead.unwrap_or(Armed::Waiting));
        }
        // If there was no timer to arm ahead for, there is none before the next wake-up.
        published.set_armed(wakeups.earliest(), !arm_ahead && wakeups.can_arm_ahead());
        self.finish_arming(status, armed)
    }

    /// Moves a waiting timer to `window`.
    fn reset(block: &StateBlock, slot: SlotId, window: Window) {
        let driver = &block.driver;
        if !driver.is_in_this_process() {
            return;
        }
        if driver.shards[block.shard].reset(block, slot, window) && driver.must_arm(window) {
            driver.arm_if_earlier(window);
        }
        driver.rearm_if_exact();
    }

    /// Arms an alarm for `window`, which may have passed, unless one fires by its hard deadline.
    fn arm_if_earlier(self: &Arc<Self>, window: Window) {
        let mut status = self.status.0.lock();
        let Status::Open(wakeups) = &mut *status else {
            return;
        };
        let armed = wakeups.arm_if_earlier(window, false, || self.waker(AlarmId::First));
        self.published()
            .lower_expected_wakeup(window.hard_deadline());
        self.published()
            .set_armed(wakeups.earliest(), wakeups.can_arm_ahead());
        let _ = self.finish_arming(status, armed);
    }

    /// Stops the timer's wait. Returns its waker.
    fn cancel(block: &StateBlock, slot: SlotId) -> Option<Waker> {
        let driver = &block.driver;
        if !driver.is_in_this_process() {
            return None;
        }
        let waker = driver.shards[block.shard].cancel(block, slot);
        driver.rearm_if_exact();
        waker
    }

    /// Stops the wait of a dropped timer, and frees its slot or leaves it vacant.
    fn remove(block: &StateBlock, slot: SlotId) {
        let driver = &block.driver;
        if driver.is_in_this_process() {
            let _waker = driver.shards[block.shard].remove(block, slot);
            driver.rearm_if_exact();
        }
    }

    /// Returns `true` if an alarm must not be left armed for a removed timer.
    fn is_exact(&self) -> bool {
        Alarm::EXACT || Alarm::CAN_BE_EXACT && self.published().is_exact()
    }

    /// Rearms or disarms an exact alarm, which must not be left armed for a removed timer.
    fn rearm_if_exact(self: &Arc<Self>) {
        if !self.is_exact() {
            return;
        }
        let mut status = self.status.0.lock();
        let Status::Open(wakeups) = &mut *status else {
            return;
        };
        self.published().clear_armed();
        fence(Ordering::SeqCst);
        let armed = wakeups.rearm_if_exact(self.next_window(), || self.waker(AlarmId::First));
        self.published().set_armed(wakeups.earliest(), false);
        let _ = self.finish_arming(status, armed);
    }

    /// Returns the window of the next timer. Looks closer at a shard whose bound may be that of a removed
    /// timer.
    fn next_window(&self) -> Option<Window> {
        let shards = self.assigned_shards();
        loop {
            let bounds = shards
                .iter()
                .map(|shard| (shard.hard_deadline_bound(), shard));
            let (bound, shard) = bounds.min_by_key(|(bound, _)| *bound)?;
            if bound == NEVER {
                return None;
            }
            let first = shard.next_window();
            if first.is_some_and(|first| first.hard_deadline() <= bound) {
                return first;
            }
        }
    }

    /// Predicts the next window after a wake-up at `wakeup`.
    fn predict_after(&self, wakeup: u64) -> Option<Window> {
        let mut first: Option<Window> = None;
        for shard in self.assigned_shards() {
            if first.is_none_or(|first| shard.hard_deadline_bound() < first.hard_deadline()) {
                let next = shard.predict_after(wakeup);
                first = first
                    .into_iter()
                    .chain(next)
                    .min_by_key(|window| window.hard_deadline());
            }
        }
        first
    }

    /// Returns `true` if at least `count` timers have hard deadlines at or before `until`.
    fn has_due(&self, count: usize, until: u64) -> bool {
        let mut missing = count;
        for shard in self.assigned_shards() {
            if missing > 0 && shard.hard_deadline_bound() <= until {
                missing -= shard.count(until, missing);
            }
        }
        missing == 0
    }

    /// Releases the driver's lock after arming. Fires at once if the alarm has expired already, and handles
    /// its error.
    ///
    /// # Errors
    ///
    /// If the error closed the driver. All waiting tasks are woken to find out, so only a caller that is
    /// about to wait must check.
    fn finish_arming(
        self: &Arc<Self>,
        status: MutexGuard<'_, Status>,
        armed: io::Result<Armed>,
    ) -> Result<(), Closed> {
        match armed {
            Ok(Armed::Waiting) => self.unlock(status),
            Ok(Armed::Due) => {
                self.unlock(status);
                self.fire(None);
            }
            Err(error) => {
                if self.probe_or_close(status, &error) {
                    self.fire(None);
                }
                if !self.is_open() {
                    return Err(Closed);
                }
            }
        }
        Ok(())
    }

    /// Handles an alarm that could not be armed. Returns `true` if tokio's timer was probed, so that arming
    /// may succeed now. Otherwise closes the driver.
    fn probe_or_close(&self, mut status: MutexGuard<'_, Status>, error: &io::Error) -> bool {
        let probe = match &mut *status {
            Status::Open(wakeups) => wakeups.probe(),
            Status::Closed(_) => None,
        };
        let Some(probe) = probe else {
            self.close(status, error);
            return false;
        };
        drop(status);
        let serves = probe.run();
        if let Status::Open(wakeups) = &mut *self.status.0.lock() {
            wakeups.probed(serves);
        }
        true
    }

    /// Releases the driver's lock. Publishes and reports what has changed about the alarms.
    fn unlock(self: &Arc<Self>, mut status: MutexGuard<'_, Status>) {
        let mut release_blocks = false;
        let event = match &mut *status {
            Status::Open(wakeups) => {
                release_blocks = self
                    .published()
                    .set_hears_shutdown(wakeups.hears_shutdown());
                if Alarm::CAN_BE_EXACT {
                    self.published().set_exact(wakeups.is_exact());
                }
                wakeups.take_event(|| self.waker(AlarmId::Second))
            }
            Status::Closed(_) => None,
        };
        drop(status);
        if release_blocks {
            for shard in self.assigned_shards() {
                shard.release_blocks();
            }
        }
        if let Some(event) = event {
            // A subscriber may panic.
            catch_foreign(|| events::alarm(&event));
        }
    }

    /// Fires if the kernel should have woken the driver well before `now`: while tasks keep the runtime busy,
    /// it seldom polls its reactor. Wakes other tasks, so never call it from a drop.
    fn fire_if_overdue(self: &Arc<Self>, now: Instant) {
        if !Alarm::EXACT && self.published().take_overdue(self.epoch.timestamp(now)) {
            self.fire(None);
        }
    }

    /// Wakes the timers that are due and arms an alarm for the next. `wakeup` is the alarm's wake-up, if one
    /// caused this.
    fn fire(self: &Arc<Self>, wakeup: Option<Wakeup<'_>>) {
        self.fire_at(wakeup, self.epoch.timestamp(self.now()));
    }

    /// Fires, with `now` as the current time.
    fn fire_at(self: &Arc<Self>, mut wakeup: Option<Wakeup<'_>>, mut now: u64) {
        if !self.is_in_this_process() {
            return;
        }
        let published = self.published();
        let mut due = WakeList::default();
        let (mut any_due, mut early_alarm) = (false, None);
        // False once tasks have been woken since the clock was read.
        let mut samples_lateness = true;
        loop {
            let mut status = self.status.0.lock();
            let Status::Open(wakeups) = &mut *status else {
                break;
            };
            published.clear_armed();
            fence(Ordering::SeqCst);
            if let Some(wakeup) = wakeup.take() {
                match wakeups.record_wakeup(wakeup, now, published) {
                    Ok(is_early) => early_alarm = is_early.then_some(wakeup.alarm),
                    Err(error) => {
                        self.close(status, &error);
                        break;
                    }
                }
            }
            for shard in self.assigned_shards() {
                if due.can_push() && shard.may_be_due(now) {
                    shard.pop_due(now, &mut due);
                }
            }
            any_due |= !due.is_empty();
            wakeups.count_fired(due.len());
            if !due.can_push() {
                // There may be more. `now` stays the same: timers that fall due meanwhile are left for the
                // next wake-up, so that the reactor gets back to its other work.
                drop(status);
                due.wake_all();
                samples_lateness = false;
                continue;
            }
            let due_within = |count, time| self.has_due(count, now.saturating_add(time));
            wakeups.finish_wakeup(now, any_due, due_within, published);
            let first = self.next_window();
            let waker = || self.waker(AlarmId::First);
            let armed = wakeups.rearm(now, first, samples_lateness, early_alarm.take(), waker);
            published.set_armed(wakeups.earliest(), wakeups.can_arm_ahead());
            published.set_expected_wakeup(first.map_or(NEVER, Window::hard_deadline));
            match armed {
                Ok(Armed::Waiting) => {
                    self.unlock(status);
                    break;
                }
                Ok(Armed::Due) => {
                    self.unlock(status);
                    due.wake_all();
                    (now, samples_lateness) = (self.epoch.timestamp(self.now()), true);
                }
                Err(error) => {
                    if !self.probe_or_close(status, &error) {
                        break;
                    }
                    due.wake_all();
                    (now, samples_lateness) = (self.epoch.timestamp(self.now()), false);
                }
            }
        }
        due.wake_all();
    }

    /// Shuts the driver down. Closes the kernel timers, releases the lock, and wakes every waiting task. The
    /// task's next poll panics with the reason.
    fn close(&self, mut status: MutexGuard<'_, Status>, error: &io::Error) {
        // Before anything else: from here on the registry does not return this driver.
        self.closed.store(true, Ordering::Release);
        registry::unregister(self);
        let before = mem::replace(&mut *status, Status::Closed(error.to_string()));
        drop(status);
        // The alarms are dropped before any waker is woken.
        let Status::Open(wakeups) = before else {
            return;
        };
        drop(wakeups);
        self.published().clear_armed();
        let mut wakers = WakeList::default();
        for shard in &self.shards {
            shard.close(|waker| {
                if !wakers.can_push() {
                    wakers.wake_all();
                }
                wakers.push(waker);
            });
        }
        wakers.wake_all();
    }
}

/// Calls `read` with the alarms and counters of the runtime's driver, if it has one.
pub(crate) fn observe<T>(runtime: &Handle, read: impl FnOnce(&mut Wakeups) -> T) -> Option<T> {
    let driver = registry::find(Scope::of(runtime)).ok()??;
    match &mut *driver.status.0.lock() {
        Status::Open(wakeups) => Some(read(wakeups)),
        Status::Closed(_) => None,
    }
}

/// Returns the number of waiting timers of the runtime.
pub(crate) fn waiting(runtime: &Handle) -> usize {
    let driver = registry::find(Scope::of(runtime)).ok().flatten();
    driver.map_or(0, |driver| {
        driver.assigned_shards().iter().map(Shard::waiting).sum()
    })
}

/// Returns the panic message for an alarm that is refused.
fn refusal(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("the operating system refused a timer: {error}"),
        None => error.to_string(),
    }
}

/// Woken by the first alarm.
impl Wake for Driver {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.fire(Some(Wakeup {
            alarm: AlarmId::First,
            waker: &Waker::from(Arc::clone(self)),
        }));
    }
}

/// Woken by the second alarm.
struct SecondWaker(Arc<Driver>);

impl Wake for SecondWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fire(Some(Wakeup {
            alarm: AlarmId::Second,
            waker: &Waker::from(Arc::clone(self)),
        }));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        registry::unregister(self);
    }
}
