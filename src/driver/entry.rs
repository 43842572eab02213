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

use super::hints::FAR;
use super::queue::{Key, Span};
use super::registry::{self, Scope};
use super::shard::Dead;
use super::slots::{LAST, Slots};
use super::{Driver, refusal};
use crate::precision::{Aim, Precision};
use crate::span::nanos;
use crate::sync::{Arc, of_thread};
use crate::sys::{self, Alarm, TokioClock};

/// How long a task that spins looks at the clock before the others have their turn: long enough
/// that it costs them little to be asked so often, short enough that they need not wait for it.
const TURN: Duration = Duration::from_micros(3);

/// A timer that is polled again and again while nothing has changed looks at the clock once in so many
/// polls: it costs more than all else there is to do then.
const LOOK: u8 = 16;

/// Of so many timers that need not look at the clock one asks whether an alarm is overdue.
const PASS: u8 = 4;

of_thread! {
    /// How many have not done so, one after the other.
    static PASSED: Cell<u8> = Cell::new(0);
}

of_thread! {
    /// When such a timer was made the last time: no later than now.
    static MADE: Cell<Option<Instant>> = Cell::new(None);
}

#[derive(Debug)]
pub(crate) struct Entry {
    home: Home,
    phase: Phase,
    aim: Aim,
    /// `None` until the first wait: a timer that is never waited for costs the queue nothing.
    key: Option<Key>,
    /// How often it was polled while nothing had changed.
    polls: u8,
    /// Whether it has been waited for since it was made, was ready or was moved.
    waited: bool,
    /// Whether its deadline was far off when it was made.
    is_far: bool,
    /// Whether its last wait ended some whole periods after the one before: then so will the next.
    regular: bool,
    /// Not unwind safe: tokio's timers are not, and that we could be is nothing to promise.
    _not_unwind_safe: PhantomData<Box<dyn Any + Send + Sync>>,
}

/// Where it belongs.
#[derive(Debug)]
enum Home {
    /// Its driver has not been looked up: many a timeout is never waited for.
    Runtime(Handle),
    /// Its slot is there, once it has a key.
    Slots(Arc<Slots>),
}

