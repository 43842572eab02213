//! Processes that are forked off: they leave what is their parent's alone, and have timers of their own.
#![cfg(all(target_os = "linux", feature = "os-native"))]

#[cfg(descriptor)]
mod inherited;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::alone;
use crate::support::fork::in_child;
use crate::support::{Watchdog, current_thread, us};
use tokio::time::Instant;
use tokio_osinterval::{interval, sleep, timeout};

const CHILDREN: usize = 2000;

/// On a machine with much else to do a test ends after that, with fewer.
const ENOUGH: Duration = Duration::from_secs(60);

/// Of what a timer needs nothing is left as another thread had it when the child was forked off.
#[test]
#[cfg_attr(
    kqueue,
    ignore = "the stand-in for a kernel is in this process, and has locks"
)]
fn a_child_has_timers_whatever_its_parent_was_at() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_child_has_timers_whatever_its_parent_was_at");
    let stop = AtomicBool::new(false);
    let beside = || {
        while !stop.load(Ordering::Relaxed) {
            current_thread().block_on(timers());
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(beside);
        }
        let began = Instant::now();
        for child in (0..CHILDREN).take_while(|_| began.elapsed() < ENOUGH) {
            let ended = in_child(|| current_thread().block_on(timers()));
            if ended != 0 {
                stop.store(true, Ordering::Relaxed);
                panic!("child {child} ended with {ended}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

async fn timers() {
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
