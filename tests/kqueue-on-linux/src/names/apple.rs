//! The names, types and values of the libc crate for Apple's systems.

use libc::{c_int, c_uint, c_void, intptr_t, timespec, uintptr_t};

use super::event::{Event, Fields, event};
use super::queue::{self, Collect};
use super::rules;
use super::timer;

#[allow(non_camel_case_types, reason = "the name in libc")]
#[repr(C, packed(4))]
#[derive(Debug, Clone, Copy)]
pub struct kevent {
    pub ident: uintptr_t,
    pub filter: i16,
    pub flags: u16,
    pub fflags: u32,
    pub data: intptr_t,
    pub udata: *mut c_void,
}

event!(kevent);

pub const EVFILT_TIMER: i16 = -7;

pub const EV_ADD: u16 = 0x1;
pub const EV_DELETE: u16 = 0x2;
pub const EV_ENABLE: u16 = 0x4;
pub const EV_DISABLE: u16 = 0x8;
pub const EV_ONESHOT: u16 = 0x10;
pub const EV_CLEAR: u16 = 0x20;
pub const EV_RECEIPT: u16 = 0x40;
pub const EV_DISPATCH: u16 = 0x80;
pub const EV_ERROR: u16 = 0x4000;

pub const KEVENT_FLAG_NONE: c_uint = 0x0;
pub const KEVENT_FLAG_IMMEDIATE: c_uint = 0x1;
pub const KEVENT_FLAG_ERROR_EVENTS: c_uint = 0x2;

pub const NOTE_SECONDS: u32 = 0x1;
pub const NOTE_USECONDS: u32 = 0x2;
pub const NOTE_NSECONDS: u32 = 0x4;
pub const NOTE_ABSOLUTE: u32 = 0x8;
pub const NOTE_LEEWAY: u32 = 0x10;
pub const NOTE_CRITICAL: u32 = 0x20;
pub const NOTE_BACKGROUND: u32 = 0x40;
pub const NOTE_MACH_CONTINUOUS_TIME: u32 = 0x80;
pub const NOTE_MACHTIME: u32 = 0x100;

/// # Safety
///
/// As for the system's: the pointers are valid for as many changes to be read and events to be written as is said, and
/// `timeout` is null or points to a `timespec`.
pub unsafe fn kevent(
    kq: c_int,
    changelist: *const kevent,
    nchanges: c_int,
    eventlist: *mut kevent,
    nevents: c_int,
    timeout: *const timespec,
) -> c_int {
    let changes = (changelist, usize::try_from(nchanges).unwrap_or(0));
    let events = (eventlist, usize::try_from(nevents).unwrap_or(0));
    // SAFETY: the caller's contract.
    let collect = unsafe { Collect::within(timeout) };
    // SAFETY: the caller's contract.
    unsafe { queue::call(kq, changes, events, collect) }
}

#[allow(non_camel_case_types, reason = "the name in libc")]
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct kevent64_s {
    pub ident: u64,
    pub filter: i16,
    pub flags: u16,
    pub fflags: u32,
    pub data: i64,
    pub udata: u64,
    pub ext: [u64; 2],
}

#[allow(clippy::cast_possible_truncation, reason = "the flags fit")]
impl Event for kevent64_s {
    const WIDE: bool = true;

    fn fields(self) -> Fields {
        Fields {
            ident: self.ident,
            is_timer: self.filter == EVFILT_TIMER,
            flags: self.flags.into(),
            fflags: self.fflags,
            data: self.data,
            udata: self.udata,
            leeway: Some(self.ext[1]),
        }
    }

    fn with(self, flags: u32, data: i64) -> Self {
        Self {
            flags: flags as u16,
            data,
            ..self
        }
    }

    fn of_timer(fields: Fields) -> Self {
        Self {
            ident: fields.ident,
            filter: EVFILT_TIMER,
            flags: fields.flags as u16,
            fflags: fields.fflags,
            data: fields.data,
            udata: fields.udata,
            ext: [0; 2],
        }
    }
}

/// # Safety
///
/// As for [`kevent`]. Unknown flags are ignored.
pub unsafe fn kevent64(
    kq: c_int,
    changelist: *const kevent64_s,
    nchanges: c_int,
    eventlist: *mut kevent64_s,
    nevents: c_int,
    flags: c_uint,
    timeout: *const timespec,
) -> c_int {
    let changes = (changelist, usize::try_from(nchanges).unwrap_or(0));
    let events = (eventlist, usize::try_from(nevents).unwrap_or(0));
    let collect = if flags & KEVENT_FLAG_ERROR_EVENTS != 0 {
        Collect::Never
    } else if flags & KEVENT_FLAG_IMMEDIATE != 0 {
        Collect::Now
    } else {
        // SAFETY: the caller's contract.
        unsafe { Collect::within(timeout) }
    };
    // SAFETY: the caller's contract.
    unsafe { queue::call(kq, changes, events, collect) }
}

#[allow(non_camel_case_types, reason = "the name in libc")]
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct mach_timebase_info {
    pub numer: u32,
    pub denom: u32,
}

/// # Safety
///
/// `info` is valid for writes.
pub unsafe fn mach_timebase_info(info: *mut mach_timebase_info) -> c_int {
    let ratio = mach_timebase_info {
        numer: rules::NUMER,
        denom: rules::DENOM,
    };
    // SAFETY: the caller's contract.
    unsafe { info.write(ratio) };
    0
}

/// # Safety
///
/// No requirements. The function is unsafe because the system's is.
#[must_use]
pub unsafe fn mach_absolute_time() -> u64 {
    rules::units(timer::now())
}
