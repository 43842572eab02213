//! Tests that look at what belongs to the whole process: its descriptors, handles, limits and memory, and
//! who listens to `tracing`. They run one after the other.

#[path = "../support/mod.rs"]
mod support;

mod descriptor_limit;
mod descriptors_come_back;
mod events;
mod faults;
mod forks;
mod memory;
mod periodic_descriptor;
mod timeout_cost;
mod windows;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by a test while it runs.
#[allow(dead_code, reason = "each set of features has its tests")]
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
