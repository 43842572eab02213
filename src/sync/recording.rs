//! Atomics that record, for tests, which memory a thread writes to.
//!
//! Two threads that write to the same memory slow each other down, and no clock shows that reliably.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ptr;
use std::sync::atomic::Ordering;

use super::real::plain;

/// The addresses of what was written to.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) locks: BTreeSet<usize>,
    /// Includes every `compare_exchange` that fails: it takes as long.
    pub(crate) atomics: BTreeSet<usize>,
}

impl Writes {
    pub(crate) fn all(&self) -> BTreeSet<usize> {
        &self.locks | &self.atomics
    }
}

thread_local! {
    /// `None` while nothing is recorded.
    static WRITES: RefCell<Option<Writes>> = const { RefCell::new(None) };
}

/// Records what this thread writes to in `run`, except for the counts of an `Arc`: that is the standard
/// library's.
pub(crate) fn record_writes(run: impl FnOnce()) -> Writes {
    WRITES.set(Some(Writes::default()));
    run();
    WRITES.take().expect("recordings do not nest")
}

fn record(record: impl FnOnce(&mut Writes)) {
    // In the destructor of a thread-local variable it may be destroyed, and nothing is recorded.
    let _ = WRITES.try_with(|writes| writes.borrow_mut().as_mut().map(record));
}

pub(super) fn record_lock<T>(lock: &T) {
    record(|writes| {
        writes.locks.insert(ptr::from_ref(lock).addr());
    });
}

macro_rules! recording_atomics {
    ($($name:ident: $value:ty, $($more:ident)*;)*) => { $(
        #[derive(Debug)]
        pub(crate) struct $name(plain::$name);

        #[allow(dead_code, reason = "each backend uses its part")]
        impl $name {
            pub(crate) const fn new(value: $value) -> Self {
                Self(plain::$name::new(value))
            }

            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                self.0.load(ordering)
            }

            pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                self.record();
                self.0.store(value, ordering);
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.record();
                self.0.compare_exchange(current, new, success, failure)
            }

            $(pub(crate) fn $more(&self, value: $value, ordering: Ordering) -> $value {
                self.record();
                self.0.$more(value, ordering)
            })*

            fn record(&self) {
                record(|writes| {
                    writes.atomics.insert(ptr::from_ref(self).addr());
                });
            }
        }
    )* };
}

recording_atomics! {
    AtomicBool: bool, swap;
    AtomicU8: u8, swap fetch_add;
    AtomicU64: u64, ;
    AtomicUsize: usize, swap fetch_add;
}

#[test]
fn writes_are_recorded_and_reads_are_not() {
    let lock = super::Mutex::new(());
    let (number, flag) = (AtomicU64::new(0), AtomicBool::new(false));
    let (counter, state) = (AtomicUsize::new(0), AtomicU8::new(0));
    let reads = || {
        number.load(Ordering::Relaxed);
        flag.load(Ordering::Relaxed);
    };
    assert!(record_writes(reads).all().is_empty());
    let writes = record_writes(|| {
        drop(lock.lock());
        number.store(1, Ordering::Relaxed);
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        assert!(
            flag.compare_exchange(true, false, success, failure)
                .is_err()
        );
        counter.fetch_add(1, Ordering::Relaxed);
        state.swap(1, Ordering::Relaxed);
    });
    assert_eq!((writes.locks.len(), writes.atomics.len()), (1, 4));
}
