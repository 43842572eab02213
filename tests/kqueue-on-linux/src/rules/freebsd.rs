//! FreeBSD. Pure.

use libc::{EINVAL, ENOTSUP, c_int};

use super::behavior::{InvalidReadd, NoRoom, Readd};
use super::event::Fields;
use super::knote::flag;
use super::names::{NOTE_ABSTIME, NOTE_MSECONDS, NOTE_NSECONDS, NOTE_SECONDS, NOTE_USECONDS};
use super::plan::{Plan, from_calendar};

pub(super) const CLOSE_ON_EXEC: bool = false;
pub(super) const NO_ROOM: NoRoom = NoRoom::Stops;
pub(super) const INVALID_READD: InvalidReadd = InvalidReadd::FailsLater;

/// The range of the kernel's `sbintime_t`. The kernel clamps to it, adds the uptime, and overflows.
const MAX_NANOS: u64 = i32::MAX as u64 * 1_000_000_000;

pub(super) fn readd(_existing: &Plan, _change: &Fields) -> Readd {
    Readd::Restarts
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
    let one_shot = change.flags & flag::ONESHOT != 0;
    let data = u64::try_from(change.data).map_err(|_| EINVAL)?;
    let nanos = if one_shot { data } else { data.max(1) }
        .checked_mul(unit)
        .filter(|nanos| *nanos <= MAX_NANOS)
        .ok_or(EINVAL)?;
    if change.fflags & NOTE_ABSTIME != 0 {
        // The kernel reports a periodic one again and again.
        if !one_shot {
            return Err(ENOTSUP);
        }
        return Ok(Plan::new(from_calendar(nanos, calendar, now), 0));
    }
    Ok(Plan::new(now + nanos, if one_shot { 0 } else { nanos }))
}

pub(super) fn flags(change: &Fields) -> u32 {
    // An event does not have the flags of actions.
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
