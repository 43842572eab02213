//! A shard: the timers that first waited on one thread, or on a few threads that share it.

use std::mem;
use std::task::Waker;

use super::queue::{SlotId, Window};
use super::timer_state::StateBlock;
use super::timers::Timers;
use super::wake_list::WakeList;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

/// The timestamp for "no deadline". No [`Window`] reaches it.
pub(super) const NEVER: u64 = u64::MAX;

/// A value aligned to two cache lines, because processors prefetch in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct CachePadded<T>(pub(super) T);

#[derive(Debug)]
pub(super) struct Shard {
    bounds: CachePadded<Bounds>,
    /// `None` once the driver is closed.
    timers: CachePadded<Mutex<Option<Timers>>>,
}

/// Lower bounds on the deadlines of a shard's timers, for readers without the shard's lock.
///
/// A bound may be too early but is never too late. Removing a timer leaves the bounds alone, so a timer that
/// is inserted and removed writes nothing here. Looking up the first timer corrects them.
#[derive(Debug)]
struct Bounds {
    deadline: AtomicU64,
    hard_deadline: AtomicU64,
}

impl Bounds {
    /// Sets both to the values of the first timer. Call it under the shard's lock.
    fn set(&self, first: Option<Window>) {
        let deadline = first.map_or(NEVER, Window::deadline);
        let hard_deadline = first.map_or(NEVER, Window::hard_deadline);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.hard_deadline.store(hard_deadline, Ordering::Relaxed);
    }

    /// Lowers the bounds for a timer with `window`. Returns `true` if that lowers the hard deadline. Call it
    /// under the shard's lock.
    fn lower(&self, window: Window) -> bool {
        if window.deadline() < self.deadline.load(Ordering::Relaxed) {
            self.deadline.store(window.deadline(), Ordering::Relaxed);
        }
        let is_first = window.hard_deadline() < self.hard_deadline.load(Ordering::Relaxed);
        if is_first {
            self.hard_deadline
                .store(window.hard_deadline(), Ordering::Relaxed);
        }
        is_first
    }
}

/// The driver is closed.
#[derive(Debug)]
pub(super) struct Closed;

/// The result of [`Shard::insert`].
#[derive(Debug)]
pub(super) struct Inserted {
    /// The waker that the timer waited with before.
    pub(super) replaced: Option<Waker>,
    /// The block that holds the timer's state, if that is not the caller's block.
    pub(super) new_block: Option<Arc<StateBlock>>,
    /// True if the timer comes before the shard's bound, so that an alarm must fire for it.
    pub(super) is_first: bool,
}

impl Shard {
    pub(super) fn new() -> Self {
        let bounds = Bounds {
            deadline: AtomicU64::new(NEVER),
            hard_deadline: AtomicU64::new(NEVER),
        };
        Self {
            bounds: CachePadded(bounds),
            timers: CachePadded(Mutex::new(Some(Timers::new()))),
        }
    }

    /// Inserts `waker`, to be woken within `window`, in place of the slot's previous wait.
    ///
    /// `period` is the time after which the timer is likely to wait again, or 0. A timer without a slot
    /// gets one. Its state is in `block`, or in the block that is returned.
    #[inline]
    pub(super) fn insert(
        &self,
        block: &Arc<StateBlock>,
        slot: &mut Option<SlotId>,
        window: Window,
        period: u64,
        waker: Waker,
    ) -> Result<Inserted, Closed> {
        let mut timers = self.timers.0.lock();
        let timers = timers.as_mut().ok_or(Closed)?;
        let mut new_block = None;
        let slot = *slot.get_or_insert_with(|| {
            let (slot, other_block) = timers.alloc(block);
            new_block = other_block;
            slot
        });
        let state = new_block.as_ref().unwrap_or(block).get(slot);
        state.set_deadline(window.deadline());
        Ok(Inserted {
            replaced: timers.insert(slot, window, period, waker),
            is_first: self.bounds.0.lower(window),
            new_block,
        })
    }

    /// Moves a waiting timer to `window`. Returns `true` if an alarm must fire for it.
    pub(super) fn reset(&self, block: &StateBlock, slot: SlotId, window: Window) -> bool {
        let mut timers = self.timers.0.lock();
        let Some(timers) = timers.as_mut() else {
            return false;
        };
        if !timers.reset(slot, window) {
            return false;
        }
        block.get(slot).set_deadline(window.deadline());
        self.bounds.0.lower(window)
    }

