//! The signals by which a user, a closing terminal or a supervisor asks a program to end.
#![allow(
    unsafe_code,
    reason = "nix has no safe form of asking what is done about a signal"
)]

use std::ffi::c_int;
use std::io;
use std::ptr;
use std::thread;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal};

const ENDING: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// Calls `came` for each such signal, with the exit code by which a shell names it. A signal that was ignored
/// at the start, by nohup(1) or in a script's background job, stays ignored. No other thread may be running
/// yet: threads inherit the blocked signals.
pub fn watch_signals(came: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    let watched: SigSet = ENDING
        .into_iter()
        .filter(|signal| !is_ignored(*signal))
        .collect();
    watched.thread_block()?;
    let wait = move || {
        while let Ok(signal) = watched.wait() {
            came(128 + signal as u8);
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)?;
    Ok(())
}

/// Unblocks the signals: a program started by a watching one inherits them blocked.
pub fn unblock_signals() -> io::Result<()> {
    Ok(SigSet::from_iter(ENDING).thread_unblock()?)
}

fn is_ignored(signal: Signal) -> bool {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    let mut action = libc::sigaction::from(default);
    // SAFETY: by sigaction(2), a null pointer for the new action leaves the old one in place, and the old one
    // is written to `action`, which outlives the call.
    let status = unsafe { libc::sigaction(signal as c_int, ptr::null(), &raw mut action) };
    status == 0 && action.sa_sigaction == libc::SIG_IGN
}
