//! A kqueue is one descriptor, and closing it leaves nothing behind. Runs in a process of its own, since it counts the
//! descriptors of the process.

#![allow(
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    reason = "types differ between systems"
)]

mod support;

use std::fs;
use std::os::fd::AsRawFd;
use std::thread::sleep;

use support::*;

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn close_frees_everything() {
    let before = open_descriptors();
    let queues: Vec<_> = (0..50).map(|_| Queue::new()).collect();
    for queue in &queues {
        queue.set(PERIODIC, 1);
    }
    assert_eq!(open_descriptors(), before + 50);
    drop(queues);
    assert_eq!(open_descriptors(), before);

    // The next kqueue with the same number does not inherit its state.
    let queue = Queue::new();
    let number = queue.0.as_raw_fd();
    queue.set(PERIODIC, 1);
    sleep(40 * MS);
    drop(queue);
    let queue = Queue::new();
    assert_eq!(queue.0.as_raw_fd(), number);
    assert!(queue.has_no_event(40 * MS));
    assert_eq!(queue.make(delete()), errno(libc::ENOENT));
}
