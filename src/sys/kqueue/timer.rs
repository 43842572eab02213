//! One timer in a kqueue.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

#[cfg(not(kqueue_mach))]
use super::kernel::kevent;
use super::kernel::{EV_ADD, EV_DELETE, EV_ERROR, EV_ONESHOT, EV_RECEIPT, EVFILT_TIMER, kqueue};
#[cfg(kqueue_mach)]
use super::kernel::{kevent64, kevent64_s as kevent};
use super::words::Epoch;
use crate::sys::Armed;

/// When a timer expires, in the words of its kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expiry {
    /// And not again.
    pub(super) once: bool,
    pub(super) data: i64,
    pub(super) fflags: u32,
    /// How much later it may be, in the unit of `data`.
    pub(super) leeway: u64,
}

/// A kqueue. Close-on-exec; a child that is forked does not inherit it anyway.
pub(super) fn queue() -> io::Result<OwnedFd> {
    // SAFETY: `kqueue` takes nothing, and returns a new descriptor or −1.
    let fd = checked(unsafe { kqueue() })?;
    // SAFETY: the descriptor is open, and nobody's but ours.
    let queue = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `fcntl` asks for an open descriptor, and with `F_SETFD` for flags.
    checked(unsafe { libc::fcntl(queue.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
    Ok(queue)
}

/// Sets the timer, in place of what it was set for, and forgets what it has expired for.
///
/// Where one that is there already is not simply set anew by adding it, it is deleted before.
pub(super) fn set(queue: &OwnedFd, expiry: Expiry) -> io::Result<Armed> {
    let both = [delete(), add(expiry)];
    let changes = if Epoch::DELETED_FIRST {
        &both[..]
    } else {
        &both[1..]
    };
    // Room for a receipt of each change, so that the second is made whatever became of the first.
    let mut receipts = [blank(); 2];
    let receipts = &mut receipts[..changes.len()];
    let count = loop {
        match call(queue, changes, receipts) {
            // The changes have been made; to make them again is no different.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            count => break count?,
        }
    };
    let mut armed = Armed::Waiting;
    for receipt in receipts.iter().take(count) {
        match errno(receipt) {
            // There was none to delete.
            Some(0 | libc::ENOENT) => {}
            Some(errno) => return Err(io::Error::from_raw_os_error(errno)),
            // A kernel that gives no receipts has looked for what has expired.
            None => armed = Armed::Due,
        }
    }
    Ok(armed)
}

/// How often the timer has expired since it was last asked, if it has.
pub(super) fn expirations(queue: &OwnedFd) -> io::Result<Option<u64>> {
    let mut events = [blank()];
    if call(queue, &[], &mut events)? == 0 {
        return Ok(None);
    }
    let [event] = events;
    match errno(&event) {
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => Ok(Some(u64::try_from(event.data).unwrap_or(0).max(1))),
    }
}

/// What became of a change, if that is what the event says: its errno, or 0.
fn errno(event: &kevent) -> Option<i32> {
    let is_receipt = event.flags & EV_ERROR != 0;
    is_receipt.then(|| i32::try_from(event.data).unwrap_or(libc::EINVAL))
}

fn delete() -> kevent {
    let mut change = blank();
    change.flags = EV_DELETE | EV_RECEIPT;
    change
}

#[allow(
    clippy::cast_lossless,
    clippy::useless_conversion,
    clippy::unnecessary_fallible_conversions,
    reason = "DragonFly's number is an `isize`"
)]
fn add(expiry: Expiry) -> kevent {
    let mut change = blank();
    change.flags = EV_ADD | EV_RECEIPT;
    if expiry.once {
        change.flags |= EV_ONESHOT;
    }
    change.fflags = expiry.fflags;
    // It fits: what is too much for a kernel was clamped for it.
    change.data = expiry.data.try_into().unwrap_or(i32::MAX as _);
    #[cfg(kqueue_mach)]
    {
        change.ext[1] = expiry.leeway;
    }
    change
}

/// Of the one timer in the kqueue, whose identity is zero.
fn blank() -> kevent {
    // SAFETY: numbers and a pointer that the kernel hands back unread: all may be zero.
    let mut event: kevent = unsafe { mem::zeroed() };
    event.filter = EVFILT_TIMER;
    event
}

/// Makes the changes, in order; then, unless that filled `events`, looks for what has expired.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "two at most, which every kernel's type for it holds"
)]
fn call(queue: &OwnedFd, changes: &[kevent], events: &mut [kevent]) -> io::Result<usize> {
    // SAFETY: a number of seconds and of nanoseconds, and perhaps padding: all may be zero.
    let at_once: libc::timespec = unsafe { mem::zeroed() };
    #[cfg(not(kqueue_mach))]
    // SAFETY: `kevent` asks for an open kqueue, for as many changes that can be read and events that
    // can be written as it is told, and for a timeout. The slices and the timeout outlive the call.
    let count = unsafe {
        kevent(
            queue.as_raw_fd(),
            changes.as_ptr(),
            changes.len() as _,
            events.as_mut_ptr(),
            events.len() as _,
            ptr::from_ref(&at_once),
        )
    };
    #[cfg(kqueue_mach)]
    // SAFETY: as of `kevent`, of which it is a wider form; no flags are set.
    let count = unsafe {
        kevent64(
            queue.as_raw_fd(),
            changes.as_ptr(),
            changes.len() as _,
            events.as_mut_ptr(),
            events.len() as _,
            0,
            ptr::from_ref(&at_once),
        )
    };
    let count = checked(count)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn checked(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(returned)
}

#[cfg(all(test, kqueue_stand_in))]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::super::kernel::{fail_next, interrupt_next};
    use super::super::words;
    use super::*;

    fn soon() -> Expiry {
        Expiry {
            once: true,
            // As little as there is, in whatever unit and of whatever epoch.
            data: 1,
            ..words::every(Duration::from_millis(1)).unwrap_or(Expiry {
                once: true,
                data: 1,
                fflags: 0,
                leeway: 0,
            })
        }
    }

    #[test]
    fn a_queue_is_closed_on_exec() {
        let queue = queue().unwrap();
        // SAFETY: an open descriptor, and a command that only asks.
        let flags = unsafe { libc::fcntl(queue.as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }

    /// And so is anything that is set while it has expired, unread.
    #[test]
    fn setting_it_forgets_what_it_has_expired_for() {
        let queue = queue().unwrap();
        for _ in 0..3 {
            assert_eq!(set(&queue, soon()).unwrap(), Armed::Waiting);
            sleep(Duration::from_millis(30));
        }
        // XNU counts a relative one that is read late as if it went on.
        assert!(expirations(&queue).unwrap() >= Some(1));
        assert_eq!(expirations(&queue).unwrap(), None);
    }

    #[test]
    fn a_signal_does_not_keep_it_from_being_set() {
        let queue = queue().unwrap();
        interrupt_next();
        assert_eq!(set(&queue, soon()).unwrap(), Armed::Waiting);
        sleep(Duration::from_millis(30));
        interrupt_next();
        let interrupted = expirations(&queue).unwrap_err();
        assert_eq!(interrupted.kind(), io::ErrorKind::Interrupted);
        assert!(expirations(&queue).unwrap() >= Some(1));
    }

    #[test]
    fn an_error_is_never_taken_for_a_count() {
        let queue = queue().unwrap();
        fail_next(libc::EBADF);
        let error = expirations(&queue).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }

    #[test]
    fn what_the_kernel_refuses_is_its_errno() {
        let queue = queue().unwrap();
        let refused = Expiry {
            fflags: u32::MAX,
            ..soon()
        };
        let error = set(&queue, refused).unwrap_err();
        assert!(
            matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)),
            "{error}"
        );
    }
}
