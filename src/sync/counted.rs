//! Atomics of which a test can ask what a thread writes to. Two threads that write to the same thing wait for
//! each other, and no clock shows it reliably.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ptr;
use std::sync::atomic::Ordering;

use super::real::plain;

/// Where the things lie that were written to.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) locks: BTreeSet<usize>,
    /// Also by a `compare_exchange` that failed: it takes as long.
    pub(crate) atomics: BTreeSet<usize>,
}

impl Written {
    pub(crate) fn all(&self) -> BTreeSet<usize> {
        &self.locks | &self.atomics
    }
}

thread_local! {
    /// `None`: nobody asks.
    static WRITTEN: RefCell<Option<Written>> = const { RefCell::new(None) };
}

/// What this thread writes to in `run`. Not the counts of an `Arc`: that is the standard library's.
pub(crate) fn writes_of(run: impl FnOnce()) -> Written {
    WRITTEN.set(Some(Written::default()));
    run();
    WRITTEN.take().expect("nobody else asks on this thread")
}

fn note(note: impl FnOnce(&mut Written)) {
    // In a destructor of a thread-local variable nobody asks any more.
    let _ = WRITTEN.try_with(|written| written.borrow_mut().as_mut().map(note));
}

pub(super) fn locks<T>(lock: &T) {
    note(|written| {
        written.locks.insert(ptr::from_ref(lock).addr());
    });
}

macro_rules! counted {
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
                self.note();
                self.0.store(value, ordering);
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.note();
                self.0.compare_exchange(current, new, success, failure)
            }

            $(pub(crate) fn $more(&self, value: $value, ordering: Ordering) -> $value {
                self.note();
                self.0.$more(value, ordering)
            })*

            fn note(&self) {
                note(|written| {
                    written.atomics.insert(ptr::from_ref(self).addr());
                });
            }
        }
    )* };
}

counted! {
    AtomicBool: bool, swap;
    AtomicU8: u8, swap fetch_add;
    AtomicU64: u64, ;
    AtomicUsize: usize, swap fetch_add;
}

#[test]
fn every_write_is_noted_and_no_read() {
    let lock = super::Mutex::new(());
    let (number, flag) = (AtomicU64::new(0), AtomicBool::new(false));
    let (counter, state) = (AtomicUsize::new(0), AtomicU8::new(0));
    let reads = || {
        number.load(Ordering::Relaxed);
        flag.load(Ordering::Relaxed);
    };
    assert!(writes_of(reads).all().is_empty());
    let written = writes_of(|| {
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
    assert_eq!((written.locks.len(), written.atomics.len()), (1, 4));
}
