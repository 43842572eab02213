//! One timer's place in its driver's queue: all that an interval, a sleep or a timeout needs of it.

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

use super::published::FAR_AFTER_ARMED;
use super::queue::{SlotId, Window};
use super::registry::{self, Scope};
use super::shard::Closed;
use super::states::{MAX_TIMESTAMP, StateBlock};
use super::{Driver, refusal};
use crate::precision::{Precision, TimerOptions};
use crate::saturating::nanos;
use crate::sync::{Arc, of_thread};
use crate::sys::{self, Alarm, TokioClock};

/// How long a task that spins looks at the clock before the others have their turn: long enough
/// that it costs them little to be asked so often, short enough that they need not wait for it.
const SPIN_SLICE: Duration = Duration::from_micros(3);

/// A timer that is polled again and again while nothing has changed looks at the clock once in so many
/// polls: it costs more than all else there is to do then.
const POLLS_PER_CLOCK_READ: u8 = 16;

/// Of so many timers that need not look at the clock one asks whether an alarm is overdue.
const TIMERS_PER_CHECK: u8 = 4;

of_thread! {
    /// How many have not done so, one after the other.
    static UNCHECKED: Cell<u8> = Cell::new(0);
}

of_thread! {
    /// When such a timer was made the last time: no later than now.
    static LAST_CREATED: Cell<Option<Instant>> = Cell::new(None);
}

#[derive(Debug)]
pub(crate) struct Entry {
    attachment: Attachment,
    phase: Phase,
    options: TimerOptions,
    /// `None` until the first wait: a timer that is never waited for costs the queue nothing.
    id: Option<SlotId>,
    /// How often it was polled while nothing had changed.
    polls: u8,
    /// Whether it has been waited for since it was made, was ready or was moved.
    waited: bool,
    /// Whether its deadline was far off when it was made.
    is_far: bool,
    /// Whether its last wait ended some whole periods after the one before: then so will the next.
    is_periodic: bool,
    /// Not unwind safe: tokio's timers are not, and that we could be is nothing to promise.
    _not_unwind_safe: PhantomData<Box<dyn Any + Send + Sync>>,
}

/// Where it belongs.
#[derive(Debug)]
enum Attachment {
    /// Its driver has not been looked up: many a timeout is never waited for.
    Runtime(Handle),
    /// Its state is there, once it has a id.
    Driver(Arc<StateBlock>),
}

