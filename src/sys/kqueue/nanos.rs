//! FreeBSD: nanoseconds from now.
//!
//! Its absolute timers are on the wall clock, which is set and slewed. A relative one is turned into
//! an absolute one by the kernel, on its clock of uptime and without loss (`filt_timerexpire_l` and
//! `timer2sbintime` in FreeBSD's `sys/kern/kern_event.c`).

use std::time::Duration;

use tokio::time::Instant;

use super::kernel::NOTE_NSECONDS;
use super::timer::Expiry;
use crate::sys::clock::TokioClock;
use crate::sys::units::nanos;

/// 30 years, well below the 68 that the kernel has room for.
const MOST: i64 = 30 * 365 * 86_400 * 1_000_000_000;

/// There is nothing to keep: a span of time is the same on every clock.
#[derive(Debug)]
pub(super) struct Epoch;

impl Epoch {
    /// FreeBSD 11.1 and later: a timer that is added again starts anew, and keeps its place among
    /// the 4,096 that the machine may have (`filt_timertouch` in the same file).
    pub(super) const DELETED_FIRST: bool = false;

    pub(super) fn read(_clock: &TokioClock) -> Self {
        Self
    }

    pub(super) fn once(&self, clock: &TokioClock, latest: Instant, _slack: Duration) -> Expiry {
        let wait = latest.saturating_duration_since(clock.now());
        Expiry {
            once: true,
            data: nanos(wait, MOST),
            fflags: NOTE_NSECONDS,
            leeway: 0,
        }
    }
}

/// Its periodic timers are in phase as long as nothing is late by a period: not an interrupt, nor a
/// process that was stopped, nor a machine that was. When something is, one expiration is not
/// counted, and they go on from then (`filt_timerexpire_l` in the same file).
pub(super) fn every(_period: Duration) -> Option<Expiry> {
    None
}
