//! The clock of the model checker's kernel. It stands still until an alarm is due.

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::sys::model::kernel;

#[derive(Debug, Clone)]
pub(crate) struct TokioClock;

impl TokioClock {
    pub(crate) fn new(_runtime: &Handle) -> Self {
        Self
    }

    pub(crate) fn now(&self) -> Instant {
        kernel().now()
    }

    pub(crate) fn differs(&self) -> bool {
        false
    }
}
