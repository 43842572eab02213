//! NetBSD, OpenBSD, DragonFly: milliseconds from now.
//!
//! These kernels keep timers in ticks, by default of 10 ms. A finer unit, where one is offered at
//! all, gains nothing but a way to be misunderstood: older versions of NetBSD and OpenBSD take the
//! number for milliseconds whatever the flags say, and so does DragonFly.

use std::time::Duration;

use tokio::time::Instant;

use super::timer::Expiry;
use crate::sys::clock::TokioClock;
use crate::sys::units::millis;

/// A day. As a number of ticks it fits an `int` whatever a tick is: what is further away is armed
/// for anew by then.
const MOST: i64 = 86_400_000;

/// There is nothing to keep: a span of time is the same on every clock.
#[derive(Debug)]
pub(super) struct Epoch;

impl Epoch {
    /// For the versions, and the kernel, where one that is added again goes on as it was.
    pub(super) const DELETED_FIRST: bool = true;

    pub(super) fn read(_clock: &TokioClock) -> Self {
        Self
    }

    pub(super) fn once(&self, clock: &TokioClock, latest: Instant, _slack: Duration) -> Expiry {
        let wait = latest.saturating_duration_since(clock.now());
        Expiry {
            once: true,
            data: millis(wait, MOST),
            fflags: 0,
            leeway: 0,
        }
    }
}

/// A periodic timer is one of whole ticks there, and each begins when the last was noticed: one of
/// 1 ms expires, and counts, a hundred times a second or fifty.
pub(super) fn every(_period: Duration) -> Option<Expiry> {
    None
}
