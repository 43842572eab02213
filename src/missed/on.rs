//! Missed ticks become events of `tracing`.

use crate::schedule::Missed;

pub(crate) fn report(missed: Missed) {
    tracing::debug!(
        period = ?missed.period,
        lateness = ?missed.lateness,
        missed = missed.ticks(),
        "missed tick",
    );
}
