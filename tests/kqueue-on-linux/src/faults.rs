//! Fault injection for tests.

use std::cell::Cell;

use libc::c_int;

thread_local! {
    static INTERRUPT: Cell<bool> = const { Cell::new(false) };
    static FAIL: Cell<c_int> = const { Cell::new(0) };
}

/// Interrupts the next `kevent` of this thread by a signal, after its changes were made.
pub fn interrupt_next() {
    INTERRUPT.set(true);
}

/// Makes the next `kevent` of this thread that collects expirations return an event with `EV_ERROR` and this errno.
pub fn fail_next(errno: c_int) {
    FAIL.set(errno);
}

/// Calls [`interrupt_next`] for `EINTR`, else [`fail_next`].
pub fn fail_next_with(errno: c_int) {
    if errno == libc::EINTR {
        interrupt_next();
    } else {
        fail_next(errno);
    }
}

pub(super) fn interrupted() -> bool {
    INTERRUPT.take()
}

pub(super) fn failed() -> Option<c_int> {
    Some(FAIL.take()).filter(|errno| *errno != 0)
}
