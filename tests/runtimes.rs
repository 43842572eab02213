//! Timers and the runtimes that they are made on, moved between, and left behind by.
#![cfg(feature = "interval")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use support::{Watchdog, current_thread, ms, multi_thread, on_every_runtime};
use tokio::time::Instant;
use tokio_osinterval::interval_at;

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn shutdown_wakes_those_who_wait() {
    let _watchdog = Watchdog::new("shutdown_wakes_those_who_wait");
    for runtime in [current_thread(), multi_thread(2)] {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        // More than one batch of the driver's.
        let intervals: Vec<_> = runtime.block_on(async {
            let start = Instant::now() + Duration::from_secs(3600);
            let wait = |_| {
                let mut interval = interval_at(start, ms(1));
                let polled = interval.poll_tick(&mut Context::from_waker(&waker));
                assert!(polled.is_pending());
                interval
            };
            (0..100).map(wait).collect()
        });
        drop(runtime);
        // tokio's own timer wakes one, that of the driver; the driver wakes the others.
        assert_eq!(count.0.load(Ordering::SeqCst), 100);
        drop(intervals);
        assert_eq!(
            Arc::strong_count(&count),
            2,
            "the wakers are gone but for `waker`"
        );
    }
}

#[test]
fn an_interval_moves_between_threads() {
    let _watchdog = Watchdog::new("an_interval_moves_between_threads");
    multi_thread(4).block_on(async {
        let start = Instant::now();
        let period = ms(1);
        let mut interval = interval_at(start, period);
        for k in 0..200 {
            // Polled on one worker, and then moved to another while it is registered.
            let (tick, back) = tokio::spawn(async move {
                assert!(
                    k == 0 || {
                        let _ = support::poll_once(&mut Box::pin(interval.tick())).await;
                        true
                    }
                );
                let other = tokio::spawn(async move { (interval.tick().await, interval) });
                other.await.unwrap()
            })
            .await
            .unwrap();
            assert!(tick >= start + period * k, "no tick is lost or given twice");
            interval = back;
        }
    });
}

#[test]
fn an_interval_is_polled_on_another_runtime() {
    let _watchdog = Watchdog::new("an_interval_is_polled_on_another_runtime");
    let home = multi_thread(1);
    let start = Instant::now();
    let mut interval = {
        let _context = home.enter();
        interval_at(start, ms(1))
    };
    // Another runtime, its own again, and an executor that knows nothing of tokio.
    let mut expected = start;
    for _ in 0..10 {
        current_thread().block_on(async {
            for _ in 0..5 {
                assert_eq!(interval.tick().await, expected);
                expected += ms(1);
            }
        });
        home.block_on(async {
            assert_eq!(interval.tick().await, expected);
            expected += ms(1);
        });
        futures::executor::block_on(async {
            for _ in 0..5 {
                assert_eq!(interval.tick().await, expected);
                expected += ms(1);
            }
        });
    }
}

#[test]
fn a_task_that_waits_can_be_stolen() {
    on_every_runtime("a_task_that_waits_can_be_stolen", || async {
        let start = Instant::now();
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                tokio::spawn(async move {
                    let mut interval = interval_at(start, ms(1));
                    for k in 0..20 {
                        assert_eq!(interval.tick().await, start + ms(1) * k);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn threads_hammer_one_driver() {
    let _watchdog = Watchdog::new("threads_hammer_one_driver");
    let runtime = multi_thread(2);
    let handle = runtime.handle();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            scope.spawn(move || {
                let _context = handle.enter();
                futures::executor::block_on(async {
                    for round in 0..300_u32 {
                        let after =
                            Duration::from_micros(u64::from((thread * 37 + round * 13) % 400));
                        let start = Instant::now() + after;
                        let mut kept = interval_at(start, ms(1));
                        let mut dropped = interval_at(start + ms(50), ms(1));
                        let _ = support::poll_once(&mut Box::pin(dropped.tick())).await;
                        let _ = support::poll_once(&mut Box::pin(kept.tick())).await;
                        if round % 3 == 0 {
                            dropped.reset_immediately();
                            dropped.tick().await;
                        }
                        drop(dropped);
                        kept.tick().await;
                        assert!(Instant::now() >= start);
                    }
                });
            });
        }
    });
}
