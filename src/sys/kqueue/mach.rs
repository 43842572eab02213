//! macOS, iOS and their kin: moments in the ticks of `mach_absolute_time`, the clock of [`Instant`]
//! there.
//!
//! `NOTE_CRITICAL` keeps the kernel from putting a timer off by milliseconds to join others; what
//! tolerance a timer has is its leeway instead (`filt_timervalidate` and `filt_timerarm` in XNU's
//! `bsd/kern/kern_event.c`). A moment is on that clock with `NOTE_MACHTIME`; with `NOTE_ABSOLUTE`
//! alone it is on the calendar's.

use std::time::Duration;

use tokio::time::Instant;

use super::kernel::{NOTE_ABSOLUTE, NOTE_CRITICAL, NOTE_LEEWAY, NOTE_MACHTIME};
#[allow(
    deprecated,
    reason = "libc would have us depend on one crate more for two functions that never change"
)]
use super::kernel::{mach_absolute_time, mach_timebase_info};
use super::timer::Expiry;
use crate::clock::paired::closest;
use crate::sys::clock::TokioClock;
use crate::sys::units::{mach_ticks, mach_ticks_within};

/// The same moment on tokio's clock and on the kernel's.
#[derive(Debug)]
pub(super) struct Epoch {
    instant: Instant,
    ticks: u64,
    ratio: Ratio,
}

impl Epoch {
    /// One that is added again stays queued if it had expired, and its next expiry is no event for
    /// the kqueue that this one is in (`filt_timertouch` and `knote_enqueue` in the same file).
    pub(super) const DELETED_FIRST: bool = true;

    /// The kernel's clock is read second: what lies between the readings makes every alarm late by
    /// that much, and none early.
    pub(super) fn read(clock: &TokioClock) -> Self {
        let (instant, ticks) = closest(|| clock.now(), ticks);
        Self {
            instant,
            ticks,
            ratio: Ratio::read(),
        }
    }

    pub(super) fn once(&self, _clock: &TokioClock, latest: Instant, slack: Duration) -> Expiry {
        let wait = latest.saturating_duration_since(self.instant);
        let moment = self.ticks.saturating_add(self.ratio.ticks(wait));
        // What lies between is less than the slack, or the timer could be late.
        let leeway = self.ratio.ticks_within(slack);
        let leeway_flag = if leeway == 0 { 0 } else { NOTE_LEEWAY };
        Expiry {
            once: true,
            data: signed(moment.saturating_sub(leeway).max(1)),
            fflags: NOTE_ABSOLUTE | NOTE_MACHTIME | NOTE_CRITICAL | leeway_flag,
            leeway,
        }
    }
}

/// In phase for ever, and counted: the kernel adds the period to when it was due (`filt_timerprocess`
/// in the same file). A period that is not a whole number of ticks is rounded up to one.
#[allow(clippy::unnecessary_wraps, reason = "other kernels have none")]
pub(super) fn every(period: Duration) -> Option<Expiry> {
    Some(Expiry {
        once: false,
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

/// How long a tick is: `numer / denom` nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    numer: u32,
    denom: u32,
}

impl Ratio {
    #[allow(deprecated, reason = "see above")]
    fn read() -> Self {
        let mut ratio = mach_timebase_info { numer: 0, denom: 0 };
        // SAFETY: writes the two numbers, to a place that is ours. It cannot fail.
        unsafe { mach_timebase_info(&raw mut ratio) };
        Self {
            numer: ratio.numer,
            denom: ratio.denom,
        }
    }

    fn ticks(self, span: Duration) -> u64 {
        mach_ticks(span, self.numer, self.denom)
    }

    fn ticks_within(self, span: Duration) -> u64 {
        mach_ticks_within(span, self.numer, self.denom)
    }
}
