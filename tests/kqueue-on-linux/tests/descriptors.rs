//! A kqueue is one descriptor, and closing it leaves nothing. Alone in its process, which it counts.

#![allow(
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    reason = "types differ from system to system"
)]

mod support;

use std::fs;
use std::os::fd::AsRawFd;
use std::thread::sleep;

use support::*;

fn open() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn closing_frees_everything() {
    let before = open();
    let queues: Vec<_> = (0..50).map(|_| Queue::new()).collect();
    for queue in &queues {
        queue.set(PERIODIC, 1);
    }
    assert_eq!(open(), before + 50);
    drop(queues);
    assert_eq!(open(), before);

    // And the next of the same number knows nothing of it.
    let queue = Queue::new();
    let number = queue.0.as_raw_fd();
    queue.set(PERIODIC, 1);
    sleep(40 * MS);
    drop(queue);
    let queue = Queue::new();
    assert_eq!(queue.0.as_raw_fd(), number);
    assert!(queue.is_silent(40 * MS));
    assert_eq!(queue.outcome(delete()), errno(libc::ENOENT));
}
