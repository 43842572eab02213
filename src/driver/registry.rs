//! Which driver serves a runtime, and which of its shards a thread uses.
//!
//! The registry does not keep drivers alive, as a rule. A driver lives as long as one of its timers, or as an
//! alarm that is registered with the runtime. A native alarm stays registered until the runtime shuts down.
//! The registry does keep the one driver of a process, so that it survives its last timer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::ptr;
use std::thread::available_parallelism;

use tokio::runtime::{Handle, Id};

use super::Driver;
use super::timer_state::StateBlock;
use crate::sync::{Arc, Ordering, Snapshot, Weak, process_static, thread_static, unchecked};
use crate::sys::Alarm;
use crate::sys::process;

/// The runtime whose timers a driver serves, or the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Scope(Option<Id>);

impl Scope {
    const PROCESS: Self = Self(None);

    #[inline]
    pub(super) fn of(runtime: &Handle) -> Self {
        if Alarm::PER_RUNTIME {
            Self(Some(runtime.id()))
        } else {
            Self::PROCESS
        }
    }

    /// Returns the number of shards: about the number of threads that use the driver at once.
    pub(super) fn shards(self, runtime: &Handle) -> usize {
        match self.0 {
            Some(_) => runtime.metrics().num_workers(),
            None => available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }
}

#[derive(Debug, Clone)]
struct Registration {
    driver: Weak<Driver>,
    /// Keeps the driver of the process alive. Else the next timer would have to create another.
    _keep_alive: Option<Arc<Driver>>,
}

type Drivers = HashMap<Scope, Registration>;

process_static! {
    /// Not behind a lock. A thread may hold it while another forks, and the child would find it locked for
    /// ever.
    static DRIVERS: Snapshot<Drivers> = Snapshot::empty();
}

/// Incremented when a driver is closed or dropped.
static UNREGISTERED: unchecked::AtomicUsize = unchecked::AtomicUsize::new(0);

/// Returns a number that changes whenever a driver is closed or dropped, and in a forked child: there, no
/// driver of the parent serves.
#[inline]
fn generation() -> usize {
    UNREGISTERED
        .load(Ordering::Acquire)
        .wrapping_add(process::forks())
}

thread_static! {
    /// The scope of a driver that this thread has seen, and the generation in which it did. It has no
    /// destructor, which makes it cheap to access.
    static SEEN: Cell<Option<(Scope, usize)>> = Cell::new(None);
}

thread_static! {
    /// The block that this thread used last, in the shard that it uses. Most threads use one driver only.
    static CACHED: RefCell<Weak<StateBlock>> = RefCell::new(Weak::new());
}

thread_static! {
    /// The scope of a driver, and the index of the shard that this thread uses in it.
    static ASSIGNED: Cell<Option<(Scope, usize)>> = Cell::new(None);
}

/// Returns `true` if this thread has seen a driver for `scope`, and none has closed since.
#[inline]
pub(super) fn has_seen_driver(scope: Scope) -> bool {
    let generation = generation();
    SEEN.with(|seen| seen.get() == Some((scope, generation)))
}

/// Starts a driver for the runtime, unless there is one.
///
/// Does not assign a shard to this thread: the timer may never wait, and the next timer's shard would be
/// another.
///
/// # Errors
///
/// If the driver's alarm is refused.
#[track_caller]
pub(super) fn ensure_driver(handle: &Handle) -> io::Result<()> {
    let scope = Scope::of(handle);
    let generation = generation();
    if cached(scope).is_none_or(|block| !block.driver.is_in_this_process()) {
        Driver::get_or_start(handle)?;
    }
    SEEN.with(|seen| seen.set(Some((scope, generation))));
    Ok(())
}

/// Starts a driver for the runtime, unless there is one, and makes sure that a native timer serves it.
///
/// # Errors
///
/// If the kernel refuses its timer.
pub(super) fn require_native(handle: &Handle) -> io::Result<()> {
    let generation = generation();
    Driver::require_native(handle)?;
    SEEN.with(|seen| seen.set(Some((Scope::of(handle), generation))));
    Ok(())
}

/// Returns a block in this thread's shard of the runtime's driver. Starts a driver if there is none.
///
/// # Errors
///
/// If the driver's alarm is refused.
#[track_caller]
pub(super) fn block(handle: &Handle) -> io::Result<Arc<StateBlock>> {
    let scope = Scope::of(handle);
    let generation = generation();
    let block = if let Some(block) = cached(scope) {
        block
    } else {
        let driver = Driver::get_or_start(handle)?;
        let shard = match ASSIGNED.with(Cell::get) {
            // The shard's cached block has been freed, or the runtime has a new driver.
            Some((of, shard)) if of == scope && driver.is_assigned(shard) => shard,
            _ => driver.assign_shard(),
        };
        ASSIGNED.with(|assigned| assigned.set(Some((scope, shard))));
        let block = Arc::new(StateBlock::new(driver, shard, 0));
        cache(&block);
        block
    };
    SEEN.with(|seen| seen.set(Some((scope, generation))));
    Ok(block)
}

/// Returns the block that this thread used last, if its driver serves `scope` and is open. The driver may be
/// that of a parent process, in which no timer can wait.
pub(super) fn cached(scope: Scope) -> Option<Arc<StateBlock>> {
    // In the destructor of another thread-local variable it may be destroyed already.
    let cached = CACHED.try_with(|cached| cached.borrow().upgrade());
    let cached = cached.ok().flatten();
    cached.filter(|block| block.driver.scope == scope && block.driver.is_open())
}

/// Makes this thread use `block` next, if it is in the thread's shard: a timer may come from another thread.
pub(super) fn cache(block: &Arc<StateBlock>) {
    let shard = Some((block.driver.scope, block.shard));
    if ASSIGNED.with(Cell::get) != shard {
        return;
    }
    let _ = CACHED.try_with(|cached| {
        if !ptr::eq(cached.borrow().as_ptr(), Arc::as_ptr(block)) {
            // Dropping the replaced weak reference runs no destructor. It frees memory at most.
            cached.replace(Arc::downgrade(block));
        }
    });
}

/// Returns the open driver for `scope`, if there is one.
///
/// # Errors
///
/// If the driver, and with it the runtime, belongs to another process.
pub(super) fn find(scope: Scope) -> io::Result<Option<Arc<Driver>>> {
    let driver = DRIVERS.read(|drivers| open_driver(drivers, scope));
    match driver {
        Some(driver) if !driver.is_in_this_process() => Err(process::inherited()),
        driver => Ok(driver),
    }
}

fn open_driver(drivers: Option<&Drivers>, scope: Scope) -> Option<Arc<Driver>> {
    let driver = drivers?.get(&scope)?.driver.upgrade()?;
    driver.is_open().then_some(driver)
}

/// Registers `driver`. If another thread has registered one for its scope, returns that one instead.
pub(super) fn register(driver: &Arc<Driver>) -> Result<(), Arc<Driver>> {
    let mut existing = None;
    DRIVERS.replace(|drivers| {
        existing = open_driver(drivers, driver.scope);
        if existing.is_some() {
            return None;
        }
        let mut drivers = drivers.cloned().unwrap_or_default();
        let registration = Registration {
            driver: Arc::downgrade(driver),
            _keep_alive: (driver.scope == Scope::PROCESS).then(|| Arc::clone(driver)),
        };
        drivers.insert(driver.scope, registration);
        Some(drivers)
    });
    existing.map_or(Ok(()), Err)
}

/// Removes `driver` from the registry, if it is registered.
pub(super) fn unregister(driver: &Driver) {
    UNREGISTERED.fetch_add(1, Ordering::Release);
    DRIVERS.replace(|drivers| {
        let registration = drivers?.get(&driver.scope)?;
        if !ptr::eq(registration.driver.as_ptr(), driver) {
            return None;
        }
        let mut drivers = drivers.cloned()?;
        drivers.remove(&driver.scope);
        Some(drivers)
    });
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use crate::driver::Entry;
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::task::{Context, Waker};
    use std::thread;
    use std::time::Duration;
    use tokio::runtime::Builder;
    use tokio::time::Instant;

    /// Returns an entry of the current runtime that waits for an hour.
    fn waiting_entry() -> Entry {
        let mut entry = Entry::current();
        let hour = Duration::from_secs(3600);
        let cx = &mut Context::from_waker(Waker::noop());
        let polled = entry.poll_elapsed(cx, Instant::now() + hour, hour);
        assert!(polled.is_pending());
        entry
    }

    fn is_registered(scope: Scope) -> bool {
        DRIVERS.read(|drivers| drivers.is_some_and(|drivers| drivers.contains_key(&scope)))
    }

    /// It is unregistered with its runtime, or with its last timer if that outlives the runtime.
    #[test]
    fn closed_driver_is_unregistered() {
        if !Alarm::PER_RUNTIME {
            return;
        }
        for timer_outlives_runtime in [false, true] {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let scope = Scope::of(runtime.handle());
            let context = runtime.enter();
            let entry = waiting_entry();
            drop(context);
            assert!(is_registered(scope));
            let entry = timer_outlives_runtime.then_some(entry);
            drop(runtime);
            assert!(find(scope).unwrap().is_none());
            drop(entry);
            assert!(!is_registered(scope));
        }
    }

    /// There are as many shards as workers, and a thread uses one shard for all its timers.
    #[test]
    fn each_thread_keeps_its_own_shard() {
        const WORKERS: usize = 4;
        if !Alarm::PER_RUNTIME {
            return;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()
            .unwrap();
        // Keeps the driver alive. A new driver would assign its shards again.
        let context = runtime.enter();
        let _keeps_driver = waiting_entry();
        drop(context);
        let all_started = Barrier::new(WORKERS);
        let shard = || {
            let _context = runtime.enter();
            all_started.wait();
            // One timer at a time, and then 500 at once, so that the blocks of some are freed with them.
            let mut shards: BTreeSet<_> = (0..100).map(|_| waiting_entry().shard()).collect();
            for _ in 0..3 {
                let many: Vec<_> = (0..500).map(|_| waiting_entry()).collect();
                shards.extend(many.iter().map(Entry::shard));
            }
            assert_eq!(shards.len(), 1, "the thread's shard changes");
            shards
        };
        let shards: BTreeSet<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(shard)).collect();
            let shards = threads.into_iter().map(|thread| thread.join().unwrap());
            shards.flatten().collect()
        });
        assert_eq!(shards.len(), WORKERS);
    }
}
