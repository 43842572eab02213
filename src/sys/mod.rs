//! The operating system's timers.
//!
//! Only this module depends on the operating system, and only this module has `unsafe` code. A backend is a module
//! with two types of the same shape on every system; a `cfg` picks it.
//!
//! `Alarm` is a driver's one-shot timer. The driver calls it under its lock, so no method may wake a waker.
//!
//! | item | what it does |
//! | --- | --- |
//! | `new(&Handle, requires_native: bool) -> io::Result<Alarm>` | Creates the kernel's timer and registers it with the current runtime. Panics at the caller's location if the runtime lacks a driver that the timer needs. If the kernel refuses, returns its error if `requires_native`; otherwise tokio's timer may serve |
//! | `second(&self) -> io::Result<Alarm>` | Creates another alarm of the same runtime. Called only if `ARMS_AHEAD` |
//! | `listen(&mut self, &Waker) -> io::Result<()>` | Wakes the waker at the next expiration and when the runtime shuts down. Returns an error if it has shut down. Called when the alarm is new and after each wake-up |
//! | `arm(&mut self, Instant, Duration, &Waker) -> io::Result<Armed>` | Arms the alarm for a hard deadline with a slack, in place of its previous setting. The kernel may fire up to the slack before the hard deadline if it can share a wake-up, but not earlier |
//! | `disarm(&mut self)` | Called when no timer waits, if `EXACT` or `is_exact` |
//! | `resync(&mut self) -> io::Result<()>` | Called when the alarm fired early by the runtime's clock. Rereads both clocks, and delays the next expiration by a millisecond. Returns an error if the alarm cannot follow the clock |
//! | `require_native(&mut self, &Waker) -> io::Result<()>` | Asks the kernel again if it has refused its timer. Returns its error |
//! | `probe(&self) -> Option<SleepProbe>` | After `arm` failed, returns a probe if tokio's timer may serve once it was probed. The driver runs the probe without a lock, reports the result by `probed(&mut self, bool)`, and arms again |
//! | `source(&self) -> TimerSource` | Returns the timers that serve now |
//! | `take_event(&mut self) -> Option<AlarmEvent>` | Returns what to report of the kernel's timer since the last call |
//! | `clock_moved(&self) -> bool` | Returns `true` if the alarm does not follow the runtime's clock any more, so that it must be rearmed |
//! | `hears_shutdown(&self) -> bool` | Returns `true` if the alarm keeps the waker, timers or not, so that the driver hears of the shutdown and need not end with its last timer |
//! | `OUTLIVES_TIMERS: bool` | `true` if the driver outlives its timers as a rule: the alarm hears of the shutdown, or one driver serves the process |
//! | `EXACT: bool` | `true` if an alarm that is left armed for a removed timer does harm. If not, the driver leaves it armed, which is cheaper |
//! | `CAN_BE_EXACT: bool`, `is_exact(&self) -> bool` | `true` if the alarm may become exact; `true` while it is exact |
//! | `ARMS_AHEAD: bool` | `true` if a second alarm, armed for the wake-up after the next, makes wake-ups cheaper. Never `true` if `EXACT`, or if `arm` keeps the waker |
//! | `PER_RUNTIME: bool` | `true` if the alarm needs its runtime and ends with it. Otherwise one alarm serves the process |
//!
//! A native backend has `new(&Handle)`, `listen`, `arm`, `disarm`, `ARMS_AHEAD` and `PER_RUNTIME`; a `resync` that
//! cannot fail; and `reread_clocks`, which is `resync` without the delay. `production` makes an `Alarm` of it, and
//! under `test-util` the module `test_util` does.
//!
//! `Periodic` is a periodic timer that counts its expirations:
//!
//! | item | what it does |
//! | --- | --- |
//! | `new(Clock, Start, Duration) -> io::Result<Periodic>` | Creates the timer in the current runtime, as `Alarm::new` does. Returns `Unsupported` if the system has no timer on that clock |
//! | `poll(&mut self, &mut Context) -> Poll<io::Result<u64>>` | Returns the number of expirations since the last call, at least 1. Takes part in the cooperative budget. Returns `ClockWasSet` if the clock was set; the timer continues |
//!
//! Conversions to a kernel's units are pure functions that saturate and round up.

#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "every backend has the same shape"
)]

mod clock;
#[cfg(any(not(model), test))]
mod deferred_waker;
#[cfg(descriptor)]
mod descriptor;
#[cfg(native)]
mod early_guard;
#[cfg(native)]
mod kernel_alarm;
#[cfg(model)]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "only tests control the model's kernel")
)]
pub(crate) mod model;
#[cfg(native)]
#[cfg_attr(timerfd, path = "timerfd/mod.rs")]
#[cfg_attr(kqueue, path = "kqueue/mod.rs")]
#[cfg_attr(threadpool, path = "threadpool/mod.rs")]
mod native;
#[cfg(portable)]
mod portable;
pub(crate) mod process;
#[cfg(production)]
mod production;
#[cfg(not(model))]
mod sleep_alarm;
#[cfg_attr(not(production), path = "no_sleep_probe.rs")]
mod sleep_probe;
#[cfg(any(software_periodic, test))]
mod software_periodic;
mod source;
#[cfg(test_util)]
mod test_util;
#[cfg(any(native, test))]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "each kernel has units of its own")
)]
mod units;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use clock::TokioClock;
pub use source::TimerSource;

#[cfg(model)]
pub(crate) use model::{Alarm, Periodic};
#[cfg(portable)]
pub(crate) use portable::{Alarm, Periodic};
#[cfg(test_util)]
pub(crate) use test_util::{Alarm, Periodic};
#[cfg(production)]
pub(crate) use {native::Periodic, production::Alarm};

pub(crate) use sleep_probe::SleepProbe;

/// The result of arming an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Armed {
    /// The alarm will wake the driver.
    Waiting,
    /// The alarm has expired already and will not wake the driver.
    #[cfg_attr(
        model,
        allow(dead_code, reason = "the model's kernel is never late to arm")
    )]
    Due,
}

/// A change in how a driver's timers are served.
#[allow(
    dead_code,
    reason = "the alarm in production creates them, and the feature `tracing` reads them"
)]
#[derive(Debug)]
pub(crate) enum AlarmEvent {
    /// The kernel refuses its timer, and tokio's serves.
    Refused(io::Error),
    /// The kernel's timer serves again.
    Accepted,
    /// The runtime's clock is paused or was moved, and tokio's timer serves.
    Clock,
    /// A wake-up was later than a kernel is by itself.
    Late(std::time::Duration),
}

/// Calls `create`. Returns an error if tokio panics because the runtime lacks a driver.
///
/// tokio has no way to ask first. The panic hook runs, and where panics abort, this one does.
pub(crate) fn catch_disabled<T>(create: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(create)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(io::Error::other(
            message.unwrap_or_else(|| "the runtime has no timer".to_owned()),
        ))
    })
}
