//! The descriptor of a `PeriodicInterval` does not block, is not inherited by a new program, and is closed
//! with its interval.
#![cfg(all(timerfd, production))]

use std::fs;

use crate::alone;
use crate::support::{current_thread, ms};
use tokio_osinterval::PeriodicInterval;

const NONBLOCK: u32 = 0o4000;
const CLOEXEC: u32 = 0o2_000_000;

/// Returns the flags of each open timerfd.
fn timer_flags() -> Vec<u32> {
    let mut flags = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        let target = fs::read_link(&path).unwrap_or_default();
        // The whole name must match: the output may go to a file with such a name.
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
fn periodic_descriptor_is_nonblocking_close_on_exec_and_closed_on_drop() {
    let _alone = alone();
    current_thread().block_on(async {
        assert_eq!(timer_flags().len(), 0);
        let intervals = [1, 2, 3].map(|n| PeriodicInterval::new(ms(n)).unwrap());
        let flags = timer_flags();
        assert_eq!(flags.len(), 3);
        for flags in flags {
            assert_eq!(flags & (NONBLOCK | CLOEXEC), NONBLOCK | CLOEXEC);
        }
        drop(intervals);
        assert_eq!(timer_flags().len(), 0);
    });
}
