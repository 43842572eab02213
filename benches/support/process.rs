//! What the operating system tells about this process: `None` where it does not tell.

use std::time::Duration;

/// Returns the number of open descriptors.
pub(crate) fn descriptors() -> Option<usize> {
    // The listing itself is one of them.
    let listed = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(listed - 1)
}

/// Returns the limit for open descriptors.
#[cfg(unix)]
pub(crate) fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
pub(crate) fn descriptor_limit() -> Option<u64> {
    None
}

/// Returns the resident memory in KiB.
pub(crate) fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Returns the processor time of this process.
#[cfg(all(unix, not(target_os = "netbsd")))]
pub(crate) fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.try_into().ok()
}

#[cfg(not(all(unix, not(target_os = "netbsd"))))]
pub(crate) fn processor_time() -> Option<Duration> {
    None
}
