//! Runtimes come and go, and every descriptor that a timer of theirs had comes back.

use std::time::Duration;

use crate::alone;
use crate::support::{Watchdog, current_thread, ms, multi_thread, open_descriptors};
use tokio::time::Instant;
use tokio_osinterval::{interval, interval_at};

#[test]
fn runtimes_leave_no_descriptor_behind() {
    let _alone = alone();
    let _watchdog = Watchdog::new("runtimes_leave_no_descriptor_behind");
    // The first runtime of a process opens descriptors that it keeps, for signals.
    one_of_a_thread();
    one_of_many_threads();
    let before = open_descriptors();
    for _ in 0..RUNTIMES {
        one_of_a_thread();
    }
    assert_all_came_back(before);
    for _ in 0..300 {
        one_of_many_threads();
    }
    assert_all_came_back(before);
}

/// Under Wine a runtime takes a hundred times as long as on Linux, and where the kernel counts in
/// ticks of 10 ms one takes two.
const RUNTIMES: usize = if cfg!(kqueue_millis) {
    500
} else if cfg!(windows) {
    2_000
} else {
    10_000
};

fn assert_all_came_back(before: Option<usize>) {
    let now = open_descriptors();
    if cfg!(windows) {
        // The system's own threads come and go.
        assert!(
            now <= before.map(|before| before + 16),
            "{now:?}, {before:?} before"
        );
    } else {
        assert_eq!(now, before);
    }
}

fn one_of_a_thread() {
    current_thread().block_on(async {
        let mut interval = interval(Duration::from_micros(50));
        interval.tick().await;
        interval.tick().await;
        // In a task that is never finished, too.
        tokio::spawn(async move {
            loop {
                interval.tick().await;
            }
        });
        tokio::task::yield_now().await;
    });
}

fn one_of_many_threads() {
    multi_thread(2).block_on(async {
        tokio::spawn(async {
            let mut interval = interval(ms(1));
            loop {
                interval.tick().await;
            }
        });
        interval_at(Instant::now() + Duration::from_micros(100), ms(1))
            .tick()
            .await;
    });
}
