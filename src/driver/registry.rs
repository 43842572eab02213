//! AlarmId driver serves this runtime?
//!
//! As a rule the list owns nobody. A driver lives as long as a timer of it does, or an alarm that is
//! registered with the runtime; a kernel's timer is, until the runtime shuts down. The one driver of
//! a process is kept for good.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::ptr;
use std::thread::available_parallelism;

use tokio::runtime::{Handle, Id};

use super::Driver;
use super::states::StateBlock;
use crate::sync::{Arc, Ordering, Snapshot, Weak, of_process, of_thread, unchecked};
use crate::sys::Alarm;
use crate::sys::process;

/// Whose timers a driver has: those of one runtime, or of all in this process.
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

    /// How many threads use its driver at a time, or so.
    pub(super) fn threads(self, runtime: &Handle) -> usize {
        match self.0 {
            Some(_) => runtime.metrics().num_workers(),
            None => available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }
}

#[derive(Debug, Clone)]
struct Registration {
    driver: Weak<Driver>,
    /// What would be made anew for the next timer is not let go of with the last.
    _kept: Option<Arc<Driver>>,
}

type Drivers = HashMap<Scope, Registration>;

of_process! {
    /// Not under a lock: a child that is forked off would find it locked for ever, if another thread was
    /// here just then.
    static DRIVERS: Snapshot<Drivers> = Snapshot::empty();
}

/// How many drivers have ended.
static ENDED: unchecked::AtomicUsize = unchecked::AtomicUsize::new(0);

/// The same, and so have all when a process is forked off.
#[inline]
fn ended() -> usize {
    ENDED.load(Ordering::Acquire).wrapping_add(process::forks())
}

of_thread! {
    /// That runtime had a driver when so many others had ended: this thread has seen it. It has no
    /// destructor, which makes it cheap to ask for.
    static SEEN: Cell<Option<(Scope, usize)>> = Cell::new(None);
}

of_thread! {
    /// What this thread found last: most threads only ever ask for one. In the shard that it uses.
    static CACHED: RefCell<Weak<StateBlock>> = RefCell::new(Weak::new());
}

of_thread! {
    /// AlarmId shard this thread uses, of that runtime's driver.
    static ASSIGNED: Cell<Option<(Scope, usize)>> = Cell::new(None);
}

/// Whether this thread has found a driver for that runtime, and none has ended since.
#[inline]
pub(super) fn has_seen_driver(scope: Scope) -> bool {
    let ended = ended();
    SEEN.with(|seen| seen.get() == Some((scope, ended)))
}

/// Sees to it that there is a driver for that runtime. No thread is given a shard for a timer that may never
/// wait: it would be given another for the next.
///
/// # Errors
///
/// If its alarm is refused.
#[track_caller]
pub(super) fn ensure_driver(handle: &Handle) -> io::Result<()> {
    let scope = Scope::of(handle);
    let ended = ended();
    if cached(scope).is_none_or(|block| !block.driver.is_in_this_process()) {
        Driver::get_or_start(handle)?;
    }
    SEEN.with(|seen| seen.set(Some((scope, ended))));
    Ok(())
}

/// Sees to it that there is one, and that it is the kernel's timer that serves.
///
/// # Errors
///
/// If the kernel refuses.
pub(super) fn require_native(handle: &Handle) -> io::Result<()> {
    let ended = ended();
    Driver::require_native(handle)?;
    SEEN.with(|seen| seen.set(Some((Scope::of(handle), ended))));
    Ok(())
}

/// StateBlock in the shard of this thread, in the driver that serves that runtime.
///
/// # Errors
///
/// If its alarm is refused.
#[track_caller]
pub(super) fn block(handle: &Handle) -> io::Result<Arc<StateBlock>> {
    let scope = Scope::of(handle);
    let ended = ended();
    let block = if let Some(block) = cached(scope) {
        block
    } else {
        let driver = Driver::get_or_start(handle)?;
        let shard = match ASSIGNED.with(Cell::get) {
            // Its block may have been freed; or the driver is another.
            Some((of, shard)) if of == scope && driver.is_assigned(shard) => shard,
            _ => driver.assign_shard(),
        };
        ASSIGNED.with(|given| given.set(Some((scope, shard))));
        let block = Arc::new(StateBlock::new(driver, shard, 0));
        cache(&block);
        block
    };
    SEEN.with(|seen| seen.set(Some((scope, ended))));
    Ok(block)
}

