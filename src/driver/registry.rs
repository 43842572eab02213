//! Which driver serves this runtime?
//!
//! As a rule the list owns nobody. A driver lives as long as a timer of it does, or an alarm that is
//! registered with the runtime; a kernel's timer is, until the runtime shuts down. The one driver of
//! a process is kept for good.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio::runtime::{Handle, Id};

use super::Driver;
use crate::sync::{Arc, Mutex, Weak, of_process, of_thread};
use crate::sys::Alarm;

/// Whose timers a driver has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    Runtime(Id),
    Process,
}

impl Scope {
    pub(super) fn of(runtime: &Handle) -> Self {
        if Alarm::OF_RUNTIME {
            Self::Runtime(runtime.id())
        } else {
            Self::Process
        }
    }
}

#[derive(Debug)]
struct Listed {
    driver: Weak<Driver>,
    /// What would be made anew for the next timer is not let go of with the last.
    _kept: Option<Arc<Driver>>,
}

of_process! {
    static DRIVERS: Mutex<HashMap<Scope, Listed>> = Mutex::default();
}

of_thread! {
    /// The driver that this thread found last: most threads only ever ask for one.
    static LAST: RefCell<Weak<Driver>> = RefCell::new(Weak::new());
}

pub(super) fn find(scope: Scope) -> Option<Arc<Driver>> {
    // Not there any more in the destructor of another thread-local variable.
    let last = LAST.try_with(|last| last.borrow().upgrade());
    if let Ok(Some(driver)) = last {
        if driver.scope == scope && driver.is_alive() {
            return Some(driver);
        }
    }
    let listed = DRIVERS.lock().get(&scope)?.driver.clone();
    let driver = listed.upgrade().filter(|driver| driver.is_alive())?;
    // What it replaces owns nobody: no destructor but of memory runs here.
    let _ = LAST.try_with(|last| last.replace(listed));
    Some(driver)
}

/// Lists `driver`, unless another thread was faster: then returns that thread's.
pub(super) fn list(driver: &Arc<Driver>) -> Result<(), Arc<Driver>> {
    let mut drivers = DRIVERS.lock();
    let listed = drivers.get(&driver.scope);
    let faster = listed.and_then(|listed| listed.driver.upgrade());
    if let Some(faster) = faster.filter(|faster| faster.is_alive()) {
        return Err(faster);
    }
    let listed = Listed {
        driver: Arc::downgrade(driver),
        _kept: (driver.scope == Scope::Process).then(|| Arc::clone(driver)),
    };
    let dead = drivers.insert(driver.scope, listed);
    // Its destructor looks here.
    drop(drivers);
    drop(dead);
    Ok(())
}

/// Unlists `driver`, if it is listed.
pub(super) fn forget(driver: &Driver) {
    let mut drivers = DRIVERS.lock();
    let listed = drivers.get(&driver.scope);
    if listed.is_some_and(|listed| std::ptr::eq(listed.driver.as_ptr(), driver)) {
        let unlisted = drivers.remove(&driver.scope);
        // Its destructor looks here once more.
        drop(drivers);
        drop(unlisted);
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use crate::driver::Entry;
    use std::task::{Context, Waker};
    use std::time::Duration;
    use tokio::runtime::Builder;
    use tokio::time::Instant;

    /// With its runtime, or after it with its last timer.
    #[test]
    fn who_is_gone_is_not_listed() {
        if !Alarm::OF_RUNTIME {
            return;
        }
        for outlives in [false, true] {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let scope = Scope::of(runtime.handle());
            let context = runtime.enter();
            let mut entry = Entry::new(Driver::current());
            let hour = Duration::from_secs(3600);
            let cx = &mut Context::from_waker(Waker::noop());
            let polled = entry.poll_elapsed(cx, Instant::now() + hour, hour);
            assert!(polled.is_pending());
            drop(context);
            assert!(DRIVERS.lock().contains_key(&scope));
            let kept = outlives.then_some(entry);
            drop(runtime);
            assert!(find(scope).is_none());
            drop(kept);
            assert!(!DRIVERS.lock().contains_key(&scope));
        }
    }
}
