//! What a poll needs to know of its driver's state, without its lock. Numbers are nanoseconds.

use crate::sync::{AtomicU64, Ordering};

/// Written under the lock, and read without it.
#[derive(Debug)]
pub(super) struct Hints {
    /// How long before its deadline a timer that spins is to be woken.
    lead: AtomicU64,
    /// How much slack the timers of a crowd are given.
    crowd: AtomicU64,
    /// Before this moment nothing is left in the queue.
    taken: AtomicU64,
}

impl Hints {
    pub(super) fn new(lead: u64) -> Self {
        Self {
            lead: AtomicU64::new(lead),
            crowd: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        }
    }

    pub(super) fn lead(&self) -> u64 {
        self.lead.load(Ordering::Relaxed)
    }

    pub(super) fn set_lead(&self, lead: u64) {
        self.lead.store(lead, Ordering::Relaxed);
    }

    pub(super) fn crowd(&self) -> u64 {
        self.crowd.load(Ordering::Relaxed)
    }

    pub(super) fn set_crowd(&self, crowd: u64) {
        self.crowd.store(crowd, Ordering::Relaxed);
    }

    /// Whether what has put itself into the queue for `latest` has been taken out since.
    ///
    /// It has seen [`put`](Self::put) happen then, since it did that itself: so it reads that value
    /// or a later one.
    pub(super) fn is_taken(&self, latest: u64) -> bool {
        latest < self.taken.load(Ordering::Acquire)
    }

    /// Everything whose latest moment has come by `now` has been taken out of the queue.
    pub(super) fn take_until(&self, now: u64) {
        self.taken.store(now.saturating_add(1), Ordering::Release);
    }

    /// Something is put into the queue for `latest`.
    pub(super) fn put(&self, latest: u64) {
        // Seldom: it would have been due.
        if self.is_taken(latest) {
            self.taken.store(latest, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_taken_out() {
        let hints = Hints::new(0);
        assert!(!hints.is_taken(0));
        hints.take_until(10);
        assert!(hints.is_taken(10) && !hints.is_taken(11));
        hints.put(11);
        assert!(hints.is_taken(10) && !hints.is_taken(11));
        hints.put(5);
        assert!(hints.is_taken(4) && !hints.is_taken(5));
    }
}
