//! Helpers that the tests share.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses some of them"
)]

mod callback_waker;
mod descriptors;
#[cfg(all(target_os = "linux", feature = "os-native"))]
pub(crate) mod fork;
mod panics;
mod polling;
mod runtimes;
pub(crate) mod task;

use std::time::Duration;

pub(crate) use callback_waker::CallbackWaker;
pub(crate) use descriptors::open_descriptors;
pub(crate) use panics::{assert_panics_here, panic_message, panic_message_here, panic_of};
pub(crate) use polling::{CountingWaker, poll_once, poll_tick, start_waiting, yield_until};
#[cfg(feature = "test-util")]
pub(crate) use runtimes::paused;
pub(crate) use runtimes::{
    Watchdog, current_thread, multi_thread, on_current_thread, on_every_runtime, on_runtimes,
};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// The time that tokio and this crate substitute for a longer one.
pub(crate) const THIRTY_YEARS: Duration = Duration::from_secs(86_400 * 365 * 30);

/// A part of the message of a panic or an error outside a runtime.
pub(crate) const NO_RUNTIME: &str = "Tokio 1.x runtime";

/// The message of the panic of a wait whose runtime has ended.
pub(crate) const SHUT_DOWN: &str = "A Tokio 1.x context was found, but it is being shutdown.";

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
