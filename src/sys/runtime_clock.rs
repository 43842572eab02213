//! The clock where one may be paused: that of the driver's own runtime.
//!
//! `Instant::now()` asks the runtime of the thread it is called on. A timer may be polled on any,
//! and its driver is also called from threads that are on none.

use tokio::runtime::{EnterGuard, Handle};
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct RuntimeClock {
    runtime: Handle,
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
            // Nothing that can be paused is left on this thread.
            None => std::time::Instant::now().into(),
        }
    }

    /// Whether it is another than the system's: paused, or moved.
    pub(crate) fn differs(&self) -> bool {
        let before = std::time::Instant::now();
        let now = self.now().into_std();
        now < before || now > std::time::Instant::now()
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.runtime
    }

    /// Makes this clock's runtime the current one for as long as the guard lives.
    ///
    /// `None` in the destructor of a thread-local variable, when tokio's own is gone already.
    pub(super) fn enter(&self) -> Option<EnterGuard<'_>> {
        match Handle::try_current() {
            Err(error) if error.is_thread_local_destroyed() => None,
            _ => Some(self.runtime.enter()),
        }
    }
}
