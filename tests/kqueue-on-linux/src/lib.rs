//! `kqueue` and `kevent`, for timers only, on Linux's timerfd.
//!
//! `--cfg tokio_osinterval_kqueue="…"` selects a system. The names, types and values are those of the libc crate for
//! that system, and the behaviour is that of its kernel. KERNELS.md describes the kernels and names the sources. Where
//! a kernel ignores a mistake or fails because of it, this crate returns an error.
//!
//! A kqueue *is* a timerfd here: one descriptor that can be polled, and that disappears when it is closed. So it has
//! room for one timer. A second timer, of another identity, is refused with `ENOMEM`.
//!
//! A timerfd keeps its clock, so there is no `NOTE_MACH_CONTINUOUS_TIME`. `EV_ENABLE`, `EV_DISABLE` and
//! `EV_DISPATCH` are refused, since no test needs them.

mod behavior;
mod event;
mod faults;
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

#[allow(unused_imports, reason = "only tests inject faults")]
pub use self::faults::{fail_next, fail_next_with, interrupt_next};
pub use self::names::*;
pub use self::queue::kqueue;
