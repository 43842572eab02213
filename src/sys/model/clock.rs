//! The clock of the [kernel] that stands still until an alarm is due.

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::kernel;

#[derive(Debug, Clone)]
pub(crate) struct TokioClock;

impl TokioClock {
    pub(crate) fn new(_runtime: &Handle) -> Self {
        Self
    }

    pub(crate) fn differs(&self) -> bool {
        false
    }

    pub(crate) fn now(&self) -> Instant {
        kernel().now()
    }
}
