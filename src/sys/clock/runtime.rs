//! The clock of one runtime.
//!
//! `Instant::now()` reads the clock of the runtime that the calling thread has entered. A timer may be polled on
//! any thread, and its driver is also called from threads that have entered no runtime.

use tokio::runtime::{EnterGuard, Handle};
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct RuntimeClock {
    pub(in crate::sys) runtime: Handle,
}

impl RuntimeClock {
    pub(crate) fn new(runtime: &Handle) -> Self {
        Self {
            runtime: runtime.clone(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match self.enter() {
            Some(_context) => Instant::now(),
            // tokio's thread-local variables are destroyed, so this thread has no clock that can be paused.
            None => std::time::Instant::now().into(),
        }
    }

    /// Returns `true` if the clock differs from the system's: it is paused, or was moved.
    pub(crate) fn differs(&self) -> bool {
        let before = std::time::Instant::now();
        let now = self.now().into_std();
        now < before || now > std::time::Instant::now()
    }

    /// Enters this clock's runtime until the guard is dropped.
    ///
    /// Returns `None` in the destructor of a thread-local variable, once tokio's own are destroyed.
    pub(in crate::sys) fn enter(&self) -> Option<EnterGuard<'_>> {
        match Handle::try_current() {
            Err(error) if error.is_thread_local_destroyed() => None,
            _ => Some(self.runtime.enter()),
        }
    }
}
