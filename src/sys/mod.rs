//! The operating system's timers.
//!
//! The one place that knows which operating system this is, and the only one with `unsafe` code. A
//! backend is a module with two types of the same shape on every system; the compiler picks.
//!
//! `Alarm` is a one-shot timer for a driver, which keeps it under its lock:
//!
//! | method | what it must do |
//! | --- | --- |
//! | `new(&Handle, requires_native: bool) -> io::Result<Alarm>` | make the kernel's timer and register it with the current runtime; panic at the caller's location if the runtime lacks the driver it needs. Who requires_native on it is told if the kernel refuses; for others tokio's may serve |
//! | `listen(&mut self, &Waker) -> io::Result<()>` | have the waker woken at the next expiry, and when the runtime shuts down; an error once it has. Called when the alarm is new and after each wake-up |
//! | `arm(&mut self, Instant, Duration, &Waker) -> io::Result<Armed>` | expire at that instant or, if other work of the machine's makes it convenient, up to so long before it, but not earlier, in place of what it was armed for |
//! | `disarm(&mut self)` | nobody waits any more; called only where `EXACT`, and by what is |
//! | `resync(&mut self) -> io::Result<()>` | the alarm was early by the runtime's clock: compare the two anew, and let the next alarm be a millisecond away; an error if the clock cannot be followed |
//! | `require_native(&mut self, &Waker) -> io::Result<()>` | if the kernel has refused its timer, ask again, and tell its error |
//! | `question(&self) -> Option<SleepProbe>` | the kernel refused to set it: whether tokio's can serve is to be asked without a lock, and then told by `answer(&mut self, bool)`. It is set anew after that |
//! | `source(&self) -> TimerSource` | what serves now |
//! | `take_event(&mut self) -> Option<AlarmEvent>` | what has become of the kernel's timer since the last call |
//! | `second(&self) -> io::Result<Alarm>` | where `ARMS_AHEAD`: another of the same runtime |
//! | `EXACT: bool` | whether an alarm that is left armed for longer than anybody waits does harm; otherwise it is left so, since that is cheaper |
//! | `CAN_BE_EXACT: bool`, `is_exact(&self) -> bool` | whether it may come to that; and whether it has |
//! | `ARMS_AHEAD: bool` | whether a second one, set for the wake-up after the next, makes wake-ups cheaper; never where `EXACT`, nor where `arm` keeps the waker |
//! | `PER_RUNTIME: bool` | whether the alarm needs its runtime, and ends with it; else one serves the process |
//! | `OUTLIVES_TIMERS: bool`, `hears_shutdown(&self) -> bool` | whether its driver does, as a rule, and now: the alarm holds the waker that listens until its end, timers or not, or one driver serves the process. Where it does not, the driver ends with its last timer |
//! | `clock_moved(&self) -> bool` | whether the runtime's clock is not the one that it goes by, so that it is to be set anew whatever it is set for |
//!
//! None of them may wake a waker: the driver holds its lock.
//!
//! A native backend has `new`, `listen`, `arm`, `disarm`, `ARMS_AHEAD` and `PER_RUNTIME`; a `resync` that cannot
//! fail; and `compare_clocks`, which is that but no later. `fallback` makes an `Alarm` of it in production,
//! and `paused` under `test-util`.
//!
//! `Periodic` is a kernel-periodic timer that counts its expirations:
//!
//! | method | what it must do |
//! | --- | --- |
//! | `new(Clock, Start, Duration) -> io::Result<Periodic>` | as above; `Unsupported` if the system has no timer on that clock |
//! | `poll(&mut self, &mut Context) -> Poll<io::Result<u64>>` | the expirations since the last time, at least 1; take part in the cooperative budget; `ClockWasSet`, and go on |
//!
//! Conversions to the kernel's units are pure functions that saturate and round up.

#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "every backend has the same shape, whatever it needs of it"
)]

mod clock;

mod source;

#[cfg(not(model))]
#[allow(dead_code, reason = "of the two clocks one is used")]
mod system_clock;

#[cfg(not(model))]
#[allow(dead_code, reason = "each set of features uses its part")]
mod runtime_clock;

#[cfg(not(model))]
mod pausable;

