//! The timer of a kqueue.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use super::encoding::Encoder;
#[cfg(not(kqueue_mach))]
use super::kernel::kevent;
use super::kernel::{EV_ADD, EV_DELETE, EV_ERROR, EV_ONESHOT, EV_RECEIPT, EVFILT_TIMER, kqueue};
#[cfg(kqueue_mach)]
use super::kernel::{kevent64, kevent64_s as kevent};
use crate::sys::Armed;

/// A timer's setting, as its kernel encodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimerSpec {
    pub(super) one_shot: bool,
    pub(super) data: i64,
    pub(super) fflags: u32,
    /// How late the timer may fire, in the unit of `data`.
    pub(super) leeway: u64,
}

/// Creates a kqueue, close-on-exec. A forked child does not inherit it anyway.
pub(super) fn queue() -> io::Result<OwnedFd> {
    // SAFETY: `kqueue` takes nothing, and returns a new descriptor or −1.
    let fd = checked(unsafe { kqueue() })?;
    // SAFETY: the descriptor is open, and nothing else owns it.
    let queue = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `fcntl` asks for an open descriptor, and with `F_SETFD` for flags.
    checked(unsafe { libc::fcntl(queue.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
    Ok(queue)
}

/// Sets the timer in place of its previous setting, and discards its expirations.
///
/// Deletes the timer first if the kernel does not simply restart one that is added again.
pub(super) fn set(queue: &OwnedFd, spec: TimerSpec) -> io::Result<Armed> {
    let both = [delete(), add(spec)];
    let changes = if Encoder::DELETE_BEFORE_ADD {
        &both[..]
    } else {
        &both[1..]
    };
    // One receipt per change, so that the kernel makes the second change whatever the result of the first.
    let mut receipts = [blank(); 2];
    let receipts = &mut receipts[..changes.len()];
    let count = loop {
        match call(queue, changes, receipts) {
            // The kernel has made the changes. Repeating them has the same result.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            count => break count?,
        }
    };
    let mut armed = Armed::Waiting;
    for receipt in receipts.iter().take(count) {
        match errno(receipt) {
            // There was no timer to delete.
            Some(0 | libc::ENOENT) => {}
            Some(errno) => return Err(io::Error::from_raw_os_error(errno)),
            // Not a receipt but an expiration: the kernel does not know `EV_RECEIPT`.
            None => armed = Armed::Due,
        }
    }
    Ok(armed)
}

/// Returns the number of expirations since the last call, if there were any.
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

/// Returns the errno of a receipt, or 0. Returns `None` if the event is an expiration.
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
    reason = "DragonFly's `data` is an `isize`"
)]
fn add(spec: TimerSpec) -> kevent {
    let mut change = blank();
    change.flags = EV_ADD | EV_RECEIPT;
    if spec.one_shot {
        change.flags |= EV_ONESHOT;
    }
    change.fflags = spec.fflags;
    // The conversion does not fail: the encoders clamp to what their kernel takes.
    change.data = spec.data.try_into().unwrap_or(i32::MAX as _);
    #[cfg(kqueue_mach)]
    {
        change.ext[1] = spec.leeway;
    }
    change
}

/// Returns a `kevent` for the only timer of the kqueue, whose identity is zero.
fn blank() -> kevent {
    // SAFETY: numbers and a pointer that the kernel hands back unread: all may be zero.
    let mut event: kevent = unsafe { mem::zeroed() };
    event.filter = EVFILT_TIMER;
    event
}

/// Makes the changes in order. Then collects expirations, if there is room left in `events`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the lengths are two at most"
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

    use super::super::encoding;
    use super::super::kernel::{fail_next, interrupt_next};
    use super::*;

    fn soon() -> TimerSpec {
        TimerSpec {
            one_shot: true,
            // The shortest time in any unit.
            data: 1,
            ..encoding::periodic(Duration::from_millis(1)).unwrap_or(TimerSpec {
                one_shot: true,
                data: 1,
                fflags: 0,
                leeway: 0,
            })
        }
    }

    #[test]
    fn queue_is_close_on_exec() {
        let queue = queue().unwrap();
        // SAFETY: an open descriptor, and a command that only asks.
        let flags = unsafe { libc::fcntl(queue.as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }

    #[test]
    fn set_discards_unread_expirations() {
        let queue = queue().unwrap();
        for _ in 0..3 {
            assert_eq!(set(&queue, soon()).unwrap(), Armed::Waiting);
            sleep(Duration::from_millis(30));
        }
        // XNU counts the periods of a relative one-shot timer that is read late.
        assert!(expirations(&queue).unwrap() >= Some(1));
        assert_eq!(expirations(&queue).unwrap(), None);
    }

    #[test]
    fn set_is_repeated_after_a_signal() {
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
    fn error_event_is_not_a_count() {
        let queue = queue().unwrap();
        fail_next(libc::EBADF);
        let error = expirations(&queue).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }

    #[test]
    fn refusal_has_the_kernels_errno() {
        let queue = queue().unwrap();
        let refused = TimerSpec {
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
