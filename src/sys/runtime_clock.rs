//! The clock where one may be paused: that of the driver's own runtime.
//!
//! `Instant::now()` asks the runtime of the thread it is called on. A timer may be polled on any,
//! and its driver is also called from threads that are on none.

use tokio::runtime::Handle;
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct Clock {
    runtime: Handle,
}

impl Clock {
    pub(crate) fn new(runtime: &Handle) -> Self {
        Self {
            runtime: runtime.clone(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        let _context = self.runtime.enter();
        Instant::now()
    }

    /// Makes this clock's runtime the current one for as long as the guard lives.
    pub(super) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }
}
