//! What is done about an alarm that was early.

use std::time::Duration;

use tokio::time::Instant;

/// Keeps an alarm that was early by the runtime's clock from being so again and again: a clock that
/// stands still would have it fire without end.
#[derive(Debug, Default)]
pub(super) struct BackOff(Option<Instant>);

const PAUSE: Duration = Duration::from_millis(1);

impl BackOff {
    pub(super) fn begin(&mut self, now: Instant) {
        self.0 = Some(now + PAUSE);
    }

    /// When to fire instead of at `latest`, this one time.
    pub(super) fn hold(&mut self, latest: Instant) -> Instant {
        self.0.take().map_or(latest, |end| latest.max(end))
    }
}