    /// Stops the timer's wait. Returns its waker.
    pub(super) fn cancel(&self, block: &StateBlock, slot: SlotId) -> Option<Waker> {
        let mut timers = self.timers.0.lock();
        block.get(slot).cancel();
        timers.as_mut()?.cancel(slot)
    }

    /// Stops the wait of a dropped timer, and frees its slot or leaves it vacant. Returns its waker.
    #[inline]
    pub(super) fn remove(&self, block: &StateBlock, slot: SlotId) -> Option<Waker> {
        // Declared before the guard, so that it is dropped without the lock.
        let _old;
        let mut guard = self.timers.0.lock();
        block.get(slot).cancel();
        let timers = guard.as_mut()?;
        let outlives_timers = block.driver.outlives_timers();
        // The next timer would leave the dropped one's deadline in the queue, and an exact alarm fire at it.
        if outlives_timers && !block.driver.is_exact() {
            return timers.vacate(slot);
        }
        let waker = timers.free(slot);
        // The queue's blocks keep the driver alive, and nothing may ever tell the queue to release them.
        if timers.is_empty() && !outlives_timers {
            _old = mem::replace(timers, Timers::new());
        }
        waker
    }

    /// Returns the number of waiting timers.
    pub(super) fn waiting(&self) -> usize {
        let timers = self.timers.0.lock();
        timers.as_ref().map_or(0, Timers::waiting)
    }

    /// Releases the blocks of an empty queue, and with them the driver.
    pub(super) fn release_blocks(&self) {
        // Declared before the guard, so that it is dropped without the lock.
        let _old;
        let mut guard = self.timers.0.lock();
        if let Some(timers) = guard.as_mut() {
            timers.free_vacant();
            if timers.is_empty() {
                _old = mem::replace(timers, Timers::new());
            }
        }
    }

    /// Returns the addresses of the two parts.
    #[cfg(all(test, not(model)))]
    pub(super) fn addresses(&self) -> [usize; 2] {
        [
            (&raw const self.bounds).addr(),
            (&raw const self.timers).addr(),
        ]
    }

    /// Returns `true` if a timer may be due at `now`.
    pub(super) fn may_be_due(&self, now: u64) -> bool {
        self.bounds.0.deadline.load(Ordering::Relaxed) <= now
    }

    /// Pops timers that are due and pushes their wakers, until the list is full.
    pub(super) fn pop_due(&self, now: u64, wakers: &mut WakeList) {
        let mut timers = self.timers.0.lock();
        let Some(timers) = timers.as_mut() else {
            return;
        };
        while wakers.can_push() {
            let Some(slot) = timers.next_due(now) else {
                break;
            };
            if let Some(waker) = timers.expire(slot) {
                wakers.push(waker);
            }
        }
        self.bounds.0.set(timers.next_window());
    }

    /// Returns a lower bound on the hard deadline of the first timer.
    pub(super) fn hard_deadline_bound(&self) -> u64 {
        self.bounds.0.hard_deadline.load(Ordering::Relaxed)
    }

    /// Returns the window of the next timer, and corrects the bounds.
    pub(super) fn next_window(&self) -> Option<Window> {
        let mut timers = self.timers.0.lock();
        let first = timers.as_mut()?.next_window();
        self.bounds.0.set(first);
        first
    }

    /// Predicts the next window after a wake-up at `wakeup`.
    pub(super) fn predict_after(&self, wakeup: u64) -> Option<Window> {
        let mut timers = self.timers.0.lock();
        timers.as_mut()?.predict_after(wakeup)
    }

    /// Counts the timers whose hard deadline is `until` or earlier, up to `max`.
    pub(super) fn count(&self, until: u64, max: usize) -> usize {
        let mut timers = self.timers.0.lock();
        timers.as_mut().map_or(0, |timers| timers.count(until, max))
    }

    /// Closes the shard. Calls `wake` with the waker of each waiting timer, without the lock.
    pub(super) fn close(&self, mut wake: impl FnMut(Waker)) {
        let Some(mut timers) = self.timers.0.lock().take() else {
            return;
        };
        while let Some(slot) = timers.next_due(NEVER) {
            if let Some(waker) = timers.expire(slot) {
                wake(waker);
            }
        }
    }
}
