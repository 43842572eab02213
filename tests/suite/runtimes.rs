//! Timers and the runtimes that they are made on, moved between, and left behind by.

use std::sync::{Arc, Barrier};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::support::{Count, Watchdog, current_thread, ms, multi_thread, on_every_runtime};
use tokio::time::Instant;
use tokio_osinterval::interval_at;

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
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
        assert_eq!(count.get(), 100);
        drop(intervals);
        assert_eq!(
            Arc::strong_count(&count),
            2,
            "the wakers are gone but for `waker`"
        );
    }
}

/// Those that each worker has made, wherever they are polled again and dropped.
#[test]
fn timers_of_all_workers_are_fired() {
    const WORKERS: usize = 4;
    let _watchdog = Watchdog::new("timers_of_all_workers_are_fired");
    let runtime = multi_thread(WORKERS);
    for _ in 0..20 {
        let all_are_here = Arc::new(Barrier::new(WORKERS));
        let make = || {
            let all_are_here = Arc::clone(&all_are_here);
            runtime.spawn(async move {
                // Each keeps a worker until the others have one.
                all_are_here.wait();
                let counts = (0..60).map(|n| {
                    let count = Arc::new(Count::default());
                    let waker = Waker::from(Arc::clone(&count));
                    let mut interval = interval_at(Instant::now() + ms(n % 6), ms(1));
                    let polled = interval.poll_tick(&mut Context::from_waker(&waker));
                    polled.is_pending().then_some((interval, count))
                });
                counts.flatten().collect::<Vec<_>>()
            })
        };
        let tasks: Vec<_> = (0..WORKERS).map(|_| make()).collect();
        runtime.block_on(async {
            let mut waiting = Vec::new();
            for task in tasks {
                for (n, (mut interval, count)) in task.await.unwrap().into_iter().enumerate() {
                    match n % 3 {
                        // It waits on as it is.
                        0 => waiting.push((interval, count)),
                        // It is dropped here.
                        1 => drop(interval),
                        _ => {
                            let another = Arc::new(Count::default());
                            let waker = Waker::from(Arc::clone(&another));
                            let polled = interval.poll_tick(&mut Context::from_waker(&waker));
                            if polled.is_pending() {
                                waiting.push((interval, another));
                            }
                        }
                    }
                }
            }
            for (interval, count) in &mut waiting {
                while count.get() == 0 {
                    tokio::task::yield_now().await;
                }
                interval.tick().await;
            }
        });
    }
}

#[test]
fn an_interval_moves_between_threads() {
    let _watchdog = Watchdog::new("an_interval_moves_between_threads");
    multi_thread(4).block_on(async {
        let start = Instant::now();
        let mut expected = start;
        let mut interval = interval_at(start, ms(1));
        for _ in 0..200 {
            // Polled on one worker, and then moved to another, registered or not.
            let (ticks, back) = tokio::spawn(async move {
                let mut ticks = Vec::new();
                let polled = crate::support::poll_once(&mut Box::pin(interval.tick())).await;
                if let std::task::Poll::Ready(tick) = polled {
                    ticks.push(tick);
                }
                let other = tokio::spawn(async move {
                    ticks.push(interval.tick().await);
                    (ticks, interval)
                });
                other.await.unwrap()
            })
            .await
            .unwrap();
            for tick in ticks {
                assert_eq!(tick, expected, "no tick is lost or given twice");
                expected += ms(1);
            }
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
fn tasks_on_many_threads_get_their_ticks() {
    on_every_runtime("tasks_on_many_threads_get_their_ticks", || async {
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
                        let _ = crate::support::poll_once(&mut Box::pin(dropped.tick())).await;
                        let _ = crate::support::poll_once(&mut Box::pin(kept.tick())).await;
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

/// A thread that is none of the runtime's sets its timer again and again, just as it fires.
#[test]
fn a_reset_races_with_the_expiry() {
    let _watchdog = Watchdog::new("a_reset_races_with_the_expiry");
    let runtime = multi_thread(2);
    let ticks = runtime.spawn(async {
        let mut interval = interval_at(Instant::now(), ms(1));
        loop {
            interval.tick().await;
        }
    });
    let _context = runtime.enter();
    let mut interval = interval_at(Instant::now(), ms(1));
    let mut cx = Context::from_waker(Waker::noop());
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        interval.reset_after(Duration::from_micros(1));
        let _ = interval.poll_tick(&mut cx);
    }
    ticks.abort();
    // And nobody has lost anything.
    runtime.block_on(async {
        interval.reset();
        interval.tick().await;
    });
}

/// Threads wait and reset while the runtime of their timers shuts down: each ends, with tokio's
/// panic.
#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn a_wait_races_with_shutdown() {
    let _watchdog = Watchdog::new("a_wait_races_with_shutdown");
    for round in 0..200_u64 {
        let runtime = multi_thread(1);
        let waiting: Vec<_> = (0..2)
            .map(|thread| {
                let mut interval = {
                    let _context = runtime.enter();
                    interval_at(Instant::now(), ms(1))
                };
                std::thread::spawn(move || {
                    crate::support::panic_of(|| {
                        futures::executor::block_on(async {
                            loop {
                                // Never due at once: then it would never have to wait.
                                let after = 20 + (round * 7 + thread * 13) % 40;
                                interval.reset_after(Duration::from_micros(after));
                                interval.tick().await;
                            }
                        });
                    })
                })
            })
            .collect();
        std::thread::sleep(Duration::from_micros(round % 10 * 100));
        drop(runtime);
        for thread in waiting {
            let (message, _) = thread.join().unwrap().expect("it only ends by a panic");
            assert!(message.contains("being shutdown"), "{message}");
        }
    }
}

/// What a thread leaves in its thread-local variables is dropped when tokio's own are gone already.
#[test]
fn thread_locals_may_hold_timers_and_runtimes() {
    use std::cell::RefCell;
    use std::rc::Rc;

    thread_local! {
        static KEPT: RefCell<Vec<Rc<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
    }
    let _watchdog = Watchdog::new("thread_locals_may_hold_timers_and_runtimes");
    let runtime = multi_thread(1);
    let handle = runtime.handle().clone();
    let beside = runtime.spawn(async {
        let mut interval = interval_at(Instant::now(), ms(1));
        for _ in 0..100 {
            interval.tick().await;
        }
    });
    std::thread::spawn(move || {
        // Made before tokio's, so that it goes after.
        KEPT.with_borrow(|_| ());
        let mut interval = {
            let _context = handle.enter();
            interval_at(Instant::now() + Duration::from_micros(100), ms(1))
        };
        let own = current_thread();
        own.block_on(async {
            let _ = crate::support::poll_once(&mut Box::pin(interval.tick())).await;
            let mut never = interval_at(Instant::now() + Duration::from_secs(3600), ms(1));
            tokio::spawn(async move { never.tick().await });
            tokio::task::yield_now().await;
        });
        KEPT.with_borrow_mut(|kept| {
            kept.push(Rc::new(interval));
            kept.push(Rc::new(own));
        });
    })
    .join()
    .unwrap();
    runtime.block_on(beside).unwrap();
}
