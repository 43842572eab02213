//! XNU's. Pure. Its unit is the tick of `mach_absolute_time`.

use libc::{EINVAL, ENOTSUP, ERANGE, c_int};

use super::event::Fields;
use super::knote::flag;
use super::names::{
    NOTE_ABSOLUTE, NOTE_BACKGROUND, NOTE_CRITICAL, NOTE_LEEWAY, NOTE_MACHTIME, NOTE_NSECONDS,
    NOTE_SECONDS, NOTE_USECONDS,
};
use super::plan::{Plan, from_calendar};
use super::ways::{Again, NoRoom, Refused};

pub(super) const CLOSE_ON_EXEC: bool = true;
pub(super) const NO_ROOM: NoRoom = NoRoom::GoesOn;
pub(super) const REFUSED: Refused = Refused::GoesOn;

/// How many nanoseconds there are in how many ticks: as on Apple silicon.
pub(super) const NUMER: u32 = 125;
pub(super) const DENOM: u32 = 3;

const UNITS: u32 = NOTE_SECONDS | NOTE_USECONDS | NOTE_NSECONDS | NOTE_MACHTIME;
const KNOWN: u32 = UNITS | NOTE_ABSOLUTE | NOTE_LEEWAY | NOTE_CRITICAL | NOTE_BACKGROUND;

pub(super) fn again(there: &Plan, change: &Fields) -> Again {
    if (there.fflags ^ change.fflags) & NOTE_ABSOLUTE != 0 {
        return Again::Refused;
    }
    Again::RestartsInPlace
}

pub(super) fn plan(change: &Fields, now: u64, calendar: u64) -> Result<Plan, c_int> {
    let has = |flag| change.fflags & flag != 0;
    // The kernel does not look at those it does not know.
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
    let span = |data: u64| unit.map_or(Ok(data), |unit| in_nanos(data, unit).map(units));
    let leeway = match change.leeway {
        _ if !has(NOTE_LEEWAY) => 0,
        Some(leeway) => span(leeway)?,
        // The kernel takes it for none.
        None => return Err(ENOTSUP),
    };
    // One that is negative is taken for a time without end.
    let data = u64::from_ne_bytes(change.data.to_ne_bytes());
    let (due, every) = match unit {
        None if has(NOTE_ABSOLUTE) => (data, 0),
        Some(unit) if has(NOTE_ABSOLUTE) => {
            let moment = from_calendar(in_nanos(data, unit)?, calendar, now);
            (units(moment), 0)
        }
        _ if change.data < 0 => (0, 0),
        _ => {
            let interval = span(data)?;
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
    let once = if change.fflags & NOTE_ABSOLUTE == 0 {
        0
    } else {
        flag::ONESHOT
    };
    change.flags | flag::CLEAR | once
}

pub(super) fn receipt_flags(of_change: u32) -> u32 {
    of_change | flag::ERROR
}

/// So that it can join others: an eighth of the wait, at most 1 ms, unless it is critical; or a part
/// of its leeway, if that is more.
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

/// The tick that has begun by then.
pub(super) fn units(nanos: u64) -> u64 {
    let ticks = u128::from(nanos) * u128::from(DENOM) / u128::from(NUMER);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// The first nanosecond of that tick.
pub(super) fn nanos(units: u64) -> u64 {
    let nanos = (u128::from(units) * u128::from(NUMER)).div_ceil(DENOM.into());
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
