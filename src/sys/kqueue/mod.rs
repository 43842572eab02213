//! macOS and its kin, and the BSDs: `EVFILT_TIMER` in a [kqueue] of its own, which is itself in
//! tokio's.
//!
//! What the kernels have in common is here; how each is told a time is in the one of the files
//! `mach`, `nanos` and `millis` that is its own.
//!
//! [kqueue]: https://man.freebsd.org/cgi/man.cgi?query=kqueue

mod alarm;
mod periodic;
mod timer;

#[cfg_attr(kqueue_mach, path = "mach.rs")]
#[cfg_attr(kqueue_nanos, path = "nanos.rs")]
#[cfg_attr(kqueue_millis, path = "millis.rs")]
mod words;

#[cfg(not(kqueue_stand_in))]
use libc as kernel;
/// The names of the system whose turn it is, on Linux's timerfd.
#[cfg(kqueue_stand_in)]
#[path = "../../../tests/kqueue-on-linux/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it has its own tests and lints")]
mod kernel;

#[allow(unused_imports, reason = "which of them is used is up to the features")]
pub(crate) use {alarm::Alarm, periodic::Periodic};
