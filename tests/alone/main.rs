//! Tests of what belongs to the whole process: its descriptors, handles, limits and memory, its `tracing`
//! subscriber and its children. They run one after the other.

#[path = "../support/mod.rs"]
mod support;

mod cost;
mod descriptor_leaks;
mod descriptor_limit;
mod events;
mod faults;
mod forks;
mod memory;
mod periodic_descriptor;
mod windows;

use std::sync::{Mutex, MutexGuard, PoisonError};

use support::Watchdog;

/// Waits until no other test runs. A test holds the result while it runs.
#[allow(dead_code, reason = "some sets of features have no test")]
#[track_caller]
fn alone() -> (MutexGuard<'static, ()>, Watchdog) {
    static RUNNING: Mutex<()> = Mutex::new(());
    let guard = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    (guard, Watchdog::new())
}