impl Home {
    /// The slots, looked up if they have not been.
    ///
    /// # Panics
    ///
    /// If there is no driver, and another is refused.
    #[inline]
    #[track_caller]
    fn slots(&mut self) -> &mut Arc<Slots> {
        if let Self::Runtime(runtime) = self {
            *self = Self::Slots(look_up(runtime));
        }
        match self {
            Self::Slots(slots) => slots,
            Self::Runtime(_) => unreachable!("they have been looked up"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The queue was given the waker that has these parts; it may have let go of it unasked, by firing.
    Waits(usize, &'static RawWakerVTable),
    /// Since when it has been looking at the clock, by one that nobody can pause; or [`NOT`].
    Spins(u64),
}

/// At no moment.
const NOT: u64 = u64::MAX;

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
            let slots = look_up(&handle);
            return Self::at(Home::Slots(slots));
        }
        if !registry::is_known(Scope::of(&handle)) {
            know(&handle);
        }
        Self::of(handle)
    }

    /// As [`current`](Self::current), of a timer that is made at `now`, and whose deadline is so far off.
    #[allow(dead_code, reason = "intervals do without")]
    #[inline]
    #[track_caller]
    pub(crate) fn current_for(now: Instant, wait: Duration) -> Self {
        let mut entry = Self::current();
        entry.is_far = wait > FAR;
        MADE.with(|made| made.set(Some(now)));
        entry
    }

    /// Of the current runtime, or an error where [`Entry::current`] would panic.
    pub(crate) fn try_current() -> io::Result<Self> {
        let handle = Handle::try_current().map_err(io::Error::other)?;
        if !Alarm::OUTLIVES_TIMERS {
            let slots = sys::catch_disabled(|| {
                let _kept = Driver::insist(&handle)?;
                registry::slots(&handle)
            })?;
            return Ok(Self::at(Home::Slots(slots)));
        }
        sys::catch_disabled(|| registry::insist(&handle))?;
        Ok(Self::of(handle))
    }

    #[inline]
    pub(super) fn of(runtime: Handle) -> Self {
        Self::at(Home::Runtime(runtime))
    }

    #[inline]
    fn at(home: Home) -> Self {
        Self {
            home,
            phase: Phase::Spins(NOT),
            aim: Aim::default(),
            key: None,
            polls: 0,
            waited: false,
            is_far: false,
            regular: false,
            _not_unwind_safe: PhantomData,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.home {
            Home::Runtime(runtime) => TokioClock::new(runtime).now(),
            Home::Slots(slots) => slots.driver.now(),
        }
    }

    /// Sets what it aims at. A task that waits already does so in the old way, until it is
    /// [moved](Self::postpone).
    pub(crate) fn aim(&mut self, set: impl FnOnce(&mut Aim)) {
        set(&mut self.aim);
    }

    pub(crate) fn aims_at(&self) -> Aim {
        self.aim
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
    /// If it has to wait and the driver is dead.
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
            self.polls = (self.polls + 1) % LOOK;
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
        if let Some(moment) = self.far_behind(deadline) {
            self.enter(moment, 0, period, None, cx.waker());
            self.pass();
            return Poll::Pending;
        }
        let now = self.now();
        if now >= deadline {
            return self.elapsed(now, coop);
        }
        if waits {
            if let Home::Slots(slots) = &self.home {
                slots.driver.look(now);
            }
        } else if coop.is_some() {
            return self.wait(cx, deadline, period, now, coop);
        }
        Poll::Pending
    }

    /// Its deadline has passed.
    fn elapsed(&mut self, now: Instant, coop: Option<coop::RestoreOnPending>) -> Poll<Instant> {
        self.cancel();
        self.phase = Phase::Spins(NOT);
        (self.waited, self.is_far) = (false, false);
        if let Some(coop) = coop {
            coop.made_progress();
        }
        if let Home::Slots(slots) = &self.home {
            slots.driver.look(now);
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
        match (&self.home, self.key) {
            (Home::Slots(slots), Some(key)) => {
                slots.driver.is_here() && slots.get(key).is_waiting()
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
        let driver = &self.home.slots().driver;
        let (epoch, learned) = (driver.epoch, driver.hints().lead());
        let mut lead = self.aim.lead(learned, period);
        if lead != 0 && nanos(deadline - now) <= lead {
            // This poll's waker alone is to be woken.
            self.cancel();
            if self.may_spin(lead) {
                self.waited = true;
                now = self.spin(deadline);
                if now >= deadline {
                    return self.elapsed(now, coop);
                }
                turn_to_others(cx);
                return Poll::Pending;
            }
            lead = 0;
        }
        let moment = epoch.moment(deadline).min(LAST);
        self.enter(moment, lead, period, Some(now), cx.waker());
        Poll::Pending
    }

    /// Of a wait that has not begun yet the moment of `deadline`, if that was far off when the timer was
    /// made, and is so far behind an alarm that it has not passed unless the driver is as late: to look at
    /// the clock would take as long as all the rest.
    fn far_behind(&mut self, deadline: Instant) -> Option<u64> {
        if !self.is_far || self.waited || Alarm::EXACT || self.aim.precision() == Precision::Spin {
            return None;
        }
        if let Home::Runtime(runtime) = &self.home {
            // It is about to wait.
            self.home = Home::Slots(registry::last(Scope::of(runtime))?);
        }
        let driver = &self.home.slots().driver;
        let moment = driver.epoch.moment(deadline).min(LAST);
        driver.hints().is_far_behind(moment).then_some(moment)
    }

    /// Now and then looks whether an alarm is overdue, by the clock as it was read for the last timer.
    fn pass(&self) {
        let passed = PASSED.with(|passed| passed.replace((passed.get() + 1) % PASS));
        if passed > 0 {
            return;
        }
        if let (Some(made), Home::Slots(slots)) = (MADE.with(Cell::get), &self.home) {
            slots.driver.look(made);
        }
    }

    /// Has the task woken `lead` before `moment`.
    #[track_caller]
    fn enter(
        &mut self,
        moment: u64,
        lead: u64,
        period: Duration,
        now: Option<Instant>,
        waker: &Waker,
    ) {
        let slots = self.home.slots();
        let span = span(self.aim, slots, moment, lead, period);
        let last = self.key.map(|key| slots.get(key).moment());
        let period = likely_period(&mut self.regular, last, span.deadline(), period);
        // The words are those of the clone, which the queue keeps: those of the original may come to mean
        // another.
        let waker = waker.clone();
        // Before it waits, since the waker that is replaced may panic as it is dropped: `cancel` is to know
        // of the one that is left.
        self.phase = Phase::waits_with(&waker);
        self.polls = 0;
        self.waited = true;
        if let Err(Dead) = Driver::wait(slots, &mut self.key, span, period, now, waker) {
            panic!("{}", slots.driver.why_dead());
        }
        if let Some(now) = now {
            slots.driver.look(now);
        }
    }

    /// If a task waits in this entry, has it woken at `deadline` instead.
    pub(crate) fn postpone(&mut self, deadline: Instant, period: Duration) {
        (self.waited, self.is_far) = (false, false);
        if let Some((slots, key, span)) = self.moved(deadline, period) {
            // No lock is taken, and nobody woken at the old moment. An exact alarm would fire at it.
            if Alarm::EXACT || !slots.get(key).put_off(span.deadline()) {
                Driver::postpone(slots, key, span);
                // The next poll looks at the clock: the new deadline may have passed.
                self.polls = 0;
            }
        }
    }

    /// As [`postpone`](Self::postpone), after it has been told to aim at something else.
    pub(crate) fn aim_anew(&mut self, deadline: Instant, period: Duration) {
        if let Some((slots, key, span)) = self.moved(deadline, period) {
            Driver::postpone(slots, key, span);
        }
    }

    fn moved(&mut self, deadline: Instant, period: Duration) -> Option<(&Slots, Key, Span)> {
        if let Phase::Spins(since) = &mut self.phase {
            *since = NOT;
        }
        let Home::Slots(slots) = &self.home else {
            return None;
        };
        let key = self.key.filter(|_| self.is_waiting())?;
        let deadline = slots.driver.epoch.moment(deadline).min(LAST);
        let lead = self.aim.lead(slots.driver.hints().lead(), period);
        Some((slots, key, span(self.aim, slots, deadline, lead, period)))
    }

    /// A clock that is paused would be looked at for ever.
    fn may_spin(&mut self, limit: u64) -> bool {
        let now = self.home.slots().driver.real_moment();
        let since = match self.phase {
            Phase::Spins(since) if since != NOT => since,
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
            if now >= deadline || began.elapsed() >= TURN {
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
        match (&self.home, self.key) {
            (Home::Slots(slots), Some(key)) => Driver::cancel(slots, key),
            _ => None,
        }
    }
}

/// `period` in nanoseconds, if one that waited for `last` and now for `deadline` is likely to wait for
/// one `period` later; else 0. Who is reset after each tick is not.
#[inline]
fn likely_period(regular: &mut bool, last: Option<u64>, deadline: u64, period: Duration) -> u64 {
    let period = nanos(period);
    if last != Some(deadline) {
        let since = last.and_then(|last| deadline.checked_sub(last));
        *regular = since.is_some_and(|since| is_multiple(since, period));
    }
    if *regular { period } else { 0 }
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
fn know(runtime: &Handle) {
    if let Err(error) = registry::know(runtime) {
        panic!("{}", refusal(&error));
    }
}

/// Slots of the driver that serves that runtime.
///
/// # Panics
///
/// If there is none, and another is refused.
#[inline(never)]
#[track_caller]
fn look_up(runtime: &Handle) -> Arc<Slots> {
    match registry::slots(runtime) {
        Ok(slots) => slots,
        Err(error) => panic!("{}", refusal(&error)),
    }
}

/// When one is to be woken that aims like that, `lead` before `moment`.
fn span(aim: Aim, slots: &Slots, moment: u64, lead: u64, period: Duration) -> Span {
    let slack = aim.slack(slots.driver.hints().crowd(), period);
    Span::new(moment.saturating_sub(lead), slack)
}

/// Has the task polled again once the runtime has looked at everything else, its I/O too.
///
/// A task that wakes itself instead is polled again and again, and the reactor asked only after some
/// sixty polls.
fn turn_to_others(cx: &mut Context<'_>) {
    let pending = pin!(yield_now()).poll(cx);
    debug_assert!(pending.is_pending(), "it is ready at its second poll");
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        if let (Home::Slots(slots), Some(key)) = (&self.home, self.key) {
            Driver::leave(slots, key);
        }
    }
}

#[cfg(all(test, not(model)))]
impl Entry {
    /// Its driver's slots, if that has been looked up, and its place there, if it has one.
    pub(super) fn place(&self) -> Option<(&Slots, Option<Key>)> {
        match &self.home {
            Home::Runtime(_) => None,
            Home::Slots(slots) => Some((slots, self.key)),
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
        entry.postpone(entry.now(), Duration::from_millis(1));
        assert!(entry.may_spin(0), "for another deadline it begins anew");
    }
}
