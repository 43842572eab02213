//! Missed ticks are nobody's business.

use std::time::Duration;

#[inline]
pub(crate) fn report(_period: Duration, _lateness: Duration, _ticks: u64) {}
