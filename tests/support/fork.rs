//! Children of this process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A child that does not end by itself is ended after so many seconds.
const LIMIT: u32 = 30;

/// Runs `run` in a child that is forked off here and now; returns how it ended: 0 if `run` did.
pub(crate) fn in_child(run: impl FnOnce()) -> i32 {
    // SAFETY: `fork` asks that a child of a process with threads call what is safe in a signal handler. The C
    // libraries of these systems let it allocate, too, and see to their own locks; that ours need no care is
    // what is tested. It ends in this function.
    let child = unsafe { libc::fork() };
    assert_ne!(child, -1, "fork");
    if child == 0 {
        // SAFETY: it has no handler, so that its signal ends the child.
        unsafe { libc::alarm(LIMIT) };
        let ended = catch_unwind(AssertUnwindSafe(run));
        // SAFETY: at any time. What this process would do at its end is its parent's business.
        unsafe { libc::_exit(i32::from(ended.is_err())) };
    }
    let mut status = 0;
    // SAFETY: a child of this process that nobody else waits for, and a place for its status.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(ended, child, "waitpid");
    if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        -libc::WTERMSIG(status)
    }
}
