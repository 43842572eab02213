//! DragonFly's. Pure.

use libc::{EINVAL, c_int};

use super::event::Fields;
use super::knote::flag;
use super::plan::Plan;
use super::ticks;
use super::ways::{Again, NoRoom, Refused};

pub(super) const CLOSE_ON_EXEC: bool = false;
pub(super) const NO_ROOM: NoRoom = NoRoom::Overruns;
pub(super) const REFUSED: Refused = Refused::GoesOn;

pub(super) fn again(_there: &Plan, _change: &Fields) -> Again {
    Again::GoesOn
}

pub(super) fn plan(change: &Fields, now: u64, _calendar: u64) -> Result<Plan, c_int> {
    // The kernel does not look at them, and takes any number for milliseconds.
    if change.fflags != 0 {
        return Err(EINVAL);
    }
    let span = u64::try_from(change.data)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    let ticks = match span {
        // No time, or negative.
        0 => 1,
        span => ticks::covering(span),
    };
    // It begins anew when it is noticed, with one more tick each time.
    let every = ticks * ticks::TICK;
    let once = change.flags & flag::ONESHOT != 0;
    Ok(Plan::new(
        ticks::after(now, ticks),
        if once { 0 } else { every },
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
