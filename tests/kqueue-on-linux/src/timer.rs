//! The timerfd of a kqueue.

use std::io;
use std::ptr;

use libc::{c_int, itimerspec, timespec};

pub(super) const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Converts the result of a system call to its errno if it failed.
pub(super) fn checked(returned: c_int) -> Result<c_int, c_int> {
    if returned >= 0 {
        return Ok(returned);
    }
    Err(io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO))
}

pub(super) fn create(cloexec: bool) -> Result<c_int, c_int> {
    let cloexec = if cloexec { libc::TFD_CLOEXEC } else { 0 };
    // SAFETY: takes a clock and flags.
    checked(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | cloexec) })
}

/// Sets the timer to expire once, at that nanosecond of `CLOCK_MONOTONIC`, or never. Discards earlier expirations.
pub(super) fn set(kq: c_int, at: Option<u64>) -> Result<(), c_int> {
    let setting = itimerspec {
        it_interval: spec(0),
        // Zero would disarm the timer.
        it_value: spec(at.map_or(0, |at| at.max(1))),
    };
    // SAFETY: the new setting can be read, and the old one is not asked for.
    let set = unsafe {
        libc::timerfd_settime(
            kq,
            libc::TFD_TIMER_ABSTIME,
            &raw const setting,
            ptr::null_mut(),
        )
    };
    checked(set).map(drop)
}

/// Returns `true` if the timer has expired since it was set or since the last call.
pub(super) fn expired(kq: c_int) -> Result<bool, c_int> {
    let mut count = 0_u64;
    // SAFETY: there is room for eight bytes.
    let read = unsafe { libc::read(kq, (&raw mut count).cast(), size_of_val(&count)) };
    match checked(if read < 0 { -1 } else { 0 }) {
        Ok(_) => Ok(true),
        Err(libc::EAGAIN) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Returns `true` if there is an unread expiration.
pub(super) fn is_expired(kq: c_int) -> Result<bool, c_int> {
    poll(kq, Some(0)).map(|ready| ready > 0)
}

/// Waits for an expiration, for that many nanoseconds or without a limit.
pub(super) fn wait(kq: c_int, nanos: Option<u64>) -> Result<(), c_int> {
    poll(kq, nanos).map(drop)
}

fn poll(kq: c_int, nanos: Option<u64>) -> Result<c_int, c_int> {
    let mut polled = libc::pollfd {
        fd: kq,
        events: libc::POLLIN,
        revents: 0,
    };
    let timeout = nanos.map(spec);
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: one structure, a timeout or none, no set of signals.
    checked(unsafe { libc::ppoll(&raw mut polled, 1, timeout, ptr::null()) })
}

/// Returns `CLOCK_MONOTONIC` in nanoseconds.
pub(super) fn now() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Returns `CLOCK_REALTIME` in nanoseconds.
pub(super) fn calendar() -> u64 {
    read(libc::CLOCK_REALTIME)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut now = spec(0);
    // SAFETY: there is room for the time. Both clocks are always there.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    nanos(&now)
}

/// Converts to nanoseconds. A negative part counts as zero.
pub(super) fn nanos(spec: &timespec) -> u64 {
    let [secs, nanos] = [spec.tv_sec, spec.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    secs.saturating_mul(NANOS_PER_SEC).saturating_add(nanos)
}

fn spec(nanos: u64) -> timespec {
    // Linux keeps 64 bits of nanoseconds.
    let nanos = nanos.min(i64::MAX as u64);
    timespec {
        tv_sec: libc::time_t::try_from(nanos / NANOS_PER_SEC).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(nanos % NANOS_PER_SEC).unwrap_or(0),
    }
}
