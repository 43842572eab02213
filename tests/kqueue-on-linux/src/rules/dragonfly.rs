//! DragonFly. Pure.

use libc::{EINVAL, c_int};

use super::behavior::{InvalidReadd, NoRoom, Readd};
use super::event::Fields;
use super::knote::flag;
use super::plan::Plan;
use super::ticks;

pub(super) const CLOSE_ON_EXEC: bool = false;
pub(super) const NO_ROOM: NoRoom = NoRoom::Overruns;
pub(super) const INVALID_READD: InvalidReadd = InvalidReadd::Continues;

pub(super) fn readd(_existing: &Plan, _change: &Fields) -> Readd {
    Readd::Continues
}

pub(super) fn plan(change: &Fields, now: u64, _calendar: u64) -> Result<Plan, c_int> {
    // The kernel ignores these flags and takes any number for milliseconds.
    if change.fflags != 0 {
        return Err(EINVAL);
    }
    let wait = u64::try_from(change.data)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    let ticks = match wait {
        // The time was zero or negative.
        0 => 1,
        wait => ticks::covering(wait),
    };
    // A period begins when the last expiration was processed, with one more tick each time.
    let every = ticks * ticks::TICK;
    let one_shot = change.flags & flag::ONESHOT != 0;
    Ok(Plan::new(
        ticks::after(now, ticks),
        if one_shot { 0 } else { every },
    ))
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
