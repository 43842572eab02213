//! Counts the descriptors of this process.

/// Returns the number of open descriptors, or `None` where the system does not tell it.
#[cfg(not(windows))]
pub(crate) fn open_descriptors() -> Option<usize> {
    // The listing itself is one of them.
    std::fs::read_dir("/proc/self/fd")
        .ok()
        .map(|entries| entries.count() - 1)
}

/// Returns the number of open handles.
///
/// It counts them in the list of the whole system: under Wine 8 `GetProcessHandleCount` succeeds and returns 0.
#[cfg(windows)]
#[allow(clippy::unnecessary_wraps, reason = "other systems may not tell it")]
pub(crate) fn open_descriptors() -> Option<usize> {
    use windows_sys::Wdk::System::SystemInformation::NtQuerySystemInformation;

    const EXTENDED_HANDLE_INFORMATION: i32 = 64;
    // 0xC0000004.
    const INFO_LENGTH_MISMATCH: i32 = -0x3FFF_FFFC;
    // In words. The list begins with its length and a reserved word. Each entry has an address, the process, the
    // handle and 16 more bytes.
    const HEADER: usize = 2;
    const ENTRY: usize = 3 + 16 / size_of::<usize>();

    let mut words = vec![0_usize; 1 << 16];
    loop {
        let length = u32::try_from(size_of_val(&words[..])).unwrap();
        let buffer = words.as_mut_ptr().cast();
        // SAFETY: `buffer` points to `length` writable bytes. The length that it may return is not asked for.
        let status = unsafe {
            NtQuerySystemInformation(
                EXTENDED_HANDLE_INFORMATION,
                buffer,
                length,
                std::ptr::null_mut(),
            )
        };
        if status != INFO_LENGTH_MISMATCH {
            assert_eq!(status, 0, "NtQuerySystemInformation failed");
            break;
        }
        words.resize(words.len() * 2, 0);
    }
    let process = usize::try_from(std::process::id()).unwrap();
    let handles = words[HEADER..].chunks_exact(ENTRY).take(words[0]);
    Some(handles.filter(|handle| handle[1] == process).count())
}
