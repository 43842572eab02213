//! Wakers that were collected under the driver's lock, to be woken after it is released.

use std::task::Waker;

use crate::contain::contain;

/// How many wakers are taken under one hold of the lock: enough that the lock costs little for
/// each, few enough that no other thread waits long for it.
const BATCH: usize = 32;

/// A batch of wakers on the stack.
pub(super) struct Batch {
    wakers: [Option<Waker>; BATCH],
    len: usize,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            wakers: [const { None }; BATCH],
            len: 0,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.len < BATCH
    }

    /// # Panics
    ///
    /// If there is no room.
    pub(super) fn push(&mut self, waker: Waker) {
        self.wakers[self.len] = Some(waker);
        self.len += 1;
    }

    /// Wakes all and is empty again. Never call it with the driver's lock held.
    ///
    /// A waker is anybody's code. The panic of one ends here, once the panic hook has reported it:
    /// it keeps no other from being woken, and does not unwind through the reactor, which a
    /// current-thread runtime would not survive.
    pub(super) fn wake(&mut self) {
        for waker in self.wakers[..self.len].iter_mut().filter_map(Option::take) {
            contain(|| waker.wake());
        }
        self.len = 0;
    }
}
