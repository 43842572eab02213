//! Wakers that were collected under the driver's lock, to be woken after it is released.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// What a waker that panicked threw.
type Panic = Box<dyn Any + Send>;

/// How many wakers are taken under one hold of the lock: enough that the lock costs little for
/// each, few enough that no other thread waits long for it.
const BATCH: usize = 32;

/// A batch of wakers on the stack.
///
/// A waker is anybody's code. One that panics keeps no other from being woken: its panic goes on
/// when all is done, in [`Batch::finish`].
pub(super) struct Batch {
    wakers: [Option<Waker>; BATCH],
    len: usize,
    panic: Option<Panic>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            wakers: [const { None }; BATCH],
            len: 0,
            panic: None,
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
    pub(super) fn wake(&mut self) {
        for waker in self.wakers[..self.len].iter_mut().filter_map(Option::take) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                self.panic.get_or_insert(panic);
            }
        }
        self.len = 0;
    }

    /// Lets the first panic of a waker, if there was one, go on to whoever called the driver.
    pub(super) fn finish(self) {
        if let Some(panic) = self.panic {
            resume_unwind(panic);
        }
    }
}
