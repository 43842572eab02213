//! What Windows tells.
#![allow(unsafe_code, reason = "Windows' functions have no safe form")]

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use windows_sys::Wdk::System::SystemInformation::NtQueryTimerResolution;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessHandleCount};

/// By Ctrl-C, as a shell on Unix has it.
const INTERRUPTED: u8 = 130;

/// From now on `came` is called for each Ctrl-C, with an exit code.
pub fn watch_signals(came: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || came(INTERRUPTED)).map_err(io::Error::other)
}

/// Nothing blocks them.
#[allow(clippy::unnecessary_wraps, reason = "as on Unix")]
pub fn unblock_signals() -> io::Result<()> {
    Ok(())
}

/// Windows does not count them for a process that asks.
pub fn switches() -> Option<u64> {
    None
}

/// In which processor time is counted: a tick of the system's.
pub const STEP: Duration = Duration::from_micros(15_625);

/// Handles that are open.
pub fn open_descriptors() -> Option<u64> {
    let mut count = 0;
    // SAFETY: it takes nothing, and returns a pseudo handle that is always valid.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: `process` is this process, which it may query, and `count` outlives the call.
    let told = unsafe { GetProcessHandleCount(process, &raw mut count) };
    // Wine says that there is none.
    (told != 0 && count != 0).then_some(count.into())
}

/// Handles are limited by memory alone.
pub fn open_files_limit() -> Option<u64> {
    None
}

/// What a clock's timers have is [`interrupt_period`].
pub fn clock_resolution() -> Option<Duration> {
    None
}

/// Between two interrupts at which timers are looked at.
pub fn interrupt_period() -> Option<Duration> {
    let (mut longest, mut shortest, mut now) = (0, 0, 0);
    // SAFETY: it writes three numbers, of hundreds of nanoseconds, to where they are.
    let status =
        unsafe { NtQueryTimerResolution(&raw mut longest, &raw mut shortest, &raw mut now) };
    (status == 0 && now != 0).then(|| Duration::from_nanos(100 * u64::from(now)))
}

/// Windows has no such number.
pub fn load_average() -> Option<f64> {
    None
}

/// Nor this.
pub fn kernel_state(_name: &str) -> Option<String> {
    None
}

/// A file has what its folder says.
pub fn as_any_other(_file: &mut tempfile::Builder) {}

/// std does not tell the number of a file: its path has to do.
pub type FileId = PathBuf;

/// By whatever path it was found.
pub fn file_id(path: &Path, _file: &Metadata) -> FileId {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Standard output has no path here.
pub fn is_standard_output(_file: &Metadata) -> bool {
    false
}

/// Never: a new file would have the access rights of its folder, and not those of the old one.
pub fn can_replace(_old: &Metadata, _new: &Metadata) -> bool {
    false
}
