//! XNU. Pure. The unit is a tick of `mach_absolute_time`.

use libc::{EINVAL, ENOTSUP, ERANGE, c_int};

use super::behavior::{InvalidReadd, NoRoom, Readd};
use super::event::Fields;
use super::knote::flag;
use super::names::{
    NOTE_ABSOLUTE, NOTE_BACKGROUND, NOTE_CRITICAL, NOTE_LEEWAY, NOTE_MACHTIME, NOTE_NSECONDS,
    NOTE_SECONDS, NOTE_USECONDS,
};
use super::plan::{Plan, from_calendar};

pub(super) const CLOSE_ON_EXEC: bool = true;
pub(super) const NO_ROOM: NoRoom = NoRoom::Continues;
pub(super) const INVALID_READD: InvalidReadd = InvalidReadd::Continues;

/// A tick has `NUMER / DENOM` nanoseconds, as on Apple silicon.
pub(super) const NUMER: u32 = 125;
pub(super) const DENOM: u32 = 3;

const UNITS: u32 = NOTE_SECONDS | NOTE_USECONDS | NOTE_NSECONDS | NOTE_MACHTIME;
const KNOWN: u32 = UNITS | NOTE_ABSOLUTE | NOTE_LEEWAY | NOTE_CRITICAL | NOTE_BACKGROUND;

pub(super) fn readd(existing: &Plan, change: &Fields) -> Readd {
    if (existing.fflags ^ change.fflags) & NOTE_ABSOLUTE != 0 {
        return Readd::Refused;
    }
    Readd::RestartsInPlace
}

pub(super) fn plan(change: &Fields, now: u64, calendar: u64) -> Result<Plan, c_int> {
    let has = |flag| change.fflags & flag != 0;
    // The kernel ignores flags that it does not know.
    if has(!KNOWN) {
        return Err(ENOTSUP);
    }
    let unit = match change.fflags & UNITS {
        0 => Some(1_000_000),
        NOTE_SECONDS => Some(1_000_000_000),
        NOTE_USECONDS => Some(1_000),
        NOTE_NSECONDS => Some(1),
        NOTE_MACHTIME => None,
        _ => return Err(EINVAL),
    };
    let in_nanos = |data: u64, unit: u64| data.checked_mul(unit).ok_or(ERANGE);
    let in_units = |data: u64| unit.map_or(Ok(data), |unit| in_nanos(data, unit).map(units));
    let leeway = match change.leeway {
        _ if !has(NOTE_LEEWAY) => 0,
        Some(leeway) => in_units(leeway)?,
        // The kernel takes this for a leeway of zero.
        None => return Err(ENOTSUP),
    };
    // The kernel takes a negative absolute time as unsigned, so it never expires.
    let data = u64::from_ne_bytes(change.data.to_ne_bytes());
    let (due, every) = match unit {
        None if has(NOTE_ABSOLUTE) => (data, 0),
        Some(unit) if has(NOTE_ABSOLUTE) => {
            let due = from_calendar(in_nanos(data, unit)?, calendar, now);
            (units(due), 0)
        }
        _ if change.data < 0 => (0, 0),
        _ => {
            let interval = in_units(data)?;
            (units(now).saturating_add(interval), interval)
        }
    };
    Ok(Plan {
        due,
        every,
        leeway,
        fflags: change.fflags,
    })
}

pub(super) fn flags(change: &Fields) -> u32 {
    let one_shot = if change.fflags & NOTE_ABSOLUTE == 0 {
        0
    } else {
        flag::ONESHOT
    };
    change.flags | flag::CLEAR | one_shot
}

pub(super) fn receipt_flags(of_change: u32) -> u32 {
    of_change | flag::ERROR
}

/// The kernel delays a timer so that it joins others: by an eighth of the wait, at most 1 ms, unless the timer is
/// critical, or by a part of its leeway if that is more.
pub(super) fn lateness(plan: &Plan, now: u64) -> u64 {
    let wait = plan.due.saturating_sub(now);
    let slop = if plan.fflags & NOTE_CRITICAL != 0 {
        0
    } else if plan.fflags & NOTE_BACKGROUND != 0 {
        wait.saturating_mul(32).min(units(100_000_000))
    } else {
        (wait / 8).min(units(1_000_000))
    };
    slop.max(plan.leeway / 2)
}

/// Returns the tick that contains a nanosecond.
pub(super) fn units(nanos: u64) -> u64 {
    let ticks = u128::from(nanos) * u128::from(DENOM) / u128::from(NUMER);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Returns the first nanosecond of a tick.
pub(super) fn nanos(units: u64) -> u64 {
    let nanos = (u128::from(units) * u128::from(NUMER)).div_ceil(DENOM.into());
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