#[cfg(model)]
#[cfg_attr(not(test), allow(dead_code, reason = "its tests use it"))]
pub(crate) mod model;

#[cfg(not(any(portable, model)))]
#[cfg_attr(timerfd, path = "timerfd/mod.rs")]
#[cfg_attr(kqueue, path = "kqueue/mod.rs")]
#[cfg_attr(threadpool, path = "threadpool/mod.rs")]
#[cfg_attr(
    feature = "test-util",
    allow(dead_code, reason = "the half that this set of features leaves unused")
)]
mod native;

#[cfg(not(any(portable, model)))]
mod back_off;

#[cfg(descriptor)]
#[allow(dead_code, reason = "each backend and set of features uses its part")]
mod descriptor;

#[allow(dead_code, reason = "each backend and set of features uses its part")]
mod counts;

#[cfg(any(kqueue, threadpool))]
#[allow(dead_code, reason = "each set of features uses its part")]
mod software_periodic;

#[cfg_attr(model, allow(dead_code, reason = "there it is tested alone"))]
mod deferred_waker;

#[allow(dead_code, reason = "each backend uses its part")]
mod units;

#[cfg(not(model))]
#[allow(dead_code, reason = "each alarm and set of features uses its part")]
mod portable;

#[allow(dead_code, reason = "each backend and set of features uses its part")]
pub(crate) mod process;

#[cfg(not(any(portable, model)))]
#[allow(dead_code, reason = "each alarm uses its part")]
mod refusable;

#[cfg(not(any(runtime_clock, model)))]
mod fallback;

#[cfg(all(feature = "test-util", not(portable)))]
mod paused;

pub(crate) use clock::TokioClock;
#[allow(
    unreachable_pub,
    unused_imports,
    reason = "public with a driver's metrics"
)]
pub use source::TimerSource;

#[cfg(not(any(runtime_clock, model)))]
pub(crate) use fallback::Alarm;
#[cfg(model)]
pub(crate) use model::Alarm;
#[cfg(all(feature = "test-util", not(portable)))]
pub(crate) use paused::Alarm;
#[cfg(portable)]
pub(crate) use portable::Alarm;

#[cfg(not(any(runtime_clock, model)))]
pub(crate) use native::Periodic;
#[cfg(all(feature = "test-util", not(portable)))]
pub(crate) use paused::Periodic;
#[cfg(portable)]
pub(crate) use portable::Periodic;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::runtime::Handle;

/// What became of an alarm that was armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Armed {
    /// It will wake the driver.
    Waiting,
    /// It has expired already, and no wake-up will come of it.
    #[allow(
        dead_code,
        reason = "some kernels' timers fire at once when they are armed late"
    )]
    Due,
}

/// What becomes of the kernel's timer, if anybody listens.
#[derive(Debug)]
#[allow(dead_code, reason = "each alarm and set of features has its part")]
pub(crate) enum AlarmEvent {
    /// The kernel refuses it: tokio's serves.
    Refused(io::Error),
    /// It serves again.
    Accepted,
    /// The runtime's clock is not the one that it goes by: tokio's serves.
    Clock,
    /// It woke so late that it was hardly the kernel's doing.
    Late(std::time::Duration),
}

/// Whether tokio's timer can serve a runtime in place of the kernel's.
#[derive(Debug)]
#[allow(dead_code, reason = "where there is nothing to ask")]
pub(crate) struct SleepProbe {
    runtime: Handle,
}

#[allow(dead_code, reason = "where there is nothing to ask")]
impl SleepProbe {
    /// Not under a lock: what answers may be tokio's panic, which foreign code hears of.
    pub(crate) fn run(self) -> bool {
        catch_disabled(|| {
            let _context = self.runtime.enter();
            drop(tokio::time::sleep(Duration::ZERO));
            Ok(())
        })
        .is_ok()
    }
}

/// An error in place of the panic with which tokio answers when the runtime lacks the driver that
/// `make` needs.
///
/// tokio has no way to ask first. The panic hook runs, and where panics abort, this one does.
pub(crate) fn catch_disabled<T>(make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(io::Error::other(
            message.unwrap_or_else(|| "the runtime has no timer".to_owned()),
        ))
    })
}
