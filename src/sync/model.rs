//! loom's, which takes every order of what threads do with them, one after the other.

use std::sync::PoisonError;

pub(crate) use loom::sync::MutexGuard;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};

/// The standard library's, of which the checker knows nothing.
pub(crate) mod unchecked {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value of the process: another one each time.
macro_rules! of_process {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        loom::lazy_static! {
            $(#[$doc])*
            static ref $name: $kind = $value;
        }
    };
}
pub(crate) use of_process;

/// A value of each thread.
macro_rules! of_thread {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        loom::thread_local! {
            $(#[$doc])*
            static $name: $kind = $value;
        }
    };
}
pub(crate) use of_thread;
