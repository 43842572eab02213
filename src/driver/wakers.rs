//! Wakers that were collected under the driver's lock, to be woken after it is released.

use std::task::Waker;

use crate::panics::catch_foreign;

/// How many wakers are taken under one hold of the lock: enough that the lock costs little for
/// each, few enough that no other thread waits long for it.
const BATCH: usize = 32;

/// A batch of wakers on the stack.
///
/// Nearly always there is one. The places for more are made when there are: to clear them takes as
/// long as all else that a wake-up does.
#[derive(Default)]
pub(super) struct Batch {
    first: Option<Waker>,
    more: Option<[Option<Waker>; BATCH - 1]>,
    len: usize,
}

impl Batch {
    pub(super) fn has_room(&self) -> bool {
        self.len < BATCH
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// # Panics
    ///
    /// If there is no room.
    pub(super) fn push(&mut self, waker: Waker) {
        if self.len == 0 {
            self.first = Some(waker);
        } else {
            let more = self.more.get_or_insert_default();
            more[self.len - 1] = Some(waker);
        }
        self.len += 1;
    }

    /// Wakes all and is empty again. Never call it with the driver's lock held.
    ///
    /// A waker is anybody's code. The panic of one ends here, once the panic hook has reported it:
    /// it keeps no other from being woken, and does not unwind through the reactor, which a
    /// current-thread runtime would not survive.
    pub(super) fn wake(&mut self) {
        let more = self.more.iter_mut().flatten().filter_map(Option::take);
        let more = more.take(self.len.saturating_sub(1));
        for waker in self.first.take().into_iter().chain(more) {
            catch_foreign(|| waker.wake());
        }
        self.len = 0;
    }
}