impl Attachment {
    /// The block, looked up if they have not been.
    ///
    /// # Panics
    ///
    /// If there is no driver, and another is refused.
    #[inline]
    #[track_caller]
    fn block(&mut self) -> &mut Arc<StateBlock> {
        if let Self::Runtime(runtime) = self {
            *self = Self::Driver(block_of(runtime));
        }
        match self {
            Self::Driver(block) => block,
            Self::Runtime(_) => unreachable!("they have been looked up"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The queue was given the waker that has these parts; it may have let go of it unasked, by firing.
    Waits(usize, &'static RawWakerVTable),
    /// Since when it has been looking at the clock, by one that nobody can pause; or [`NEVER`].
    Spins(u64),
}

/// At no moment.
const NEVER: u64 = u64::MAX;

impl Phase {
    fn waits_with(waker: &Waker) -> Self {
        Self::Waits(waker.data() as usize, waker.vtable())
    }

    fn is_with(self, waker: &Waker) -> bool {
        match self {
            Self::Waits(data, vtable) => {
                data == waker.data() as usize && ptr::eq(vtable, waker.vtable())
            }
            Self::Spins(_) => false,
        }
    }
}

impl Entry {
    /// Of the current runtime.
    ///
    /// # Panics
    ///
    /// At the caller's location: as tokio does, outside a runtime or in one that lacks the driver
    /// that the alarm needs; and if the alarm is refused.
    #[inline]
    #[track_caller]
    pub(crate) fn current() -> Self {
        let handle = Handle::current();
        if !Alarm::OUTLIVES_TIMERS {
            // Its driver, and no other: there would be one for each timer that does not wait.
            let block = block_of(&handle);
            return Self::at(Attachment::Driver(block));
        }
        if !registry::has_seen_driver(Scope::of(&handle)) {
            ensure_driver(&handle);
        }
        Self::of(handle)
    }

    /// As [`current`](Self::current), of a timer that is made at `now`, and whose deadline is so far off.
    #[inline]
    #[track_caller]
    pub(crate) fn current_for(now: Instant, wait: Duration) -> Self {
        let mut entry = Self::current();
        entry.is_far = wait > FAR_AFTER_ARMED;
        LAST_CREATED.with(|made| made.set(Some(now)));
        entry
    }

    /// Of the current runtime, or an error where [`Entry::current`] would panic.
    pub(crate) fn try_current() -> io::Result<Self> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        if !Alarm::OUTLIVES_TIMERS {
            let block = sys::catch_disabled(|| {
                let _kept = Driver::require_native(&handle)?;
                registry::block(&handle)
            })?;
            return Ok(Self::at(Attachment::Driver(block)));
        }
        sys::catch_disabled(|| registry::require_native(&handle))?;
        Ok(Self::of(handle))
    }

    #[inline]
    pub(super) fn of(runtime: Handle) -> Self {
        Self::at(Attachment::Runtime(runtime))
    }

    #[inline]
    fn at(attachment: Attachment) -> Self {
        Self {
            attachment,
            phase: Phase::Spins(NEVER),
            options: TimerOptions::default(),
            id: None,
            polls: 0,
            waited: false,
            is_far: false,
            is_periodic: false,
            _not_unwind_safe: PhantomData,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.attachment {
            Attachment::Runtime(runtime) => TokioClock::new(runtime).now(),
            Attachment::Driver(block) => block.driver.now(),
        }
    }

    /// Sets what it aims at. A task that waits already does so in the old way, until it is
    /// [moved](Self::reset).
    pub(crate) fn configure(&mut self, set: impl FnOnce(&mut TimerOptions)) {
        set(&mut self.options);
    }

    pub(crate) fn options(&self) -> TimerOptions {
        self.options
    }

    /// Waits for `deadline`, the next of one every `period`; returns the time at which it was found
    /// to have passed.
    ///
    /// Takes part in tokio's cooperative budget, also when `deadline` has passed already. But one that has
    /// been waited for may be ready when the budget is spent: who asks again and again, and never yields, is
    /// told so.
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
        let waits = self.waits_with(cx.waker());
        if waits {
            let look = self.polls == 0;
            self.polls = (self.polls + 1) % POLLS_PER_CLOCK_READ;
            if !look {
                return Poll::Pending;
            }
        }
        let coop = match coop::poll_proceed(cx) {
            Poll::Ready(coop) => Some(coop),
            Poll::Pending if self.waited => None,
            Poll::Pending => {
                self.waited = true;
                return Poll::Pending;
            }
        };
        if let Some(moment) = self.assume_pending(deadline) {
            self.insert(moment, 0, period, None, cx.waker());
            self.sample_overdue();
            return Poll::Pending;
        }
        let now = self.now();
        if now >= deadline {
            return self.elapsed(now, coop);
        }
        if waits {
            if let Attachment::Driver(block) = &self.attachment {
                block.driver.fire_if_overdue(now);
            }
        } else if coop.is_some() {
            return self.wait(cx, deadline, period, now, coop);
        }
        Poll::Pending
    }

    /// Its deadline has passed.
    fn elapsed(&mut self, now: Instant, coop: Option<coop::RestoreOnPending>) -> Poll<Instant> {
        self.cancel();
        self.phase = Phase::Spins(NEVER);
        (self.waited, self.is_far) = (false, false);
        if let Some(coop) = coop {
            coop.made_progress();
        }
        if let Attachment::Driver(block) = &self.attachment {
            block.driver.fire_if_overdue(now);
        }
        Poll::Ready(now)
    }

    /// Whether the queue will wake that waker, without its lock.
    fn waits_with(&self, waker: &Waker) -> bool {
        self.phase.is_with(waker) && self.is_waiting()
    }

    /// Whether the queue has a waker of its.
    #[inline]
    fn is_waiting(&self) -> bool {
        match (&self.attachment, self.id) {
            (Attachment::Driver(block), Some(id)) => {
                block.driver.is_in_this_process() && block.get(id).is_waiting()
            }
            _ => false,
        }
    }

    /// `deadline` is still to come.
    #[track_caller]
    fn wait(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
        period: Duration,
        mut now: Instant,
        coop: Option<coop::RestoreOnPending>,
    ) -> Poll<Instant> {
        let driver = &self.attachment.block().driver;
        let (epoch, lateness) = (driver.epoch, driver.published().lead());
        let mut lead = self.options.lead(lateness, period);
        if lead != 0 && nanos(deadline - now) <= lead {
            // This poll's waker alone is to be woken.
            self.cancel();
            if self.may_spin(lead) {
                self.waited = true;
                now = self.spin(deadline);
                if now >= deadline {
                    return self.elapsed(now, coop);
                }
                yield_to_runtime(cx);
                return Poll::Pending;
            }
            lead = 0;
        }
        let moment = epoch.moment(deadline).min(MAX_TIMESTAMP);
        self.insert(moment, lead, period, Some(now), cx.waker());
        Poll::Pending
    }

    /// Of a wait that has not begun yet the moment of `deadline`, if that was far off when the timer was
    /// made, and is so far behind an alarm that it has not passed unless the driver is as late: to look at
    /// the clock would take as long as all the rest.
    fn assume_pending(&mut self, deadline: Instant) -> Option<u64> {
        if !self.is_far
            || self.waited
            || Alarm::EXACT
            || self.options.precision() == Precision::Spin
        {
            return None;
        }
        if let Attachment::Runtime(runtime) = &self.attachment {
            // It is about to wait.
            self.attachment = Attachment::Driver(registry::cached(Scope::of(runtime))?);
        }
        let driver = &self.attachment.block().driver;
        let moment = driver.epoch.moment(deadline).min(MAX_TIMESTAMP);
        driver
            .published()
            .is_far_after_armed(moment)
            .then_some(moment)
    }

    /// Now and then looks whether an alarm is overdue, by the clock as it was read for the last timer.
    fn sample_overdue(&self) {
        let passed = UNCHECKED.with(|passed| passed.replace((passed.get() + 1) % TIMERS_PER_CHECK));
        if passed > 0 {
            return;
        }
        if let (Some(made), Attachment::Driver(block)) =
            (LAST_CREATED.with(Cell::get), &self.attachment)
        {
            block.driver.fire_if_overdue(made);
        }
    }

    /// Has the task woken `lead` before `moment`.
    #[track_caller]
    fn insert(
        &mut self,
        moment: u64,
        lead: u64,
        period: Duration,
        now: Option<Instant>,
        waker: &Waker,
    ) {
        let block = self.attachment.block();
        let window = window(self.options, block, moment, lead, period);
        let last = self.id.map(|id| block.get(id).deadline());
        let period = likely_period(&mut self.is_periodic, last, window.deadline(), period);
        // The words are those of the clone, which the queue keeps: those of the original may come to mean
        // another.
        let waker = waker.clone();
        // Before it waits, since the waker that is replaced may panic as it is dropped: `cancel` is to know
        // of the one that is left.
        self.phase = Phase::waits_with(&waker);
        self.polls = 0;
        self.waited = true;
        if let Err(Closed) = Driver::insert(block, &mut self.id, window, period, now, waker) {
            panic!("{}", block.driver.close_reason());
        }
        if let Some(now) = now {
            block.driver.fire_if_overdue(now);
        }
    }

    /// If a task waits in this entry, has it woken at `deadline` instead.
    pub(crate) fn reset(&mut self, deadline: Instant, period: Duration) {
        (self.waited, self.is_far) = (false, false);
        if let Some((block, id, window)) = self.window_for(deadline, period) {
            // No lock is taken, and nobody woken at the old moment. An exact alarm would fire at it.
            if Alarm::EXACT || !block.get(id).extend(window.deadline()) {
                Driver::reset(block, id, window);
                // The next poll looks at the clock: the new deadline may have passed.
                self.polls = 0;
            }
        }
    }

    /// As [`postpone`](Self::reset), after it has been told to options at something else.
    pub(crate) fn apply_options(&mut self, deadline: Instant, period: Duration) {
        if let Some((block, id, window)) = self.window_for(deadline, period) {
            Driver::reset(block, id, window);
        }
    }

    fn window_for(
        &mut self,
        deadline: Instant,
        period: Duration,
    ) -> Option<(&StateBlock, SlotId, Window)> {
        if let Phase::Spins(since) = &mut self.phase {
            *since = NEVER;
        }
        let Attachment::Driver(block) = &self.attachment else {
            return None;
        };
        let id = self.id.filter(|_| self.is_waiting())?;
        let deadline = block.driver.epoch.moment(deadline).min(MAX_TIMESTAMP);
        let lead = self.options.lead(block.driver.published().lead(), period);
        Some((
            block,
            id,
            window(self.options, block, deadline, lead, period),
        ))
    }

    /// A clock that is paused would be looked at for ever.
    fn may_spin(&mut self, limit: u64) -> bool {
        let now = self.attachment.block().driver.real_timestamp();
        let since = match self.phase {
            Phase::Spins(since) if since != NEVER => since,
            _ => now,
        };
        self.phase = Phase::Spins(since);
        now.saturating_sub(since) <= limit
    }

    /// Looks at the clock until `deadline`, or until its turn is over.
    fn spin(&self, deadline: Instant) -> Instant {
        let began = std::time::Instant::now();
        loop {
            let now = self.now();
            if now >= deadline || began.elapsed() >= SPIN_SLICE {
                return now;
            }
            hint::spin_loop();
        }
    }

    /// Leaves no waker behind.
    fn cancel(&mut self) {
        drop(self.take_waker());
    }

    /// Stops waiting. Returns the waker, unless the driver has taken it to wake it.
    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        if !self.is_waiting() {
            return None;
        }
        match (&self.attachment, self.id) {
            (Attachment::Driver(block), Some(id)) => Driver::cancel(block, id),
            _ => None,
        }
    }
}

/// `period` in nanoseconds, if one that waited for `last` and now for `deadline` is likely to wait for
/// one `period` later; else 0. Who is reset after each tick is not.
#[inline]
fn likely_period(
    is_periodic: &mut bool,
    last: Option<u64>,
    deadline: u64,
    period: Duration,
) -> u64 {
    let period = nanos(period);
    if last != Some(deadline) {
        let since = last.and_then(|last| deadline.checked_sub(last));
        *is_periodic = since.is_some_and(|since| is_multiple(since, period));
    }
    if *is_periodic { period } else { 0 }
}

/// Or nearly: the steps of a rate differ by a nanosecond.
#[inline(never)]
fn is_multiple(since: u64, period: u64) -> bool {
    since % period == 0 || (since + 1) % period <= 2
}

/// Sees to it that there is a driver for that runtime.
///
/// # Panics
///
/// If it is refused.
#[cold]
#[track_caller]
fn ensure_driver(runtime: &Handle) {
    if let Err(error) = registry::ensure_driver(runtime) {
        panic!("{}", refusal(&error));
    }
}

/// StateBlock of the driver that serves that runtime.
///
/// # Panics
///
/// If there is none, and another is refused.
#[inline(never)]
#[track_caller]
fn block_of(runtime: &Handle) -> Arc<StateBlock> {
    match registry::block(runtime) {
        Ok(block) => block,
        Err(error) => panic!("{}", refusal(&error)),
    }
}

/// When one is to be woken that aims like that, `lead` before `moment`.
fn window(
    options: TimerOptions,
    block: &StateBlock,
    moment: u64,
    lead: u64,
    period: Duration,
) -> Window {
    let slack = options.slack(block.driver.published().coalesce_slack(), period);
    Window::new(moment.saturating_sub(lead), slack)
}

/// Has the task polled again once the runtime has looked at everything else, its I/O too.
///
/// A task that wakes itself instead is polled again and again, and the reactor asked only after some
/// sixty polls.
fn yield_to_runtime(cx: &mut Context<'_>) {
    let pending = pin!(yield_now()).poll(cx);
    debug_assert!(pending.is_pending(), "it is ready at its second poll");
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        if let (Attachment::Driver(block), Some(id)) = (&self.attachment, self.id) {
            Driver::remove(block, id);
        }
    }
}

#[cfg(all(test, not(model)))]
impl Entry {
    /// Its driver's block, if that has been looked up, and its place there, if it has one.
    pub(super) fn place(&self) -> Option<(&StateBlock, Option<SlotId>)> {
        match &self.attachment {
            Attachment::Runtime(_) => None,
            Attachment::Driver(block) => Some((block, self.id)),
        }
    }

    /// In which shard it waits.
    pub(super) fn shard(&self) -> usize {
        self.place().expect("it has waited").0.shard
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    /// By real time, whatever the runtime's clock says.
    #[test]
    fn it_looks_at_a_clock_that_stands_still_for_no_longer_than_its_lead() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        let mut entry = Entry::current();
        assert!(entry.may_spin(0), "it begins");
        std::thread::sleep(Duration::from_millis(2));
        assert!(!entry.may_spin(1_000_000));
        assert!(entry.may_spin(nanos(Duration::from_secs(3600))));
        entry.reset(entry.now(), Duration::from_millis(1));
        assert!(entry.may_spin(0), "for another deadline it begins anew");
    }
}
