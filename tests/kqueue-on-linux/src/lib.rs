//! `kqueue` and `kevent`, for timers only, on Linux's timerfd.
//!
//! The names, types and values are those that the libc crate has for one system, and the rules those
//! of its kernel: which, `--cfg tokio_osinterval_kqueue="…"` says. What the kernels do, and where that
//! is written, is in KERNELS.md. Where a kernel ignores a mistake, or falls over it, this refuses it.
//!
//! A kqueue *is* a timerfd here: one descriptor that can be polled, and that is gone when it is closed.
//! So it has room for one timer; a second one, of another identity, is refused with `ENOMEM`.
//!
//! A timerfd stays on one clock, so there is no `NOTE_MACH_CONTINUOUS_TIME`; and `EV_ENABLE`,
//! `EV_DISABLE` and `EV_DISPATCH` are refused, since nobody needs them.

mod event;
mod hooks;
mod knote;
#[cfg_attr(tokio_osinterval_kqueue = "apple", path = "names/apple.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "freebsd", path = "names/freebsd.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "netbsd", path = "names/netbsd.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "openbsd", path = "names/openbsd.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "dragonfly", path = "names/dragonfly.rs")]
mod names;
mod plan;
mod queue;
#[cfg_attr(tokio_osinterval_kqueue = "apple", path = "rules/apple.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "freebsd", path = "rules/freebsd.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "netbsd", path = "rules/netbsd.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "openbsd", path = "rules/openbsd.rs")]
#[cfg_attr(tokio_osinterval_kqueue = "dragonfly", path = "rules/dragonfly.rs")]
mod rules;
#[cfg(any(
    tokio_osinterval_kqueue = "netbsd",
    tokio_osinterval_kqueue = "openbsd",
    tokio_osinterval_kqueue = "dragonfly"
))]
mod ticks;
mod timer;
mod ways;

#[allow(unused_imports, reason = "not all who use a kqueue ask for faults")]
pub use self::hooks::{fail_next, fail_next_with, interrupt_next};
pub use self::names::*;
pub use self::queue::kqueue;
