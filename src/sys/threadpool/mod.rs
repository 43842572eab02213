//! Windows: a [waitable timer] of high resolution, for which the process's thread pool waits.
//!
//! One driver serves the process: its alarm is not tied to a runtime, since it is not tokio's reactor
//! that hears of the expiry but a thread of the pool.
//!
//! [waitable timer]: https://learn.microsoft.com/en-us/windows/win32/api/synchapi/nf-synchapi-createwaitabletimerexw

mod alarm;
mod object;
mod timer;

#[allow(unused_imports, reason = "which of them is used is up to the features")]
pub(crate) use {super::software_periodic::Periodic, alarm::Alarm};
