//! A kqueue, with the types of the selected system.

#![allow(
    dead_code,
    clippy::missing_panics_doc,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "types differ between systems, and each test uses some of the helpers"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::{Duration, Instant};

#[cfg(not(tokio_osinterval_kqueue = "apple"))]
pub use kqueue_on_linux::kevent as Event;
#[cfg(tokio_osinterval_kqueue = "apple")]
pub use kqueue_on_linux::kevent64_s as Event;
use kqueue_on_linux::*;

pub const APPLE: bool = cfg!(tokio_osinterval_kqueue = "apple");
pub const FREEBSD: bool = cfg!(tokio_osinterval_kqueue = "freebsd");
pub const NETBSD: bool = cfg!(tokio_osinterval_kqueue = "netbsd");
pub const OPENBSD: bool = cfg!(tokio_osinterval_kqueue = "openbsd");
pub const DRAGONFLY: bool = cfg!(tokio_osinterval_kqueue = "dragonfly");

pub const MS: Duration = Duration::from_millis(1);
/// Longer than anything a test waits for.
pub const LONG: Duration = Duration::from_secs(20);

pub const ONE_SHOT: u32 = EV_ADD as u32 | EV_ONESHOT as u32;
pub const PERIODIC: u32 = EV_ADD as u32;

/// Asks the kernel not to delay a timer.
#[cfg(tokio_osinterval_kqueue = "apple")]
pub const PRECISE: u32 = NOTE_CRITICAL;
#[cfg(not(tokio_osinterval_kqueue = "apple"))]
pub const PRECISE: u32 = 0;

pub struct Queue(pub OwnedFd);

impl Queue {
    pub fn new() -> Self {
        // SAFETY: takes nothing.
        let fd = unsafe { kqueue() };
        assert!(fd >= 0, "{}", io::Error::last_os_error());
        // SAFETY: the descriptor is open, and nothing else owns it.
        Self(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Calls `kevent`. Returns the events, or the errno.
    pub fn call(
        &self,
        changes: &[Event],
        room: usize,
        timeout: Option<Duration>,
    ) -> Result<Vec<Event>, i32> {
        let mut events = vec![change(0, 0, 0); room];
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs() as _,
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        #[cfg(not(tokio_osinterval_kqueue = "apple"))]
        // SAFETY: the lists have the given lengths and outlive the call.
        let count = unsafe {
            kevent(
                self.0.as_raw_fd(),
                changes.as_ptr(),
                changes.len() as _,
                events.as_mut_ptr(),
                room as _,
                timeout,
            )
        };
        #[cfg(tokio_osinterval_kqueue = "apple")]
        // SAFETY: as above.
        let count = unsafe {
            kevent64(
                self.0.as_raw_fd(),
                changes.as_ptr(),
                changes.len() as _,
                events.as_mut_ptr(),
                room as _,
                0,
                timeout,
            )
        };
        if count < 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap());
        }
        events.truncate(count as usize);
        Ok(events)
    }

    /// Makes one change. Returns its errno, or 0.
    pub fn make(&self, mut change: Event) -> i64 {
        change.flags |= EV_RECEIPT;
        let [receipt] = self.call(&[change], 1, None).unwrap()[..] else {
            panic!("one receipt");
        };
        assert_ne!(receipt.flags & EV_ERROR, 0);
        receipt.data as i64
    }

    /// Adds the timer, which must succeed.
    pub fn set(&self, flags: u32, millis: i64) {
        assert_eq!(self.make(change(flags, PRECISE, millis)), 0);
    }

    pub fn next(&self, within: Duration) -> Option<Event> {
        self.call(&[], 1, Some(within)).unwrap().pop()
    }

    /// Waits for an expiration. Returns the count.
    pub fn count(&self) -> i64 {
        let event = self.next(LONG).expect("the timer expires");
        assert_eq!(event.flags & EV_ERROR, 0);
        event.data as i64
    }

    /// Waits for the expiration of a one-shot timer. XNU counts the periods nonetheless.
    pub fn expires_once(&self) -> bool {
        let count = self.count();
        count == 1 || APPLE && count > 1
    }

    pub fn has_no_event(&self, within: Duration) -> bool {
        self.next(within).is_none()
    }
}

pub fn change(flags: u32, notes: u32, data: i64) -> Event {
    // SAFETY: numbers and perhaps a pointer that is not followed: all may be zero.
    let mut event: Event = unsafe { std::mem::zeroed() };
    event.filter = EVFILT_TIMER;
    event.flags = flags as _;
    event.fflags = notes;
    event.data = data as _;
    event
}

pub fn delete() -> Event {
    change(EV_DELETE as u32, 0, 0)
}

pub fn elapsed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = act();
    (result, start.elapsed())
}

pub fn errno(errno: i32) -> i64 {
    errno.into()
}
