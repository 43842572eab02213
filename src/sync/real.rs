//! The standard library's.

use std::ptr;
use std::sync::{Arc, PoisonError};

use arc_swap::{ArcSwapOption, AsRaw};

pub(crate) use std::sync::MutexGuard;
pub(crate) use std::sync::atomic::{Ordering, fence};

#[cfg(test)]
pub(crate) use super::counted::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize};
#[cfg(not(test))]
pub(crate) use plain::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize};

/// The same, for what a checker need not try: either any value will do, or there is an order by other
/// means.
pub(crate) mod unchecked {
    pub(crate) use super::{AtomicBool, AtomicU64, AtomicUsize};
}

/// A lock that outlives a panic under it: everything it guards here is whole between statements.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        #[cfg(test)]
        super::counted::locks(self);
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that is replaced as a whole. Nobody waits for anybody, whether he reads or writes.
#[derive(Debug)]
pub(crate) struct Snapshot<T>(ArcSwapOption<T>);

impl<T> Snapshot<T> {
    pub(crate) const fn empty() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        read(self.0.load().as_deref())
    }

    /// By what `with` makes of it, if anything: it is asked again if another thread was faster.
    pub(crate) fn replace(&self, mut with: impl FnMut(Option<&T>) -> Option<T>) {
        let mut found = self.0.load();
        while let Some(new) = with(found.as_deref()) {
            let before = self.0.compare_and_swap(&*found, Some(Arc::new(new)));
            if ptr::eq(before.as_raw(), found.as_raw()) {
                break;
            }
            found = before;
        }
    }
}

/// A value of the process, which the compiler can make.
macro_rules! of_process {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$doc])*
        static $name: $kind = $value;
    };
}
pub(crate) use of_process;

/// A value of each thread, which the compiler can make.
macro_rules! of_thread {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        thread_local! {
            $(#[$doc])*
            static $name: $kind = const { $value };
        }
    };
}
pub(crate) use of_thread;

/// Uncounted.
pub(super) mod plain {
    #[cfg(target_has_atomic = "64")]
    pub(crate) use std::sync::atomic::AtomicU64;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize};

    #[cfg(not(target_has_atomic = "64"))]
    use std::sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering};

    /// Where a processor has none, of what is used here of it.
    #[cfg(not(target_has_atomic = "64"))]
    #[derive(Debug)]
    pub(crate) struct AtomicU64(Mutex<u64>);

    #[cfg(not(target_has_atomic = "64"))]
    impl AtomicU64 {
        pub(crate) const fn new(value: u64) -> Self {
            Self(Mutex::new(value))
        }

        fn value(&self) -> MutexGuard<'_, u64> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn load(&self, _ordering: Ordering) -> u64 {
            *self.value()
        }

        pub(crate) fn store(&self, value: u64, _ordering: Ordering) {
            *self.value() = value;
        }

        pub(crate) fn compare_exchange(
            &self,
            current: u64,
            new: u64,
            _success: Ordering,
            _failure: Ordering,
        ) -> Result<u64, u64> {
            let mut value = self.value();
            if *value == current {
                *value = new;
                Ok(current)
            } else {
                Err(*value)
            }
        }
    }
}