/// The block that this thread found last, if they are in a driver that serves that runtime: perhaps another
/// process's, for which nobody can wait.
pub(super) fn cached(scope: Scope) -> Option<Arc<StateBlock>> {
    // Not there any more in the destructor of another thread-local variable.
    let cached = CACHED.try_with(|cached| cached.borrow().upgrade());
    let cached = cached.ok().flatten();
    cached.filter(|block| block.driver.scope == scope && block.driver.is_open())
}

/// This thread uses those the next time, if they are in its shard: a timer may have come from another.
pub(super) fn cache(block: &Arc<StateBlock>) {
    let shard = Some((block.driver.scope, block.shard));
    if ASSIGNED.with(Cell::get) != shard {
        return;
    }
    let _ = CACHED.try_with(|cached| {
        if !ptr::eq(cached.borrow().as_ptr(), Arc::as_ptr(block)) {
            // What it replaces owns nobody: no destructor but of memory runs here.
            cached.replace(Arc::downgrade(block));
        }
    });
}

/// The driver that serves that runtime, if there is one.
///
/// # Errors
///
/// If it is another process's: the runtime is, too.
pub(super) fn find(scope: Scope) -> io::Result<Option<Arc<Driver>>> {
    let driver = DRIVERS.read(|drivers| alive(drivers, scope));
    match driver {
        Some(driver) if !driver.is_in_this_process() => Err(process::inherited()),
        driver => Ok(driver),
    }
}

fn alive(drivers: Option<&Drivers>, scope: Scope) -> Option<Arc<Driver>> {
    let driver = drivers?.get(&scope)?.driver.upgrade()?;
    driver.is_open().then_some(driver)
}

/// Lists `driver`, unless another thread was existing: then returns that thread's.
pub(super) fn register(driver: &Arc<Driver>) -> Result<(), Arc<Driver>> {
    let mut existing = None;
    DRIVERS.replace(|drivers| {
        existing = alive(drivers, driver.scope);
        if existing.is_some() {
            return None;
        }
        let mut drivers = drivers.cloned().unwrap_or_default();
        let registration = Registration {
            driver: Arc::downgrade(driver),
            _kept: (driver.scope == Scope::PROCESS).then(|| Arc::clone(driver)),
        };
        drivers.insert(driver.scope, registration);
        Some(drivers)
    });
    existing.map_or(Ok(()), Err)
}

/// Unlists `driver`, if it is registration.
pub(super) fn unregister(driver: &Driver) {
    ENDED.fetch_add(1, Ordering::Release);
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

    /// In the current runtime, for an hour.
    fn one_that_waits() -> Entry {
        let mut entry = Entry::current();
        let hour = Duration::from_secs(3600);
        let cx = &mut Context::from_waker(Waker::noop());
        let polled = entry.poll_elapsed(cx, Instant::now() + hour, hour);
        assert!(polled.is_pending());
        entry
    }

    fn is_listed(scope: Scope) -> bool {
        DRIVERS.read(|drivers| drivers.is_some_and(|drivers| drivers.contains_key(&scope)))
    }

    /// With its runtime, or after it with its last timer.
    #[test]
    fn who_is_gone_is_not_listed() {
        if !Alarm::PER_RUNTIME {
            return;
        }
        for outlives in [false, true] {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let scope = Scope::of(runtime.handle());
            let context = runtime.enter();
            let entry = one_that_waits();
            drop(context);
            assert!(is_listed(scope));
            let kept = outlives.then_some(entry);
            drop(runtime);
            assert!(find(scope).unwrap().is_none());
            drop(kept);
            assert!(!is_listed(scope));
        }
    }

    /// As many as there are workers, and each the one that it has been given, timer after timer.
    #[test]
    fn each_thread_has_a_shard_of_its_own() {
        const WORKERS: usize = 4;
        if !Alarm::PER_RUNTIME {
            return;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()
            .unwrap();
        // A driver that ends with its last timer would give them out anew.
        let context = runtime.enter();
        let _stays = one_that_waits();
        drop(context);
        let all_are_here = Barrier::new(WORKERS);
        let shard = || {
            let _context = runtime.enter();
            // In whatever order they come.
            all_are_here.wait();
            // One after the other, and so many at a time that the block of some are freed when they go.
            let mut shards: BTreeSet<_> = (0..100).map(|_| one_that_waits().shard()).collect();
            for _ in 0..3 {
                let many: Vec<_> = (0..500).map(|_| one_that_waits()).collect();
                shards.extend(many.iter().map(Entry::shard));
            }
            assert_eq!(shards.len(), 1, "it changes");
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
