//! A forked child can use timers of its own, and does not touch those of its parent.
#![cfg(all(target_os = "linux", feature = "os-native"))]

#[cfg(descriptor)]
mod inherited;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::alone;
use crate::support::fork::in_child;
use crate::support::{current_thread, us};
use tokio::time::Instant;
use tokio_osinterval::{interval, sleep, timeout};

const CHILDREN: usize = 2000;

/// A test ends after this time, with fewer children. A busy machine takes long to fork.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Other threads create and drop runtimes meanwhile. A child may be forked at any step of theirs.
#[test]
#[cfg_attr(
    kqueue,
    ignore = "the stand-in's kernel is in this process and has locks"
)]
fn child_forked_at_any_time_can_use_timers() {
    let _alone = alone();
    let stop = AtomicBool::new(false);
    let use_timers_until_stopped = || {
        while !stop.load(Ordering::Relaxed) {
            current_thread().block_on(use_timers());
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(use_timers_until_stopped);
        }
        let began = Instant::now();
        for child in (0..CHILDREN).take_while(|_| began.elapsed() < TIME_LIMIT) {
            let exit_code = in_child(|| current_thread().block_on(use_timers()));
            if exit_code != 0 {
                stop.store(true, Ordering::Relaxed);
                panic!("child {child} ended with {exit_code}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

async fn use_timers() {
    let began = Instant::now();
    let mut interval = interval(us(50));
    interval.tick().await;
    interval.tick().await;
    sleep(us(50)).await;
    timeout(us(50), std::future::pending::<()>())
        .await
        .unwrap_err();
    assert!(began.elapsed() >= us(150), "early");
}
