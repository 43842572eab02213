//! The clock in production: tokio's, which nothing can pause.

use tokio::runtime::Handle;
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct SystemClock;

impl SystemClock {
    pub(crate) fn new(_runtime: &Handle) -> Self {
        Self
    }

    #[allow(clippy::unused_self, reason = "the other one's does")]
    pub(crate) fn differs(&self) -> bool {
        false
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }
}
