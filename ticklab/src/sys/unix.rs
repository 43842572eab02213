//! What Unix systems report.

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

/// Returns the context switches of this process so far, without those of the calling thread. `None` if the
/// two cannot be told apart.
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

/// This system cannot tell the calling thread's switches apart.
#[cfg(not(thread_usage))]
pub fn switches() -> Option<u64> {
    None
}

/// The step in which processor time is counted.
pub const STEP: Duration = Duration::ZERO;

/// Returns the number of open descriptors, if the system lists them.
pub fn open_descriptors() -> Option<u64> {
    // FreeBSD's and NetBSD's own /dev/fd always lists 0 to 2.
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

/// Returns the soft limit of open files and sockets: `getrlimit(2)`.
#[allow(clippy::useless_conversion, reason = "some systems have a signed type")]
pub fn open_files_limit() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    u64::try_from(soft).ok()
}

/// Returns the resolution of the monotonic clock's timers: `clock_getres(2)`. The BSDs report only that of
/// the clock.
pub fn clock_resolution() -> Option<Duration> {
    clock_getres(ClockId::CLOCK_MONOTONIC)
        .ok()
        .map(Duration::from)
}

/// Exists only on Windows.
pub fn interrupt_period() -> Option<Duration> {
    None
}

/// Returns the runnable threads, averaged over the last minute.
pub fn load_average() -> Option<f64> {
    // sysinfo returns three zeros if the load is unknown.
    let load = sysinfo::System::load_average();
    (load.one + load.five + load.fifteen > 0.0).then_some(load.one)
}

/// Returns a value of sysctl(8), on systems that have it. Linux has files instead.
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

/// Gives a temporary file that will stay the mode that the user's umask leaves, as for any other file.
pub fn with_default_mode(file: &mut tempfile::Builder) {
    file.permissions(Permissions::from_mode(0o666));
}

/// Unique among the files that exist: the device and the file's number on it.
pub type FileId = (u64, u64);

/// Returns the file's identity, independent of the path.
pub fn file_id(_path: &Path, file: &Metadata) -> FileId {
    (file.dev(), file.ino())
}

/// Returns `true` if the file is this process's standard output.
pub fn is_standard_output(file: &Metadata) -> bool {
    let output = io::stdout().as_fd().try_clone_to_owned();
    let output = output.and_then(|output| File::from(output).metadata());
    output.is_ok_and(|output| (output.dev(), output.ino()) == (file.dev(), file.ino()))
}

/// Returns `true` if a new file can replace an old one without a visible difference: it has the same owner
/// and group, and the old one has no other names.
pub fn can_replace(old: &Metadata, new: &Metadata) -> bool {
    old.nlink() == 1 && (old.uid(), old.gid()) == (new.uid(), new.gid())
}
