//! NetBSD, OpenBSD, DragonFly: milliseconds from now.
//!
//! These kernels keep timers in ticks of 10 ms by default. A finer unit gains nothing, and not every version knows
//! it: older versions of NetBSD and OpenBSD, and DragonFly, take any number for milliseconds and ignore the flags.

use std::time::Duration;

use tokio::time::Instant;

use super::timer::TimerSpec;
use crate::sys::clock::TokioClock;
use crate::sys::units::millis;

/// A day. It fits an `int` of ticks at any tick rate. For a later deadline the alarm is rearmed then.
const MAX_WAIT: i64 = 86_400_000;

/// Has no clock readings to keep: a duration is the same on every clock.
#[derive(Debug)]
pub(super) struct Encoder;

impl Encoder {
    /// In some versions, and on DragonFly, a timer that is added again keeps its previous setting.
    pub(super) const DELETE_BEFORE_ADD: bool = true;

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
            data: millis(wait, MAX_WAIT),
            fflags: 0,
            leeway: 0,
        }
    }
}

/// The kernels' periodic timers take whole ticks, and each period begins when the last expiration was processed: a
/// timer of 1 ms expires, and counts, 50 or 100 times a second.
pub(super) fn periodic(_period: Duration) -> Option<TimerSpec> {
    None
}
