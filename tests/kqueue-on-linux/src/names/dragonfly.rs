//! The names, types and values of the libc crate for DragonFly.

use libc::{c_int, c_short, c_uint, c_ushort, c_void, intptr_t, timespec, uintptr_t};

use super::event::event;
use super::queue::{self, Collect};

#[allow(non_camel_case_types, reason = "the name in libc")]
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct kevent {
    pub ident: uintptr_t,
    pub filter: c_short,
    pub flags: c_ushort,
    pub fflags: c_uint,
    pub data: intptr_t,
    pub udata: *mut c_void,
}

event!(kevent);

pub const EVFILT_TIMER: c_short = -7;

pub const EV_ADD: c_ushort = 0x1;
pub const EV_DELETE: c_ushort = 0x2;
pub const EV_ENABLE: c_ushort = 0x4;
pub const EV_DISABLE: c_ushort = 0x8;
pub const EV_ONESHOT: c_ushort = 0x10;
pub const EV_CLEAR: c_ushort = 0x20;
pub const EV_RECEIPT: c_ushort = 0x40;
pub const EV_DISPATCH: c_ushort = 0x80;
pub const EV_ERROR: c_ushort = 0x4000;

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
