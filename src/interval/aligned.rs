//! Ticks at multiples of the period in wall-clock time.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::clock::paired::closest;
use crate::clock::wall::unix_nanos;
use crate::saturating::after;
use crate::schedule::{Rate, Rounding};

/// Returns the next tick of `rate`, counted from 1970, on the clock that `now` reads. Compares that clock
/// with the wall clock once.
pub(super) fn next_tick(now: impl Fn() -> Instant, rate: Rate) -> (Instant, Rounding) {
    // Read the wall clock first: the time between the two readings then makes the tick late, never early.
    let (wall, now) = closest(SystemTime::now, now);
    let (wait, rounded) = rate.until_next(unix_nanos(wall));
    (after(now, wait), rounded)
}
