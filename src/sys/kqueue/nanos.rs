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
    pub(super) const LEEWAY: bool = false;

    pub(super) fn read(_clock: &TokioClock) -> Self {
        Self
    }

    pub(super) fn once(&self, clock: &TokioClock, latest: Instant, _slack: Duration) -> Expiry {
        from_now(true, latest.saturating_duration_since(clock.now()))
    }
}

/// In phase, and counted: the kernel adds the period to when it was due, not to when it was noticed.
/// But when its own interrupt is late by a period or more it counts one too few, and goes on from
/// then (`filt_timerexpire_l` in the same file): so only for periods that no interrupt is late by.
pub(super) fn every(period: Duration) -> Option<Expiry> {
    (period >= LEAST).then(|| from_now(false, period))
}

const LEAST: Duration = Duration::from_millis(1);

fn from_now(once: bool, span: Duration) -> Expiry {
    Expiry {
        once,
        data: nanos(span, MOST),
        fflags: NOTE_NSECONDS,
        leeway: 0,
    }
}
