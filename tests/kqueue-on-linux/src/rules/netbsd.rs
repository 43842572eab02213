//! NetBSD 10 and later. Pure.

use libc::{EINVAL, ENOTSUP, c_int};

use super::behavior::{InvalidReadd, NoRoom, Readd};
use super::event::Fields;
use super::knote::flag;
use super::names::{NOTE_ABSTIME, NOTE_MSECONDS, NOTE_NSECONDS, NOTE_SECONDS, NOTE_USECONDS};
use super::plan::{Plan, from_calendar};
use super::ticks;

pub(super) const CLOSE_ON_EXEC: bool = false;
pub(super) const NO_ROOM: NoRoom = NoRoom::Stops;
pub(super) const INVALID_READD: InvalidReadd = InvalidReadd::Stops;

pub(super) fn readd(_existing: &Plan, _change: &Fields) -> Readd {
    Readd::RestartsWithFlags
}

pub(super) fn plan(change: &Fields, now: u64, calendar: u64) -> Result<Plan, c_int> {
    let unit = match change.fflags & !NOTE_ABSTIME {
        NOTE_MSECONDS => 1_000_000,
        NOTE_SECONDS => 1_000_000_000,
        NOTE_USECONDS => 1_000,
        NOTE_NSECONDS => 1,
        _ => return Err(EINVAL),
    };
    let one_shot = change.flags & flag::ONESHOT != 0;
    let mut wait = u64::try_from(change.data).unwrap_or(0).saturating_mul(unit);
    if change.fflags & NOTE_ABSTIME != 0 {
        // The kernel reports a periodic one again and again.
        if !one_shot {
            return Err(ENOTSUP);
        }
        wait = from_calendar(wait, calendar, now) - now;
        if wait == 0 {
            return Ok(Plan::new(now, 0));
        }
    } else if change.data == 0 {
        return Err(EINVAL);
    }
    let ticks = match wait {
        // The time was negative.
        0 => 1,
        wait => ticks::covering(wait),
    };
    // A period begins when the last expiration was processed, with one more tick each time.
    let every = if one_shot { 0 } else { ticks * ticks::TICK };
    Ok(Plan::new(ticks::after(now, ticks), every))
}

pub(super) fn flags(change: &Fields) -> u32 {
    change.flags | flag::CLEAR
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
