//! A timer's side of its driver: all that an interval, a sleep or a timeout needs.

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::hint;
use std::io;
use std::marker::PhantomData;
use std::pin::pin;
use std::ptr;
use std::task::{Context, Poll, RawWakerVTable, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{coop, yield_now};
use tokio::time::Instant;

use super::published::ASSUMED_DRIVER_LATENESS;
use super::queue::{SlotId, Window};
use super::registry::{self, Scope};
use super::shard::Closed;
use super::timer_state::{MAX_TIMESTAMP, StateBlock};
use super::{Driver, refusal};
use crate::precision::{Precision, TimerOptions};
use crate::saturating::nanos;
use crate::sync::{Arc, thread_static};
use crate::sys::{self, Alarm, TokioClock};

/// The time for which a spinning task reads the clock before it yields. Long enough that polling it so often
/// costs the other tasks little, short enough that they need not wait for it.
const SPIN_SLICE: Duration = Duration::from_micros(3);

/// A timer that is polled again and again while it waits reads the clock once in this many polls. Reading the
/// clock costs more than the rest of such a poll.
const POLLS_PER_CLOCK_READ: u8 = 16;

/// Of this many timers that need not read the clock, one checks whether the driver is overdue.
const TIMERS_PER_OVERDUE_CHECK: u8 = 4;

thread_static! {
    /// The number of timers since the last check, modulo [`TIMERS_PER_OVERDUE_CHECK`].
    static TIMERS_SINCE_OVERDUE_CHECK: Cell<u8> = Cell::new(0);
}

thread_static! {
    /// The clock as it was read when this thread last created a sleep or a timeout.
    static LAST_CREATED: Cell<Option<Instant>> = Cell::new(None);
}

/// What a public timer holds: its slot, its state and its options.
#[derive(Debug)]
pub(crate) struct Entry {
    driver: DriverRef,
    phase: Phase,
    options: TimerOptions,
    /// `None` until the first wait: a timer that never waits costs the queue nothing.
    slot: Option<SlotId>,
    /// The number of polls since one that read the clock, modulo [`POLLS_PER_CLOCK_READ`].
    polls_since_clock_read: u8,
    /// True if it has waited since it was created, was ready or was reset.
    has_waited: bool,
    /// True if its deadline was far in the future when it was created.
    is_far: bool,
    /// True if its last deadline was a whole number of periods after the one before. The next is likely to
    /// be, too.
    is_periodic: bool,
    /// Not unwind safe, like tokio's timers. To be unwind safe would be a promise.
    _not_unwind_safe: PhantomData<Box<dyn Any + Send + Sync>>,
}

/// The driver of an entry, looked up at the first wait: many timeouts never wait.
#[derive(Debug)]
enum DriverRef {
    Unresolved(Handle),
    /// The block that holds the entry's state. Before the first wait, any block of the thread's shard.
    Resolved(Arc<StateBlock>),
}

impl DriverRef {
    /// Returns the block. Looks the driver up if that has not been done.
    ///
    /// # Panics
    ///
    /// If there is no driver, and the alarm of a new one is refused.
    #[inline]
    #[track_caller]
    fn resolve(&mut self) -> &mut Arc<StateBlock> {
        if let Self::Unresolved(runtime) = self {
            *self = Self::Resolved(resolve_block(runtime));
        }
        match self {
            Self::Resolved(block) => block,
            Self::Unresolved(_) => unreachable!("the driver has just been looked up"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The queue was given the waker with these parts. It no longer holds that waker if the timer has fired.
    Waiting(usize, &'static RawWakerVTable),
    /// The real timestamp at which the spin started, or [`NOT_SPINNING`].
    Spinning(u64),
}

/// No spin starts at this timestamp.
const NOT_SPINNING: u64 = u64::MAX;

impl Phase {
    fn waiting_with(waker: &Waker) -> Self {
        Self::Waiting(waker.data() as usize, waker.vtable())
    }

    fn is_waiting_with(self, waker: &Waker) -> bool {
        match self {
            Self::Waiting(data, vtable) => {
                data == waker.data() as usize && ptr::eq(vtable, waker.vtable())
            }
            Self::Spinning(_) => false,
        }
    }
}

impl Entry {
    /// Creates an entry in the current runtime.
    ///
    /// # Panics
    ///
    /// At the caller's location: as tokio does, outside a runtime or in one that lacks the driver that the
    /// alarm needs; and if the alarm is refused.
    #[inline]
    #[track_caller]
    pub(crate) fn current() -> Self {
        let handle = Handle::current();
        if !Alarm::OUTLIVES_TIMERS {
            // The entry keeps its driver alive. Otherwise each timer that does not wait would start one.
            let block = resolve_block(&handle);
            return Self::new(DriverRef::Resolved(block));
        }
        if !registry::has_seen_driver(Scope::of(&handle)) {
            ensure_driver(&handle);
        }
        Self::for_runtime(handle)
    }

    /// Like [`current`](Self::current), for a timer that is created at `now` and due after `wait`.
    #[inline]
    #[track_caller]
    pub(crate) fn current_for(now: Instant, wait: Duration) -> Self {
        let mut entry = Self::current();
        entry.is_far = wait > ASSUMED_DRIVER_LATENESS;
        LAST_CREATED.with(|created| created.set(Some(now)));
        entry
    }

    /// Creates an entry in the current runtime.
    ///
    /// # Errors
    ///
    /// Where [`current`](Self::current) panics, and if the kernel refuses its timer.
    pub(crate) fn try_current() -> io::Result<Self> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        if !Alarm::OUTLIVES_TIMERS {
            let block = sys::catch_disabled(|| {
                let _keep_alive = Driver::require_native(&handle)?;
                registry::block(&handle)
            })?;
            return Ok(Self::new(DriverRef::Resolved(block)));
        }
        sys::catch_disabled(|| registry::require_native(&handle))?;
        Ok(Self::for_runtime(handle))
    }

    #[inline]
    pub(super) fn for_runtime(runtime: Handle) -> Self {
        Self::new(DriverRef::Unresolved(runtime))
    }

    #[inline]
    fn new(driver: DriverRef) -> Self {
        Self {
            driver,
            phase: Phase::Spinning(NOT_SPINNING),
            options: TimerOptions::default(),
            slot: None,
            polls_since_clock_read: 0,
            has_waited: false,
            is_far: false,
            is_periodic: false,
            _not_unwind_safe: PhantomData,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.driver {
            DriverRef::Unresolved(runtime) => TokioClock::new(runtime).now(),
            DriverRef::Resolved(block) => block.driver.now(),
        }
    }

    /// Changes the options. A wait that has begun keeps the old ones, until [`reset`](Self::reset) or
    /// [`apply_options`](Self::apply_options).
    pub(crate) fn configure(&mut self, set: impl FnOnce(&mut TimerOptions)) {
        set(&mut self.options);
    }

    pub(crate) fn options(&self) -> TimerOptions {
        self.options
    }

    /// Waits for `deadline`, the next of one every `period`. Returns the time at which it was found to have
    /// passed.
    ///
    /// Takes part in tokio's cooperative budget, even if `deadline` has passed already. But an entry that has
    /// waited may be ready although the budget is spent: a task that polls again and again, and never yields,
    /// must see the deadline pass.
    ///
    /// # Panics
    ///
    /// If it has to wait and the driver is closed.
    #[track_caller]
    pub(crate) fn poll_elapsed(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
        period: Duration,
    ) -> Poll<Instant> {
        let is_waiting = self.is_waiting_with(cx.waker());
        if is_waiting {
            let read_clock = self.polls_since_clock_read == 0;
            self.polls_since_clock_read = (self.polls_since_clock_read + 1) % POLLS_PER_CLOCK_READ;
            if !read_clock {
                return Poll::Pending;
            }
        }
        let coop = match coop::poll_proceed(cx) {
            Poll::Ready(coop) => Some(coop),
            Poll::Pending if self.has_waited => None,
            Poll::Pending => {
                self.has_waited = true;
                return Poll::Pending;
            }
        };
        if let Some(timestamp) = self.assume_pending(deadline) {
            self.insert(timestamp, 0, period, None, cx.waker());
            self.check_overdue_sometimes();
            return Poll::Pending;
        }
        let now = self.now();
        if now >= deadline {
            return self.complete(now, coop);
        }
        if is_waiting {
            if let DriverRef::Resolved(block) = &self.driver {
                block.driver.fire_if_overdue(now);
            }
        } else if coop.is_some() {
            return self.spin_or_insert(cx, deadline, period, now, coop);
        }
        Poll::Pending
    }

    /// Ends the wait: the deadline has passed.
    fn complete(&mut self, now: Instant, coop: Option<coop::RestoreOnPending>) -> Poll<Instant> {
        self.cancel();
        self.phase = Phase::Spinning(NOT_SPINNING);
        (self.has_waited, self.is_far) = (false, false);
        if let Some(coop) = coop {
            coop.made_progress();
        }
        if let DriverRef::Resolved(block) = &self.driver {
            block.driver.fire_if_overdue(now);
        }
        Poll::Ready(now)
    }

    /// Returns `true` if the queue will wake `waker`. Takes no lock.
    fn is_waiting_with(&self, waker: &Waker) -> bool {
        self.phase.is_waiting_with(waker) && self.is_waiting()
    }

    /// Returns `true` if the queue holds a waker of this entry.
    #[inline]
    fn is_waiting(&self) -> bool {
        match (&self.driver, self.slot) {
            (DriverRef::Resolved(block), Some(slot)) => {
                block.driver.is_in_this_process() && block.get(slot).is_waiting()
            }
            _ => false,
        }
    }

    /// Waits for a `deadline` that has not passed: spins if it is within the lead, or else waits in the
    /// queue.
    #[track_caller]
    fn spin_or_insert(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
        period: Duration,
        mut now: Instant,
        coop: Option<coop::RestoreOnPending>,
    ) -> Poll<Instant> {
        let driver = &self.driver.resolve().driver;
        let (epoch, lateness) = (driver.epoch, driver.published().lead());
        let mut lead = self.options.lead(lateness, period);
        if lead != 0 && nanos(deadline - now) <= lead {
            // The queue must not keep the waker of an earlier poll.
            self.cancel();
            if self.may_spin(lead) {
                self.has_waited = true;
                now = self.spin(deadline);
                if now >= deadline {
                    return self.complete(now, coop);
                }
                yield_to_runtime(cx);
                return Poll::Pending;
            }
            lead = 0;
        }
        let timestamp = epoch.timestamp(deadline).min(MAX_TIMESTAMP);
        self.insert(timestamp, lead, period, Some(now), cx.waker());
        Poll::Pending
    }

    /// Returns the timestamp of `deadline` if the deadline is surely in the future, so that the clock need
    /// not be read: that would take as long as the rest of the poll.
    ///
    /// That is so before the wait begins, if the deadline was far in the future when the timer was created,
    /// and is so far after an armed alarm that it has passed only if the driver is as late.
    fn assume_pending(&mut self, deadline: Instant) -> Option<u64> {
        if !self.is_far
            || self.has_waited
            || Alarm::EXACT
            || self.options.precision() == Precision::Spin
        {
            return None;
        }
        if let DriverRef::Unresolved(runtime) = &self.driver {
            self.driver = DriverRef::Resolved(registry::cached(Scope::of(runtime))?);
        }
        let driver = &self.driver.resolve().driver;
        let timestamp = driver.epoch.timestamp(deadline).min(MAX_TIMESTAMP);
        driver
            .published()
            .is_far_after_armed(timestamp)
            .then_some(timestamp)
    }

    /// For one in [`TIMERS_PER_OVERDUE_CHECK`] timers, fires the driver if it is overdue. Does not read the
    /// clock, but uses the reading from when this thread last created a timer.
    fn check_overdue_sometimes(&self) {
        let timers = TIMERS_SINCE_OVERDUE_CHECK
            .with(|timers| timers.replace((timers.get() + 1) % TIMERS_PER_OVERDUE_CHECK));
        if timers > 0 {
            return;
        }
        if let (Some(created), DriverRef::Resolved(block)) =
            (LAST_CREATED.with(Cell::get), &self.driver)
        {
            block.driver.fire_if_overdue(created);
        }
    }

    /// Inserts a clone of `waker` into the queue, to be woken `lead` before `deadline`.
    #[track_caller]
    fn insert(
        &mut self,
        deadline: u64,
        lead: u64,
        period: Duration,
        now: Option<Instant>,
        waker: &Waker,
    ) {
        let block = self.driver.resolve();
        let window = wakeup_window(self.options, block, deadline, lead, period);
        let last = self.slot.map(|slot| block.get(slot).deadline());
        let period = likely_period(&mut self.is_periodic, last, window.deadline(), period);
        // The phase keeps the parts of the clone, which the queue owns. Those of the original may come to
        // mean another waker.
        let waker = waker.clone();
        // Set before the insertion: dropping the waker that it replaces may panic, and `cancel` must then
        // know of the new one.
        self.phase = Phase::waiting_with(&waker);
        self.polls_since_clock_read = 0;
        self.has_waited = true;
        if let Err(Closed) = Driver::insert(block, &mut self.slot, window, period, now, waker) {
            panic!("{}", block.driver.close_reason());
        }
        if let Some(now) = now {
            block.driver.fire_if_overdue(now);
        }
    }

    /// Moves a waiting task's wake-up to `deadline`.
    pub(crate) fn reset(&mut self, deadline: Instant, period: Duration) {
        (self.has_waited, self.is_far) = (false, false);
        if let Some((block, slot, window)) = self.window_for(deadline, period) {
            // Moving the deadline later takes no lock, and the old deadline then wakes no task. An exact
            // alarm would fire at the old deadline.
            if Alarm::EXACT || !block.get(slot).extend(window.deadline()) {
                Driver::reset(block, slot, window);
                // The next poll reads the clock: the new deadline may have passed.
                self.polls_since_clock_read = 0;
            }
        }
    }

    /// Makes a wait that has begun use the current options.
    pub(crate) fn apply_options(&mut self, deadline: Instant, period: Duration) {
        if let Some((block, slot, window)) = self.window_for(deadline, period) {
            Driver::reset(block, slot, window);
        }
    }

    /// Returns the window of a waiting task's new wake-up. Ends a spin.
    fn window_for(
        &mut self,
        deadline: Instant,
        period: Duration,
    ) -> Option<(&StateBlock, SlotId, Window)> {
        if let Phase::Spinning(started) = &mut self.phase {
            *started = NOT_SPINNING;
        }
        let DriverRef::Resolved(block) = &self.driver else {
            return None;
        };
        let slot = self.slot.filter(|_| self.is_waiting())?;
        let deadline = block.driver.epoch.timestamp(deadline).min(MAX_TIMESTAMP);
        let lead = self.options.lead(block.driver.published().lead(), period);
        Some((
            block,
            slot,
            wakeup_window(self.options, block, deadline, lead, period),
        ))
    }

    /// Starts a spin, or continues it. Returns `false` once it has lasted longer than `limit` in real time:
    /// under a paused clock a spin would never end.
    fn may_spin(&mut self, limit: u64) -> bool {
        let now = self.driver.resolve().driver.real_timestamp();
        let started = match self.phase {
            Phase::Spinning(started) if started != NOT_SPINNING => started,
            _ => now,
        };
        self.phase = Phase::Spinning(started);
        now.saturating_sub(started) <= limit
    }

    /// Reads the clock until `deadline`, or until the spin slice is over.
    fn spin(&self, deadline: Instant) -> Instant {
        let started = std::time::Instant::now();
        loop {
            let now = self.now();
            if now >= deadline || started.elapsed() >= SPIN_SLICE {
                return now;
            }
            hint::spin_loop();
        }
    }

    /// Stops waiting and drops the waker.
    fn cancel(&mut self) {
        drop(self.take_waker());
    }

    /// Stops waiting. Returns the waker, unless the driver has removed it to wake it.
    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        if !self.is_waiting() {
            return None;
        }
        match (&self.driver, self.slot) {
            (DriverRef::Resolved(block), Some(slot)) => Driver::cancel(block, slot),
            _ => None,
        }
    }
}

/// Returns `period` in nanoseconds if a timer that waited until `last`, and now waits until `deadline`, is
/// likely to wait for another `period` after that. Otherwise, as for a timer that is reset after each tick,
/// returns 0.
#[inline]
fn likely_period(
    is_periodic: &mut bool,
    last: Option<u64>,
    deadline: u64,
    period: Duration,
) -> u64 {
    let period = nanos(period);
    if last != Some(deadline) {
        let step = last.and_then(|last| deadline.checked_sub(last));
        *is_periodic = step.is_some_and(|step| is_about_multiple(step, period));
    }
    if *is_periodic { period } else { 0 }
}

/// Returns `true` if `step` is a multiple of `period`, give or take a nanosecond: the steps of a rate differ
/// by one.
#[inline(never)]
fn is_about_multiple(step: u64, period: u64) -> bool {
    step % period == 0 || (step + 1) % period <= 2
}

/// Starts a driver for the runtime, unless there is one.
///
/// # Panics
///
/// If the driver's alarm is refused.
#[cold]
#[track_caller]
fn ensure_driver(runtime: &Handle) {
    if let Err(error) = registry::ensure_driver(runtime) {
        panic!("{}", refusal(&error));
    }
}

/// Returns a block of the driver that serves the runtime. Starts a driver if there is none.
///
/// # Panics
///
/// If the driver's alarm is refused.
#[inline(never)]
#[track_caller]
fn resolve_block(runtime: &Handle) -> Arc<StateBlock> {
    match registry::block(runtime) {
        Ok(block) => block,
        Err(error) => panic!("{}", refusal(&error)),
    }
}

/// Returns the window in which a timer with these options is woken, `lead` before `deadline`.
fn wakeup_window(
    options: TimerOptions,
    block: &StateBlock,
    deadline: u64,
    lead: u64,
    period: Duration,
) -> Window {
    let slack = options.slack(block.driver.published().coalesce_slack(), period);
    Window::new(deadline.saturating_sub(lead), slack)
}

/// Has the task polled again once the runtime has polled all other tasks and its reactor.
///
/// A task that wakes itself instead is polled again at once, and the reactor only after some sixty polls.
fn yield_to_runtime(cx: &mut Context<'_>) {
    let pending = pin!(yield_now()).poll(cx);
    debug_assert!(
        pending.is_pending(),
        "`yield_now` is ready at its second poll"
    );
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        if let (DriverRef::Resolved(block), Some(slot)) = (&self.driver, self.slot) {
            Driver::remove(block, slot);
        }
    }
}

#[cfg(all(test, not(model)))]
impl Entry {
    /// Returns its block, if the driver has been looked up, and its slot, if it has one.
    pub(super) fn block_and_slot(&self) -> Option<(&StateBlock, Option<SlotId>)> {
        match &self.driver {
            DriverRef::Unresolved(_) => None,
            DriverRef::Resolved(block) => Some((block, self.slot)),
        }
    }

    /// Returns the index of the shard that it waits in.
    pub(super) fn shard(&self) -> usize {
        self.block_and_slot().expect("the entry has waited").0.shard
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    /// The lead counts in real time, whatever the runtime's clock says.
    #[test]
    fn spin_ends_after_the_lead_under_a_paused_clock() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        let mut entry = Entry::current();
        assert!(entry.may_spin(0), "a spin starts");
        std::thread::sleep(Duration::from_millis(2));
        assert!(!entry.may_spin(1_000_000));
        assert!(entry.may_spin(nanos(Duration::from_secs(3600))));
        entry.reset(entry.now(), Duration::from_millis(1));
        assert!(entry.may_spin(0), "a new deadline starts a new spin");
    }
}
