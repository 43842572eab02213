//! FreeBSD's. Pure.

use libc::{EINVAL, ENOTSUP, c_int};

use super::event::Fields;
use super::knote::flag;
use super::names::{NOTE_ABSTIME, NOTE_MSECONDS, NOTE_NSECONDS, NOTE_SECONDS, NOTE_USECONDS};
use super::plan::{Plan, from_calendar};
use super::ways::{Again, NoRoom, Refused};

pub(super) const CLOSE_ON_EXEC: bool = false;
pub(super) const NO_ROOM: NoRoom = NoRoom::Stops;
pub(super) const REFUSED: Refused = Refused::SaysSoLater;

/// What fits the seconds of the kernel's `sbintime_t`. It clamps to that, adds the uptime, and
/// overflows.
const MOST: u64 = i32::MAX as u64 * 1_000_000_000;

pub(super) fn again(_there: &Plan, _change: &Fields) -> Again {
    Again::Restarts
}

pub(super) fn plan(change: &Fields, now: u64, calendar: u64) -> Result<Plan, c_int> {
    let units = NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS;
    let unit = match change.fflags & units {
        0 | NOTE_MSECONDS => 1_000_000,
        NOTE_SECONDS => 1_000_000_000,
        NOTE_USECONDS => 1_000,
        NOTE_NSECONDS => 1,
        _ => return Err(EINVAL),
    };
    if change.fflags & !(units | NOTE_ABSTIME) != 0 {
        return Err(EINVAL);
    }
    let once = change.flags & flag::ONESHOT != 0;
    let data = u64::try_from(change.data).map_err(|_| EINVAL)?;
    let span = if once { data } else { data.max(1) }
        .checked_mul(unit)
        .filter(|span| *span <= MOST)
        .ok_or(EINVAL)?;
    if change.fflags & NOTE_ABSTIME != 0 {
        // One that is not, is told again and again.
        if !once {
            return Err(ENOTSUP);
        }
        return Ok(Plan::new(from_calendar(span, calendar, now), 0));
    }
    Ok(Plan::new(now + span, if once { 0 } else { span }))
}

pub(super) fn flags(change: &Fields) -> u32 {
    // It does not tell what was done, but what it is.
    (change.flags & !(flag::ADD | flag::DELETE)) | flag::CLEAR
}

pub(super) fn receipt_flags(_of_change: u32) -> u32 {
    flag::ERROR
}

pub(super) fn lateness(_plan: &Plan, _now: u64) -> u64 {
    0
}

pub(super) fn units(nanos: u64) -> u64 {
    nanos
}

pub(super) fn nanos(units: u64) -> u64 {
    units
}
