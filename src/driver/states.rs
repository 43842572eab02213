//! What a timer and its driver tell each other without a lock.

use super::Driver;
use super::queue::SlotId;
use crate::sync::{Arc, AtomicU64, Ordering};

const STATES_PER_BLOCK: usize = 64;

/// A checker remembers each of them, and its timers are few.
const ALLOCATED: usize = if cfg!(model) { 8 } else { STATES_PER_BLOCK };

/// The block of 64 timers of one shard. Whoever holds one of these holds the driver.
#[derive(Debug)]
pub(super) struct StateBlock {
    pub(super) driver: Arc<Driver>,
    /// In which of its shards they are.
    pub(super) shard: usize,
    index: usize,
    each: [TimerState; ALLOCATED],
}

impl StateBlock {
    pub(super) fn new(driver: Arc<Driver>, shard: usize, index: usize) -> Self {
        Self {
            driver,
            shard,
            index,
            each: [(); ALLOCATED].map(|()| TimerState(AtomicU64::new(IDLE))),
        }
    }

    /// AlarmId of the block of its shard these are.
    pub(super) fn index_of(id: SlotId) -> usize {
        id.index() / STATES_PER_BLOCK
    }

    pub(super) fn has(&self, id: SlotId) -> bool {
        Self::index_of(id) == self.index
    }

    pub(super) fn get(&self, id: SlotId) -> &TimerState {
        &self.each[id.index() % STATES_PER_BLOCK]
    }
}

/// For which moment one timer waits.
///
/// Its owner may put that off while the queue still holds it for an earlier one: whoever takes it out then
/// looks here, and puts it back.
#[derive(Debug)]
pub(super) struct TimerState(AtomicU64);

/// Not any more, for the moment in the other bits.
const IDLE: u64 = 1 << 63;

/// The last moment there is.
pub(super) const MAX_TIMESTAMP: u64 = IDLE - 1;

impl TimerState {
    /// It waits for `deadline`. Under the lock of its shard.
    pub(super) fn set_deadline(&self, deadline: u64) {
        debug_assert!(deadline <= MAX_TIMESTAMP, "the first bit is taken");
        self.0.store(deadline, Ordering::Relaxed);
    }

    /// Whether the queue has a waker of its.
    ///
    /// If not, whatever was done before that waker was taken has been done.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Acquire) & IDLE == 0
    }

    /// For which moment it waits, or waited last.
    pub(super) fn deadline(&self) -> u64 {
        self.0.load(Ordering::Relaxed) & !IDLE
    }

    /// Its owner moves what it waits for, if it waits, to `deadline`. Not so, and `false`, if that is
    /// earlier.
    #[inline]
    pub(super) fn extend(&self, deadline: u64) -> bool {
        let waits = self.0.load(Ordering::Relaxed);
        if waits & IDLE != 0 {
            return true;
        }
        if deadline < waits {
            return false;
        }
        // If it has been taken meanwhile, its task is about to be woken.
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = (self.0).compare_exchange(waits, deadline, success, failure);
        true
    }

    /// It is to be taken out of the queue, which has it for `deadline`, and will not wait any more. Or it
    /// is to be put back for the later moment that is returned. Under the lock of its shard.
    pub(super) fn expire(&self, deadline: u64) -> Option<u64> {
        let mut waits = self.0.load(Ordering::Relaxed);
        loop {
            if waits & IDLE == 0 && waits > deadline {
                return Some(waits);
            }
            let idle = waits | IDLE;
            match (self.0).compare_exchange(waits, idle, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return None,
                Err(later) => waits = later,
            }
        }
    }

    /// It does not wait any more. Under the lock of its shard.
    pub(super) fn cancel(&self) {
        let idle = self.0.load(Ordering::Relaxed) | IDLE;
        self.0.store(idle, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_put_off_and_not_brought_forward() {
        let state = TimerState(AtomicU64::new(IDLE));
        assert!(state.extend(3) && !state.is_waiting(), "nobody waits");
        state.set_deadline(5);
        assert!(!state.extend(4) && state.extend(5) && state.extend(9));
        assert_eq!(state.expire(5), Some(9));
        assert!(state.is_waiting());
        assert_eq!(state.expire(9), None);
        assert!(!state.is_waiting() && state.deadline() == 9);
        state.set_deadline(MAX_TIMESTAMP);
        state.cancel();
        assert!(!state.is_waiting() && state.deadline() == MAX_TIMESTAMP);
    }
}
