//! What a timer and its driver tell each other without a lock.

use super::Driver;
use super::queue::Key;
use crate::sync::{Arc, AtomicU64, Ordering};

const PLACES: usize = 64;

/// A checker remembers each of them, and its timers are few.
const USED: usize = if cfg!(model) { 8 } else { PLACES };

/// The slots of 64 timers of one shard. Whoever holds one of these holds the driver.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) driver: Arc<Driver>,
    /// In which of its shards they are.
    pub(super) shard: usize,
    chunk: usize,
    each: [Slot; USED],
}

impl Slots {
    pub(super) fn new(driver: Arc<Driver>, shard: usize, chunk: usize) -> Self {
        Self {
            driver,
            shard,
            chunk,
            each: [(); USED].map(|()| Slot(AtomicU64::new(IDLE))),
        }
    }

    /// Which of the slots of its shard these are.
    pub(super) fn chunk_of(key: Key) -> usize {
        key.index() / PLACES
    }

    pub(super) fn has(&self, key: Key) -> bool {
        Self::chunk_of(key) == self.chunk
    }

    pub(super) fn get(&self, key: Key) -> &Slot {
        &self.each[key.index() % PLACES]
    }
}

/// For which moment one timer waits.
///
/// Its owner may put that off while the queue still holds it for an earlier one: whoever takes it out then
/// looks here, and puts it back.
#[derive(Debug)]
pub(super) struct Slot(AtomicU64);

/// Not any more, for the moment in the other bits.
const IDLE: u64 = 1 << 63;

/// The last moment there is.
pub(super) const LAST: u64 = IDLE - 1;

impl Slot {
    /// It waits for `deadline`. Under the lock of its shard.
    pub(super) fn wait(&self, deadline: u64) {
        debug_assert!(deadline <= LAST, "the first bit is taken");
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
    pub(super) fn moment(&self) -> u64 {
        self.0.load(Ordering::Relaxed) & !IDLE
    }

    /// Its owner moves what it waits for, if it waits, to `deadline`. Not so, and `false`, if that is
    /// earlier.
    #[inline]
    pub(super) fn put_off(&self, deadline: u64) -> bool {
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
        let slot = Slot(AtomicU64::new(IDLE));
        assert!(slot.put_off(3) && !slot.is_waiting(), "nobody waits");
        slot.wait(5);
        assert!(!slot.put_off(4) && slot.put_off(5) && slot.put_off(9));
        assert_eq!(slot.expire(5), Some(9));
        assert!(slot.is_waiting());
        assert_eq!(slot.expire(9), None);
        assert!(!slot.is_waiting() && slot.moment() == 9);
        slot.wait(LAST);
        slot.cancel();
        assert!(!slot.is_waiting() && slot.moment() == LAST);
    }
}
