//! The descriptor of a `PeriodicInterval` is not for child processes, never blocks, and is closed
//! with it.
#![cfg(all(timerfd, not(feature = "test-util")))]

use std::fs;

use crate::alone;
use crate::support::{current_thread, ms};
use tokio_osinterval::PeriodicInterval;

const NONBLOCK: u32 = 0o4000;
const CLOEXEC: u32 = 0o2_000_000;

/// The flags of each timer that this process has open.
fn timers() -> Vec<u32> {
    let mut flags = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        let target = fs::read_link(&path).unwrap_or_default();
        // And no file that is only named so, as where the output goes may be.
        if target.as_os_str() == "anon_inode:[timerfd]" {
            let fd = path.file_name().unwrap().to_str().unwrap();
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
            let octal = info.lines().find_map(|line| line.strip_prefix("flags:"));
            flags.push(u32::from_str_radix(octal.unwrap().trim(), 8).unwrap());
        }
    }
    flags
}

#[test]
fn the_descriptor_is_private_and_closed_on_drop() {
    let _alone = alone();
    current_thread().block_on(async {
        assert_eq!(timers().len(), 0);
        let intervals = [1, 2, 3].map(|n| PeriodicInterval::new(ms(n)).unwrap());
        let flags = timers();
        assert_eq!(flags.len(), 3);
        for flags in flags {
            assert_eq!(flags & (NONBLOCK | CLOEXEC), NONBLOCK | CLOEXEC);
        }
        drop(intervals);
        assert_eq!(timers().len(), 0);
    });
}
