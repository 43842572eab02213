//! What every Unix tells, more or less.

use std::fs;

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// Context switches of this process so far, without those of the thread that asks, where it can
/// tell them apart.
pub fn switches() -> Option<u64> {
    let of = |usage: Usage| {
        let both = usage.voluntary_context_switches() + usage.involuntary_context_switches();
        u64::try_from(both).ok()
    };
    let all = of(getrusage(UsageWho::RUSAGE_SELF).ok()?)?;
    #[cfg(thread_usage)]
    let mine = of(getrusage(UsageWho::RUSAGE_THREAD).ok()?)?;
    #[cfg(not(thread_usage))]
    let mine = 0;
    Some(all.saturating_sub(mine))
}

/// Descriptors that are open, if the system lists them.
pub fn open_descriptors() -> Option<u64> {
    // FreeBSD's and NetBSD's own /dev/fd lists 0 to 2, whatever is open.
    let list = if cfg!(timerfd) {
        "/proc/self/fd"
    } else if cfg!(target_vendor = "apple") {
        "/dev/fd"
    } else {
        return None;
    };
    let listed = fs::read_dir(list).ok()?.count();
    u64::try_from(listed).ok()
}
