//! Systems with `fork`: a handler counts in each child.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The number of forks between this process and the one that registered the handler. Each fork counts more
/// than once if two threads registered it at the same time.
static FORKS: AtomicUsize = AtomicUsize::new(0);

static REGISTERED: AtomicBool = AtomicBool::new(false);

/// The process that created something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(usize);

impl Process {
    /// Returns the current process.
    ///
    /// # Errors
    ///
    /// If there is no memory to register the handler.
    pub(crate) fn current() -> io::Result<Self> {
        if !REGISTERED.load(Ordering::Acquire) {
            // SAFETY: `pthread_atfork` asks for functions that may be called in a child of a process that
            // has threads: this one does nothing but add to an atomic. It stays loaded: the C library
            // forgets it with the shared object that it was registered from.
            let error = unsafe { libc::pthread_atfork(None, None, Some(forked)) };
            if error != 0 {
                return Err(io::Error::from_raw_os_error(error));
            }
            // After the registration, so that a thread that reads `true` has its forks counted. To register
            // the handler twice does no harm.
            REGISTERED.store(true, Ordering::Release);
        }
        Ok(Self(FORKS.load(Ordering::Relaxed)))
    }

    #[inline]
    pub(crate) fn is_current(self) -> bool {
        FORKS.load(Ordering::Relaxed) == self.0
    }
}

/// Returns a number that differs between a child and its parent.
#[inline]
pub(crate) fn forks() -> usize {
    FORKS.load(Ordering::Relaxed)
}

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
