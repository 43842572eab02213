//! Missed ticks become events of `tracing`.

use crate::schedule::Missed;

pub(crate) fn report(missed: Missed) {
    tracing::debug!(
        target: "tokio_osinterval",
        period = ?missed.period,
        lateness = ?missed.lateness,
        behind = missed.ticks(),
        "missed tick",
    );
}
