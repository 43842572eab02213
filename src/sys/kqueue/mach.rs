//! Apple's systems: absolute times in ticks of `mach_absolute_time`, which is also the clock of [`Instant`].
//!
//! `NOTE_CRITICAL` prevents the kernel from delaying a timer by milliseconds so that it joins others. A timer's slack
//! is its leeway instead (`filt_timervalidate` and `filt_timerarm` in XNU's `bsd/kern/kern_event.c`). An absolute time
//! is on that clock with `NOTE_MACHTIME`; with `NOTE_ABSOLUTE` alone it is on the calendar's.

use std::time::Duration;

use tokio::time::Instant;

use super::kernel::{NOTE_ABSOLUTE, NOTE_CRITICAL, NOTE_LEEWAY, NOTE_MACHTIME};
#[allow(
    deprecated,
    reason = "libc recommends another crate, for two functions that never change"
)]
use super::kernel::{mach_absolute_time, mach_timebase_info};
use super::timer::TimerSpec;
use crate::clock::paired::closest;
use crate::sys::clock::TokioClock;
use crate::sys::units::{mach_ticks, mach_ticks_within};

/// Converts deadlines to ticks. Holds the same time on tokio's clock and on the kernel's.
#[derive(Debug)]
pub(super) struct Encoder {
    instant: Instant,
    ticks: u64,
    ratio: Ratio,
}

impl Encoder {
    /// An expired timer that is added again stays queued, and its next expiration is no event for the outer kqueue
    /// (`filt_timertouch` and `knote_enqueue` in the same file).
    pub(super) const DELETE_BEFORE_ADD: bool = true;

    /// Reads the kernel's clock second: the time between the readings makes every alarm late by as much, and none
    /// early.
    pub(super) fn new(clock: &TokioClock) -> Self {
        let (instant, ticks) = closest(|| clock.now(), ticks);
        Self {
            instant,
            ticks,
            ratio: Ratio::read(),
        }
    }

    pub(super) fn one_shot(
        &self,
        _clock: &TokioClock,
        hard_deadline: Instant,
        slack: Duration,
    ) -> TimerSpec {
        let wait = hard_deadline.saturating_duration_since(self.instant);
        let hard_deadline = self.ticks.saturating_add(self.ratio.ticks(wait));
        // Rounded down: the kernel must not fire before the deadline, which is `slack` before the hard one.
        let leeway = self.ratio.ticks_within(slack);
        let leeway_flag = if leeway == 0 { 0 } else { NOTE_LEEWAY };
        TimerSpec {
            one_shot: true,
            data: signed(hard_deadline.saturating_sub(leeway).max(1)),
            fflags: NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL | leeway_flag,
            leeway,
        }
    }
}

/// The kernel's periodic timers stay in phase and are counted: the kernel adds the period to the deadline
/// (`filt_timerprocess` in the same file). The period is rounded up to a whole number of ticks.
#[allow(clippy::unnecessary_wraps, reason = "other kernels return `None`")]
pub(super) fn periodic(period: Duration) -> Option<TimerSpec> {
    Some(TimerSpec {
        one_shot: false,
        data: signed(Ratio::read().ticks(period)),
        fflags: NOTE_MACHTIME | NOTE_CRITICAL,
        leeway: 0,
    })
}

fn signed(ticks: u64) -> i64 {
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

#[allow(deprecated, reason = "see above")]
fn ticks() -> u64 {
    // SAFETY: takes nothing, and only reads a clock.
    unsafe { mach_absolute_time() }
}

/// The length of a tick: `numer / denom` nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    numer: u32,
    denom: u32,
}

impl Ratio {
    #[allow(deprecated, reason = "see above")]
    fn read() -> Self {
        let mut ratio = mach_timebase_info { numer: 0, denom: 0 };
        // SAFETY: writes two numbers, to a place that we own. It cannot fail.
        unsafe { mach_timebase_info(&raw mut ratio) };
        Self {
            numer: ratio.numer,
            denom: ratio.denom,
        }
    }

    fn ticks(self, duration: Duration) -> u64 {
        mach_ticks(duration, self.numer, self.denom)
    }

    fn ticks_within(self, duration: Duration) -> u64 {
        mach_ticks_within(duration, self.numer, self.denom)
    }
}
