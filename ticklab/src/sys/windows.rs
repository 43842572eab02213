//! What Windows reports.
#![allow(unsafe_code, reason = "Windows' functions have no safe form")]

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use windows_sys::Wdk::System::SystemInformation::NtQueryTimerResolution;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessHandleCount};

/// Exit code for Ctrl-C, as in a Unix shell.
const INTERRUPTED: u8 = 130;

/// Calls `came` for each Ctrl-C, with an exit code.
pub fn watch_signals(came: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || came(INTERRUPTED)).map_err(io::Error::other)
}

/// Windows does not block signals.
#[allow(clippy::unnecessary_wraps, reason = "as on Unix")]
pub fn unblock_signals() -> io::Result<()> {
    Ok(())
}

/// Windows does not report them to a process.
pub fn switches() -> Option<u64> {
    None
}

/// The step in which processor time is counted: a tick of the system.
pub const STEP: Duration = Duration::from_micros(15_625);

/// Returns the number of open handles.
pub fn open_descriptors() -> Option<u64> {
    let mut count = 0;
    // SAFETY: it takes nothing, and returns a pseudo handle that is always valid.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: `process` is this process, which it may query, and `count` outlives the call.
    let status = unsafe { GetProcessHandleCount(process, &raw mut count) };
    // Wine reports zero.
    (status != 0 && count != 0).then_some(count.into())
}

/// Only memory limits the number of handles.
pub fn open_files_limit() -> Option<u64> {
    None
}

/// The resolution of timers is [`interrupt_period`].
pub fn clock_resolution() -> Option<Duration> {
    None
}

/// Returns the time between two interrupts at which Windows checks its timers.
pub fn interrupt_period() -> Option<Duration> {
    let (mut longest, mut shortest, mut now) = (0, 0, 0);
    // SAFETY: it writes three numbers, of hundreds of nanoseconds, to where they are.
    let status =
        unsafe { NtQueryTimerResolution(&raw mut longest, &raw mut shortest, &raw mut now) };
    (status == 0 && now != 0).then(|| Duration::from_nanos(100 * u64::from(now)))
}

/// Windows has no load average.
pub fn load_average() -> Option<f64> {
    None
}

/// Windows has no sysctl.
pub fn kernel_state(_name: &str) -> Option<String> {
    None
}

/// A file takes its access rights from its folder.
pub fn with_default_mode(_file: &mut tempfile::Builder) {}

/// std does not expose a file's number, so the path identifies it.
pub type FileId = PathBuf;

/// Returns the file's identity.
pub fn file_id(path: &Path, _file: &Metadata) -> FileId {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Standard output has no path on Windows.
pub fn is_standard_output(_file: &Metadata) -> bool {
    false
}

/// Never: a new file would take the access rights of its folder instead of the old file's.
pub fn can_replace(_old: &Metadata, _new: &Metadata) -> bool {
    false
}
