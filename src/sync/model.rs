//! loom's, which takes every order of what threads do with them, one after the other.

use std::sync::{Arc, PoisonError};

pub(crate) use loom::sync::MutexGuard;
#[cfg(test)]
pub(crate) use loom::sync::atomic::AtomicU8;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

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

/// A value that is replaced as a whole.
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

    pub(crate) fn replace(&self, mut with: impl FnMut(Option<&T>) -> Option<T>) {
        loop {
            let found = self.load();
            let Some(new) = with(found.as_deref()) else {
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
