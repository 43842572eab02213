//! Which process is this? A child that was forked off shares the kernel's objects with its parent: what
//! it does to them, its parent feels.

#[cfg_attr(descriptor, path = "counted.rs")]
#[cfg_attr(not(descriptor), path = "alone.rs")]
mod told;

#[allow(unused_imports, reason = "which of them is used is up to the features")]
pub(crate) use told::{Process, forks};

use std::io;

/// What is said to a child that uses what its parent made.
#[cfg(descriptor)]
pub(crate) fn refuse_unless_current(process: Process) -> io::Result<()> {
    if process.is_current() {
        return Ok(());
    }
    Err(foreign())
}

/// The same, as an error.
pub(crate) fn foreign() -> io::Error {
    io::Error::other(
        "this timer, or its runtime, was made by another process, of which this one is a fork: \
         make timers in a runtime of this process",
    )
}
