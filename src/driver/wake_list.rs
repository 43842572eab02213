//! Wakers that are collected under a lock and woken after it is released.

use std::task::Waker;

use crate::panics::catch_foreign;

/// The most wakers collected under one hold of the lock. Enough to make the lock cheap per waker, few
/// enough that no other thread waits long for it.
const CAPACITY: usize = 32;

/// A list of wakers on the stack.
///
/// It nearly always holds one. The places for the rest are created on demand: clearing them takes as
/// long as everything else that a wake-up does.
#[derive(Default)]
pub(super) struct WakeList {
    first: Option<Waker>,
    rest: Option<[Option<Waker>; CAPACITY - 1]>,
    len: usize,
}

impl WakeList {
    pub(super) fn can_push(&self) -> bool {
        self.len < CAPACITY
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// # Panics
    ///
    /// If the list is full.
    pub(super) fn push(&mut self, waker: Waker) {
        if self.len == 0 {
            self.first = Some(waker);
        } else {
            let rest = self.rest.get_or_insert_default();
            rest[self.len - 1] = Some(waker);
        }
        self.len += 1;
    }

    /// Wakes all wakers and empties the list. Never call it while you hold a lock of the driver.
    ///
    /// A waker is foreign code. Its panic ends here, once the panic hook has reported it. The other wakers
    /// are still woken, and the panic does not unwind through the reactor, which a current-thread runtime
    /// would not survive.
    pub(super) fn wake_all(&mut self) {
        let rest = self.rest.iter_mut().flatten().filter_map(Option::take);
        let rest = rest.take(self.len.saturating_sub(1));
        for waker in self.first.take().into_iter().chain(rest) {
            catch_foreign(|| waker.wake());
        }
        self.len = 0;
    }
}
