//! Apple's systems and the BSDs: an `EVFILT_TIMER` in a [kqueue] of its own, which is registered with tokio's.
//!
//! The kernels differ in how a time is encoded: that is in `mach`, `nanos` or `millis`.
//!
//! [kqueue]: https://man.freebsd.org/cgi/man.cgi?query=kqueue

mod alarm;
#[cfg_attr(kqueue_mach, path = "mach.rs")]
#[cfg_attr(kqueue_nanos, path = "nanos.rs")]
#[cfg_attr(kqueue_millis, path = "millis.rs")]
mod encoding;
mod periodic;
mod timer;

#[cfg(not(kqueue_stand_in))]
use libc as kernel;
/// Emulates one system's kqueue on Linux's timerfd.
#[cfg(kqueue_stand_in)]
#[path = "../../../tests/kqueue-on-linux/src/lib.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "a crate of its own, linted there"
)]
mod kernel;

pub(crate) use {alarm::Alarm, periodic::Periodic};
