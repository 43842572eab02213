//! Ctrl-C ends the run, and what was measured is written. A second one ends the program.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::INTERRUPTED;

static CAME: AtomicBool = AtomicBool::new(false);

/// From now on.
pub fn watch() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if CAME.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
    })
}

/// Whether it came.
pub fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}
