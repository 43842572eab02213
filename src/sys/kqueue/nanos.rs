//! FreeBSD: nanoseconds from now.
//!
//! Its absolute timers are on the wall clock, which is set and slewed. The kernel converts a relative timer to an
//! absolute one on its uptime clock, without loss (`filt_timerexpire_l` and `timer2sbintime` in FreeBSD's
//! `sys/kern/kern_event.c`).

use std::time::Duration;

use tokio::time::Instant;

use super::kernel::NOTE_NSECONDS;
use super::timer::TimerSpec;
use crate::sys::clock::TokioClock;
use crate::sys::units::nanos;

/// 30 years, well below the kernel's limit of 68.
const MAX_WAIT: i64 = 30 * 365 * 86_400 * 1_000_000_000;

/// Has no clock readings to keep: a duration is the same on every clock.
#[derive(Debug)]
pub(super) struct Encoder;

impl Encoder {
    /// On FreeBSD 11.1 and later, a timer that is added again restarts. It keeps its place among the 4,096 that the
    /// machine may have (`filt_timertouch` in the same file).
    pub(super) const DELETE_BEFORE_ADD: bool = false;

    pub(super) fn new(_clock: &TokioClock) -> Self {
        Self
    }

    pub(super) fn one_shot(
        &self,
        clock: &TokioClock,
        hard_deadline: Instant,
        _slack: Duration,
    ) -> TimerSpec {
        let wait = hard_deadline.saturating_duration_since(clock.now());
        TimerSpec {
            one_shot: true,
            data: nanos(wait, MAX_WAIT),
            fflags: NOTE_NSECONDS,
            leeway: 0,
        }
    }
}

/// The kernel's periodic timers lose their phase and one count when they are late by a period: by a late interrupt, or
/// because the process or the machine was stopped (`filt_timerexpire_l` in the same file).
pub(super) fn periodic(_period: Duration) -> Option<TimerSpec> {
    None
}
