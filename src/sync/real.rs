//! The standard library's types, and `arc-swap`'s.

use std::ptr;
use std::sync::{Arc, PoisonError};

use arc_swap::{ArcSwapOption, AsRaw};

pub(crate) use std::sync::MutexGuard;
pub(crate) use std::sync::atomic::{Ordering, fence};

#[cfg(test)]
pub(crate) use super::recording::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize};
#[cfg(not(test))]
pub(crate) use plain::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize};

/// The same atomics, where the model checker need not try every order: any value will do, or something else
/// orders the accesses.
pub(crate) mod unchecked {
    pub(crate) use super::{AtomicBool, AtomicU64, AtomicUsize};
}

/// A lock without poisoning: what the crate keeps under locks is consistent between any two statements.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        #[cfg(test)]
        super::recording::record_lock(self);
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that is replaced as a whole. Neither a reader nor a writer blocks.
#[derive(Debug)]
pub(crate) struct Snapshot<T>(ArcSwapOption<T>);

impl<T> Snapshot<T> {
    pub(crate) const fn empty() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        read(self.0.load().as_deref())
    }

    /// Replaces the value with the one that `update` returns, if it returns one. Calls `update` again if
    /// another thread has replaced the value meanwhile.
    pub(crate) fn replace(&self, mut update: impl FnMut(Option<&T>) -> Option<T>) {
        let mut found = self.0.load();
        while let Some(new) = update(found.as_deref()) {
            let before = self.0.compare_and_swap(&*found, Some(Arc::new(new)));
            if ptr::eq(before.as_raw(), found.as_raw()) {
                break;
            }
            found = before;
        }
    }
}

/// Declares a static.
macro_rules! process_static {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$doc])*
        static $name: $kind = $value;
    };
}
pub(crate) use process_static;

/// Declares a thread-local static with a constant initializer.
macro_rules! thread_static {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        thread_local! {
            $(#[$doc])*
            static $name: $kind = const { $value };
        }
    };
}
pub(crate) use thread_static;

/// Atomics that record nothing.
pub(super) mod plain {
    #[cfg(target_has_atomic = "64")]
    pub(crate) use std::sync::atomic::AtomicU64;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize};

    #[cfg(not(target_has_atomic = "64"))]
    use std::sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering};

    /// Stands in for the atomic on processors that have none, with the methods that the crate uses.
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
