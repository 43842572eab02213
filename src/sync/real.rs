//! The standard library's.

use std::sync::PoisonError;

#[cfg(target_has_atomic = "64")]
pub(crate) use std::sync::atomic::AtomicU64;
#[cfg(threadpool)]
pub(crate) use std::sync::atomic::AtomicUsize;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
pub(crate) use std::sync::{LazyLock, MutexGuard};

/// A lock that outlives a panic under it: everything it guards here is whole between statements.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value of the process.
macro_rules! of_process {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$doc])*
        static $name: crate::sync::LazyLock<$kind> = crate::sync::LazyLock::new(|| $value);
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

/// Where a processor has none, of what is used here of it.
#[cfg(not(target_has_atomic = "64"))]
#[derive(Debug)]
pub(crate) struct AtomicU64(Mutex<u64>);

#[cfg(not(target_has_atomic = "64"))]
impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn load(&self, _ordering: Ordering) -> u64 {
        *self.0.lock()
    }

    pub(crate) fn store(&self, value: u64, _ordering: Ordering) {
        *self.0.lock() = value;
    }
}
