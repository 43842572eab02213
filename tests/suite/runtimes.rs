//! Timers may be polled and dropped on any thread and in any runtime.

use std::sync::{Arc, Barrier};
use std::task::Poll;

use crate::support::{
    CountingWaker, HOUR, Watchdog, current_thread, ms, multi_thread, on_every_runtime, poll_once,
    poll_tick, us, yield_until,
};
use futures::executor::block_on;
use tokio::time::Instant;
use tokio_osinterval::interval_at;

/// Each worker creates timers. Some wait on, some are dropped and some are polled again on another thread.
#[test]
fn timers_of_all_workers_fire() {
    const WORKERS: usize = 4;
    let _watchdog = Watchdog::new();
    let runtime = multi_thread(WORKERS);
    for _ in 0..20 {
        let barrier = Arc::new(Barrier::new(WORKERS));
        let create = || {
            let barrier = Arc::clone(&barrier);
            runtime.spawn(async move {
                // Each task keeps its worker until the others have one.
                barrier.wait();
                let waiting = (0..60).map(|n| {
                    let waker = CountingWaker::new();
                    let mut interval = interval_at(Instant::now() + ms(n % 6), ms(1));
                    let polled = poll_tick(&mut interval, &waker);
                    polled.is_pending().then_some((interval, waker))
                });
                waiting.flatten().collect::<Vec<_>>()
            })
        };
        let tasks: Vec<_> = (0..WORKERS).map(|_| create()).collect();
        runtime.block_on(async {
            let mut waiting = Vec::new();
            for task in tasks {
                for (n, (mut interval, waker)) in task.await.unwrap().into_iter().enumerate() {
                    match n % 3 {
                        0 => waiting.push((interval, waker)),
                        1 => drop(interval),
                        _ => {
                            let waker = CountingWaker::new();
                            if poll_tick(&mut interval, &waker).is_pending() {
                                waiting.push((interval, waker));
                            }
                        }
                    }
                }
            }
            for (interval, waker) in &mut waiting {
                yield_until(|| waker.wakes() > 0).await;
                interval.tick().await;
            }
        });
    }
}

#[test]
fn interval_may_move_between_threads() {
    let _watchdog = Watchdog::new();
    multi_thread(4).block_on(async {
        let start = Instant::now();
        let mut expected = start;
        let mut interval = interval_at(start, ms(1));
        for _ in 0..200 {
            // One worker polls the interval, and another one awaits its tick.
            let (ticks, back) = tokio::spawn(async move {
                let mut ticks = Vec::new();
                if let Poll::Ready(tick) = poll_once(interval.tick()).await {
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
                assert_eq!(tick, expected, "a tick is lost or delivered twice");
                expected += ms(1);
            }
            interval = back;
        }
    });
}

#[test]
fn interval_may_be_polled_outside_its_runtime() {
    let _watchdog = Watchdog::new();
    let home = multi_thread(1);
    let start = Instant::now();
    let mut interval = {
        let _context = home.enter();
        interval_at(start, ms(1))
    };
    let mut expected = start;
    let mut check = async |ticks| {
        for _ in 0..ticks {
            assert_eq!(interval.tick().await, expected);
            expected += ms(1);
        }
    };
    for _ in 0..10 {
        current_thread().block_on(check(5));
        home.block_on(check(1));
        // An executor that knows nothing of tokio.
        block_on(check(5));
    }
}

#[test]
fn tasks_on_many_threads_receive_every_tick() {
    on_every_runtime(async || {
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
fn threads_share_a_driver_under_load() {
    let _watchdog = Watchdog::new();
    let runtime = multi_thread(2);
    let handle = runtime.handle();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let _context = handle.enter();
                block_on(async {
                    for round in 0..300 {
                        let start = Instant::now() + us((thread * 37 + round * 13) % 400);
                        let mut kept = interval_at(start, ms(1));
                        let mut dropped = interval_at(start + ms(50), ms(1));
                        let _ = poll_once(dropped.tick()).await;
                        let _ = poll_once(kept.tick()).await;
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

/// What a thread keeps in its thread-local variables may be dropped after tokio's own.
#[test]
fn thread_locals_may_hold_timers_and_runtimes() {
    use std::cell::RefCell;
    use std::rc::Rc;

    thread_local! {
        static KEPT: RefCell<Vec<Rc<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
    }
    let _watchdog = Watchdog::new();
    let runtime = multi_thread(1);
    let handle = runtime.handle().clone();
    let other = runtime.spawn(async {
        let mut interval = interval_at(Instant::now(), ms(1));
        for _ in 0..100 {
            interval.tick().await;
        }
    });
    std::thread::spawn(move || {
        // It is created before tokio's thread-locals, and so dropped after them.
        KEPT.with_borrow(|_| ());
        let mut interval = {
            let _context = handle.enter();
            interval_at(Instant::now() + us(100), ms(1))
        };
        let own = current_thread();
        own.block_on(async {
            let _ = poll_once(interval.tick()).await;
            let mut never = interval_at(Instant::now() + HOUR, ms(1));
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
    runtime.block_on(other).unwrap();
}
