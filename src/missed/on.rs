//! Missed ticks become events of `tracing`.

use std::time::Duration;

pub(crate) fn report(period: Duration, lateness: Duration, ticks: u64) {
    tracing::debug!(?period, ?lateness, missed = ticks, "missed tick");
}
