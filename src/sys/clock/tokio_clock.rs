//! tokio's clock: a runtime's own if it can be paused, else the system's.

use std::array;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{PAUSABLE, RuntimeClock};

/// The clock of a driver.
#[derive(Debug, Clone)]
pub(crate) struct TokioClock {
    /// Empty unless the clock can be paused. That is known only after name resolution, so no `cfg` can remove
    /// the field; an empty array takes no space either.
    runtime: [RuntimeClock; PAUSABLE as usize],
}

impl TokioClock {
    pub(crate) fn new(runtime: &Handle) -> Self {
        Self {
            runtime: array::from_fn(|_| RuntimeClock::new(runtime)),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.runtime
            .first()
            .map_or_else(Instant::now, RuntimeClock::now)
    }

    /// Returns `true` if the clock differs from the system's: it is paused, or was moved.
    pub(crate) fn differs(&self) -> bool {
        self.runtime.iter().any(RuntimeClock::differs)
    }
}
