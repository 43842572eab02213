//! The names, types and values of the libc crate for NetBSD.

use libc::{c_int, c_void, size_t, timespec, uintptr_t};

use super::event::event;
use super::queue::{self, Collect};

#[allow(non_camel_case_types, reason = "the name in libc")]
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct kevent {
    pub ident: uintptr_t,
    pub filter: u32,
    pub flags: u32,
    pub fflags: u32,
    pub data: i64,
    pub udata: *mut c_void,
}

event!(kevent);

pub const EVFILT_TIMER: u32 = 6;

pub const EV_ADD: u32 = 0x1;
pub const EV_DELETE: u32 = 0x2;
pub const EV_ENABLE: u32 = 0x4;
pub const EV_DISABLE: u32 = 0x8;
pub const EV_ONESHOT: u32 = 0x10;
pub const EV_CLEAR: u32 = 0x20;
pub const EV_RECEIPT: u32 = 0x40;
pub const EV_DISPATCH: u32 = 0x80;
pub const EV_ERROR: u32 = 0x4000;

pub const NOTE_MSECONDS: u32 = 0x0;
pub const NOTE_SECONDS: u32 = 0x1;
pub const NOTE_USECONDS: u32 = 0x2;
pub const NOTE_NSECONDS: u32 = 0x3;
pub const NOTE_ABSTIME: u32 = 0x10;

/// # Safety
///
/// As for the system's: the pointers are valid for as many changes to be read and events to be written as is said, and
/// `timeout` is null or points to a `timespec`.
pub unsafe fn kevent(
    kq: c_int,
    changelist: *const kevent,
    nchanges: size_t,
    eventlist: *mut kevent,
    nevents: size_t,
    timeout: *const timespec,
) -> c_int {
    let changes = (changelist, nchanges);
    let events = (eventlist, nevents);
    // SAFETY: the caller's contract.
    let collect = unsafe { Collect::within(timeout) };
    // SAFETY: the caller's contract.
    unsafe { queue::call(kq, changes, events, collect) }
}
