//! loom's types. loom runs a test once for each order in which threads can use them.

use std::sync::{Arc, PoisonError};

pub(crate) use loom::sync::MutexGuard;
#[cfg(test)]
pub(crate) use loom::sync::atomic::AtomicU8;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// The standard library's atomics, which loom does not track.
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

/// A value that is replaced as a whole. See the other `Snapshot`.
#[derive(Debug)]
pub(crate) struct Snapshot<T>(Mutex<Option<Arc<T>>>);

impl<T> Snapshot<T> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    fn load(&self) -> Option<Arc<T>> {
        self.0.lock().clone()
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        read(self.load().as_deref())
    }

    pub(crate) fn replace(&self, mut update: impl FnMut(Option<&T>) -> Option<T>) {
        loop {
            let found = self.load();
            let Some(new) = update(found.as_deref()) else {
                return;
            };
            let mut current = self.0.lock();
            let is_same = match (&*current, &found) {
                (Some(current), Some(found)) => Arc::ptr_eq(current, found),
                (None, None) => true,
                _ => false,
            };
            if is_same {
                *current = Some(Arc::new(new));
                return;
            }
        }
    }
}

/// Declares a static with a new value in each execution that loom tries.
macro_rules! process_static {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        loom::lazy_static! {
            $(#[$doc])*
            static ref $name: $kind = $value;
        }
    };
}
pub(crate) use process_static;

/// Declares a thread-local static.
macro_rules! thread_static {
    ($(#[$doc:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        loom::thread_local! {
            $(#[$doc])*
            static $name: $kind = $value;
        }
    };
}
pub(crate) use thread_static;
