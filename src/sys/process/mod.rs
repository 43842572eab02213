//! Detects that the process was forked. A child shares the kernel's objects with its parent: a change that it
//! makes to them affects the parent.

#[cfg_attr(descriptor, path = "fork_counter.rs")]
#[cfg_attr(not(descriptor), path = "no_fork.rs")]
mod imp;

pub(crate) use imp::{Process, forks};

use std::io;

/// Returns an error in a child that uses what its parent created.
#[cfg(descriptor)]
pub(crate) fn check_current(process: Process) -> io::Result<()> {
    if process.is_current() {
        return Ok(());
    }
    Err(inherited())
}

/// The error for a timer or a runtime that was inherited in a fork.
pub(crate) fn inherited() -> io::Error {
    io::Error::other(
        "this timer or its runtime was created by another process, from which this one was forked: \
         create timers in a runtime of this process",
    )
}
