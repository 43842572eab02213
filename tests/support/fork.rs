//! Forks child processes.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many seconds a child may run before a signal ends it.
const LIMIT: u32 = 30;

/// Forks a child that calls `run` and exits. Returns its exit code, which is 0 if `run` returned, or the negated
/// number of the signal that ended it.
pub(crate) fn in_child(run: impl FnOnce()) -> i32 {
    // SAFETY: the child of a process with threads may call only what is safe in a signal handler. The C libraries
    // of these systems also let it allocate, because they take care of their own locks. That the locks of this
    // crate need no such care is what the tests check. The child does not leave this function.
    let child = unsafe { libc::fork() };
    assert_ne!(child, -1, "fork failed");
    if child == 0 {
        // SAFETY: the signal has no handler, so it ends the child.
        unsafe { libc::alarm(LIMIT) };
        let outcome = catch_unwind(AssertUnwindSafe(run));
        // SAFETY: it may be called at any time. It skips the exit handlers, which belong to the parent.
        unsafe { libc::_exit(i32::from(outcome.is_err())) };
    }
    let mut status = 0;
    // SAFETY: it is a child of this process that nothing else waits for, and `status` may be written.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child, "waitpid failed");
    if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        -libc::WTERMSIG(status)
    }
}
