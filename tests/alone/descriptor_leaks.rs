//! A runtime leaves no descriptor of its timers open.

use crate::alone;
use crate::support::{current_thread, ms, multi_thread, open_descriptors, us};
use tokio::time::Instant;
use tokio_osinterval::{interval, interval_at};

/// Under Wine a runtime takes a hundred times as long as on Linux. Where the kernel counts in ticks of 10 ms,
/// it takes two of them.
const RUNTIMES: usize = if cfg!(kqueue_millis) {
    500
} else if cfg!(windows) {
    2_000
} else {
    10_000
};

#[test]
fn runtimes_leave_no_descriptor_open() {
    let _alone = alone();
    // The first runtime of a process opens descriptors for signals, and keeps them.
    run_current_thread();
    run_multi_thread();
    let before = open_descriptors();
    for _ in 0..RUNTIMES {
        run_current_thread();
    }
    assert_none_left(before);
    for _ in 0..300 {
        run_multi_thread();
    }
    assert_none_left(before);
}

fn assert_none_left(before: Option<usize>) {
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

fn run_current_thread() {
    current_thread().block_on(async {
        let mut interval = interval(us(50));
        interval.tick().await;
        interval.tick().await;
        // The runtime drops this task while it waits.
        tokio::spawn(async move {
            loop {
                interval.tick().await;
            }
        });
        tokio::task::yield_now().await;
    });
}

fn run_multi_thread() {
    multi_thread(2).block_on(async {
        tokio::spawn(async {
            let mut interval = interval(ms(1));
            loop {
                interval.tick().await;
            }
        });
        interval_at(Instant::now() + us(100), ms(1)).tick().await;
    });
}
