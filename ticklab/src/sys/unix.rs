//! What every Unix tells, more or less.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
#[cfg(thread_usage)]
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::time::{ClockId, clock_getres};

/// Context switches of this process so far, without those of the thread that asks, if they can be told
/// apart.
#[cfg(thread_usage)]
pub fn switches() -> Option<u64> {
    let of = |usage: Usage| {
        let both = usage.voluntary_context_switches() + usage.involuntary_context_switches();
        u64::try_from(both).ok()
    };
    let all = of(getrusage(UsageWho::RUSAGE_SELF).ok()?)?;
    let mine = of(getrusage(UsageWho::RUSAGE_THREAD).ok()?)?;
    Some(all.saturating_sub(mine))
}

/// As above: they cannot.
#[cfg(not(thread_usage))]
pub fn switches() -> Option<u64> {
    None
}

/// In which processor time is counted.
pub const STEP: Duration = Duration::ZERO;

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

/// Files and sockets that this process may have open: `getrlimit(2)`, the soft limit.
#[allow(clippy::useless_conversion, reason = "some systems have a signed type")]
pub fn open_files_limit() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    u64::try_from(soft).ok()
}

/// Of the monotonic clock's timers: `clock_getres(2)`. The BSDs tell that of the clock alone.
pub fn clock_resolution() -> Option<Duration> {
    clock_getres(ClockId::CLOCK_MONOTONIC)
        .ok()
        .map(Duration::from)
}

/// Windows' matter.
pub fn interrupt_period() -> Option<Duration> {
    None
}

/// Runnable threads, over the last minute.
pub fn load_average() -> Option<f64> {
    // Three times nothing is what it says where it cannot be told.
    let load = sysinfo::System::load_average();
    (load.one + load.five + load.fifteen > 0.0).then_some(load.one)
}

/// What sysctl(8) says, where the kernel has that: Linux tells it in files.
pub fn kernel_state(name: &str) -> Option<String> {
    if cfg!(timerfd) {
        return None;
    }
    let output = Command::new("/sbin/sysctl")
        .args(["-n", name])
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let said = said.trim();
    (output.status.success() && !said.is_empty()).then(|| said.to_owned())
}

/// A temporary file that becomes one to stay has what the user's umask leaves, as any other.
pub fn as_any_other(file: &mut tempfile::Builder) {
    file.permissions(Permissions::from_mode(0o666));
}

/// What no other file has that is there at the same time: its device and its number there.
pub type FileId = (u64, u64);

/// By whatever path it was found.
pub fn file_id(_path: &Path, file: &Metadata) -> FileId {
    (file.dev(), file.ino())
}

/// Whether it is what this process's standard output leads to.
pub fn is_standard_output(file: &Metadata) -> bool {
    let output = io::stdout().as_fd().try_clone_to_owned();
    let output = output.and_then(|output| File::from(output).metadata());
    output.is_ok_and(|output| (output.dev(), output.ino()) == (file.dev(), file.ino()))
}

/// Whether a new file can take an old one's place, and nobody sees the difference: it has the same owner
/// and group, and the old one has no other names.
pub fn can_replace(old: &Metadata, new: &Metadata) -> bool {
    old.nlink() == 1 && (old.uid(), old.gid()) == (new.uid(), new.gid())
}
