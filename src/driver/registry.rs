//! Which driver serves this runtime?
//!
//! The list owns nobody. A driver lives as long as a timer of it does, or an alarm that is
//! registered with the runtime; a kernel's timer is, until the runtime shuts down.

use std::collections::HashMap;

use tokio::runtime::Id;

use super::Driver;
use crate::sync::{Arc, LazyLock, Mutex, Weak};

static DRIVERS: LazyLock<Mutex<HashMap<Id, Weak<Driver>>>> = LazyLock::new(Mutex::default);

pub(super) fn find(runtime: Id) -> Option<Arc<Driver>> {
    DRIVERS.lock().get(&runtime).and_then(Weak::upgrade)
}

/// Lists `driver`, unless another thread was faster: then returns that thread's.
pub(super) fn list(driver: &Arc<Driver>) -> Result<(), Arc<Driver>> {
    let mut drivers = DRIVERS.lock();
    if let Some(faster) = drivers.get(&driver.runtime).and_then(Weak::upgrade) {
        return Err(faster);
    }
    drivers.insert(driver.runtime, Arc::downgrade(driver));
    Ok(())
}

/// Unlists `driver`, if it is listed.
pub(super) fn forget(driver: &Driver) {
    let mut drivers = DRIVERS.lock();
    let listed = drivers.get(&driver.runtime);
    if listed.is_some_and(|listed| std::ptr::eq(listed.as_ptr(), driver)) {
        drivers.remove(&driver.runtime);
    }
}
