//! The atomic that tells a timer and its driver, without a lock, whether the timer waits and until when.

use super::Driver;
use super::queue::SlotId;
use crate::sync::{Arc, AtomicU64, Ordering};

const STATES_PER_BLOCK: usize = 64;

/// The model checker tracks every atomic, and its tests use few timers.
const ALLOCATED_STATES: usize = if cfg!(model) { 8 } else { STATES_PER_BLOCK };

/// The states of 64 consecutive slots of one shard. A block keeps its driver alive.
#[derive(Debug)]
pub(super) struct StateBlock {
    pub(super) driver: Arc<Driver>,
    /// The index of the shard that the slots belong to.
    pub(super) shard: usize,
    index: usize,
    states: [TimerState; ALLOCATED_STATES],
}

impl StateBlock {
    pub(super) fn new(driver: Arc<Driver>, shard: usize, index: usize) -> Self {
        Self {
            driver,
            shard,
            index,
            states: [(); ALLOCATED_STATES].map(|()| TimerState(AtomicU64::new(IDLE))),
        }
    }

    /// Returns the index, within its shard, of the block that holds the state of `slot`.
    pub(super) fn index_of(slot: SlotId) -> usize {
        slot.index() / STATES_PER_BLOCK
    }

    pub(super) fn contains(&self, slot: SlotId) -> bool {
        Self::index_of(slot) == self.index
    }

    pub(super) fn get(&self, slot: SlotId) -> &TimerState {
        &self.states[slot.index() % STATES_PER_BLOCK]
    }
}

/// The deadline that one timer waits for.
///
/// The timer's owner may move it later while the queue still holds the earlier deadline. Popping the
/// timer then finds the later deadline here and reschedules the timer.
#[derive(Debug)]
pub(super) struct TimerState(AtomicU64);

/// Set if the timer does not wait. The other bits hold its last deadline.
const IDLE: u64 = 1 << 63;

/// The latest timestamp that leaves the [`IDLE`] bit clear.
pub(super) const MAX_TIMESTAMP: u64 = IDLE - 1;

impl TimerState {
    /// Marks the timer as waiting for `deadline`. Call it under the shard's lock.
    pub(super) fn set_deadline(&self, deadline: u64) {
        debug_assert!(deadline <= MAX_TIMESTAMP, "the first bit is the idle flag");
        self.0.store(deadline, Ordering::Relaxed);
    }

    /// Returns `true` if the queue holds the timer's waker.
    ///
    /// If it returns `false`, the caller sees everything that happened before the waker was removed.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Acquire) & IDLE == 0
    }

    /// Returns the deadline that the timer waits for, or waited for last.
    pub(super) fn deadline(&self) -> u64 {
        self.0.load(Ordering::Relaxed) & !IDLE
    }

    /// Moves the deadline of a waiting timer to `deadline`. Returns `false`, and changes nothing, if that is
    /// earlier. Only the timer's owner calls this.
    #[inline]
    pub(super) fn extend(&self, deadline: u64) -> bool {
        let current = self.0.load(Ordering::Relaxed);
        if current & IDLE != 0 {
            return true;
        }
        if deadline < current {
            return false;
        }
        // If the exchange fails, the timer has expired and its task is about to be woken.
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = (self.0).compare_exchange(current, deadline, success, failure);
        true
    }

    /// Returns the timer's deadline if its owner has moved it later than `deadline`, which the queue has. Call
    /// it under the shard's lock.
    #[inline]
    pub(super) fn later_than(&self, deadline: u64) -> Option<u64> {
        let current = self.0.load(Ordering::Relaxed);
        (current & IDLE == 0 && current > deadline).then_some(current)
    }

    /// Marks a timer as idle whose `deadline` in the queue has passed. If the owner has moved the deadline
    /// later, returns the later deadline instead: the timer goes on waiting. Call it under the shard's lock.
    pub(super) fn expire(&self, deadline: u64) -> Option<u64> {
        let mut current = self.0.load(Ordering::Relaxed);
        loop {
            if current & IDLE == 0 && current > deadline {
                return Some(current);
            }
            let idle = current | IDLE;
            match (self.0).compare_exchange(current, idle, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return None,
                Err(later) => current = later,
            }
        }
    }

    /// Marks the timer as idle. Call it under the shard's lock.
    pub(super) fn cancel(&self) {
        let idle = self.0.load(Ordering::Relaxed) | IDLE;
        self.0.store(idle, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;

    #[test]
    fn extend_moves_a_deadline_later_but_not_earlier() {
        let state = TimerState(AtomicU64::new(IDLE));
        assert!(state.extend(3) && !state.is_waiting(), "idle");
        state.set_deadline(5);
        assert!(!state.extend(4) && state.extend(5) && state.extend(9));
        assert_eq!((state.later_than(8), state.later_than(9)), (Some(9), None));
        assert_eq!(state.expire(5), Some(9));
        assert!(state.is_waiting());
        assert_eq!(state.expire(9), None);
        assert!(!state.is_waiting() && state.deadline() == 9);
        assert_eq!(state.later_than(5), None, "idle");
        state.set_deadline(MAX_TIMESTAMP);
        state.cancel();
        assert!(!state.is_waiting() && state.deadline() == MAX_TIMESTAMP);
    }
}
