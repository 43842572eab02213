//! What Windows tells.
#![allow(unsafe_code, reason = "Windows' functions have no safe form")]

use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessHandleCount};

/// Windows does not count them for a process that asks.
pub fn switches() -> Option<u64> {
    None
}

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
