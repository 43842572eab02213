//! Which driver serves this runtime?
//!
//! The list owns nobody. A driver lives as long as a timer of it does, or an alarm that is
//! registered with the runtime; a kernel's timer is, until the runtime shuts down.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio::runtime::Id;

use super::Driver;
use crate::sync::{Arc, LazyLock, Mutex, Weak};

static DRIVERS: LazyLock<Mutex<HashMap<Id, Weak<Driver>>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The driver that this thread found last: most threads only ever ask for one.
    static LAST: RefCell<Weak<Driver>> = const { RefCell::new(Weak::new()) };
}

pub(super) fn find(runtime: Id) -> Option<Arc<Driver>> {
    // Not there any more in the destructor of another thread-local variable.
    let last = LAST.try_with(|last| last.borrow().upgrade());
    if let Ok(Some(driver)) = last {
        if driver.runtime == runtime && driver.is_alive() {
            return Some(driver);
        }
    }
    let listed = DRIVERS.lock().get(&runtime)?.clone();
    let driver = listed.upgrade()?;
    // What it replaces owns nobody: no destructor but of memory runs here.
    let _ = LAST.try_with(|last| last.replace(listed));
    Some(driver)
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
