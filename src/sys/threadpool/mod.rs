//! Windows: a high-resolution [waitable timer] on which the process's thread pool waits.
//!
//! The timer wakes a thread of the pool and not tokio's reactor. So the alarm does not belong to a runtime, and one
//! driver serves the process.
//!
//! [waitable timer]: https://learn.microsoft.com/en-us/windows/win32/api/synchapi/nf-synchapi-createwaitabletimerexw

mod alarm;
mod object;
mod timer;

pub(crate) use alarm::Alarm;

pub(crate) type Periodic = super::software_periodic::SoftwarePeriodic<Alarm>;
