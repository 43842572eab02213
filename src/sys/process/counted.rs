//! Systems with `fork`: a handler in each child counts.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many forks lie between this process and the first that asked. More, if two threads asked first.
static FORKS: AtomicUsize = AtomicUsize::new(0);

static COUNTED: AtomicBool = AtomicBool::new(false);

/// The process that something was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(usize);

impl Process {
    /// This one.
    ///
    /// # Errors
    ///
    /// If the system has no memory to note who is to be told of forks.
    pub(crate) fn current() -> io::Result<Self> {
        if !COUNTED.load(Ordering::Acquire) {
            // SAFETY: `pthread_atfork` asks for functions that may be called in a child of a process that
            // has threads: this one does nothing but add to an atomic. It stays loaded: the C library
            // forgets it with the shared object that it was registered from.
            let error = unsafe { libc::pthread_atfork(None, None, Some(forked)) };
            if error != 0 {
                return Err(io::Error::from_raw_os_error(error));
            }
            // Only now: a fork is counted by whoever was told that it would be. Twice does no harm.
            COUNTED.store(true, Ordering::Release);
        }
        Ok(Self(FORKS.load(Ordering::Relaxed)))
    }

    /// Whether it is this one.
    #[inline]
    pub(crate) fn is_current(self) -> bool {
        FORKS.load(Ordering::Relaxed) == self.0
    }
}

/// How often this process is known to have been forked off.
#[inline]
pub(crate) fn forks() -> usize {
    FORKS.load(Ordering::Relaxed)
}

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
