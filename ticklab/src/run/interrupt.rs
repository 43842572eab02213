//! A signal that asks for the end, as Ctrl-C does, ends the run, and what was measured is written. A second
//! one ends the program.

use std::io;
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::sys;

/// Zero until one came.
static CODE: AtomicU8 = AtomicU8::new(0);

/// From now on. No other thread may have been started yet.
pub fn watch() -> io::Result<()> {
    sys::watch_signals(|code| {
        let first = CODE.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err() {
            process::exit(code.into());
        }
    })
}

/// The exit code that tells of it, if one came.
pub fn code() -> Option<u8> {
    Some(CODE.load(Ordering::Relaxed)).filter(|code| *code != 0)
}

/// Whether one came.
pub fn came() -> bool {
    code().is_some()
}
