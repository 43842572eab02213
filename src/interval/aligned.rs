//! Ticks at multiples of their period of wall-clock time.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::clock::paired::closest;
use crate::clock::wall::unix_nanos;
use crate::saturating::after;
use crate::schedule::{Rate, Rounding};

/// The next tick of `rate`, counted from 1970, on the clock that `now` reads: as the wall clock and that clock
/// stand to each other now.
pub(super) fn next_tick(now: impl Fn() -> Instant, rate: Rate) -> (Instant, Rounding) {
    // The wall clock first: what lies between the readings makes it late, and never early.
    let (wall, now) = closest(SystemTime::now, now);
    let (wait, rounded) = rate.until_next(unix_nanos(wall));
    (after(now, wait), rounded)
}
