//! What the operating system tells of this process. What it does not tell is absent.

use std::time::Duration;

/// How many descriptors are open.
pub(crate) fn descriptors() -> Option<usize> {
    // One of them is the listing itself.
    let listed = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(listed - 1)
}

/// How many may be.
#[cfg(unix)]
pub(crate) fn most_descriptors() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
pub(crate) fn most_descriptors() -> Option<u64> {
    None
}

/// Resident memory, in KiB.
pub(crate) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The processor time that it has taken.
#[cfg(all(unix, not(target_os = "netbsd")))]
pub(crate) fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.try_into().ok()
}

#[cfg(not(all(unix, not(target_os = "netbsd"))))]
pub(crate) fn processor_time() -> Option<Duration> {
    None
}
