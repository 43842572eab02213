//! The first signal, such as Ctrl-C, ends the run, which still writes its results. The second signal ends the
//! program.

use std::io;
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::sys;

/// The exit code for the signal; zero before any signal.
static CODE: AtomicU8 = AtomicU8::new(0);

/// Starts watching. No other thread may be running yet.
pub fn watch() -> io::Result<()> {
    sys::watch_signals(|code| {
        let first = CODE.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err() {
            process::exit(code.into());
        }
    })
}

/// Returns the exit code for the signal, if one has come.
pub fn code() -> Option<u8> {
    Some(CODE.load(Ordering::Relaxed)).filter(|code| *code != 0)
}

/// Returns `true` if a signal has come.
pub fn is_requested() -> bool {
    code().is_some()
}
