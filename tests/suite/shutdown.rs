//! A wait ends when its runtime shuts down, and a timer that outlives its runtime says so.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use crate::support::{
    CallbackWaker, CountingWaker, HOUR, SHUT_DOWN, Watchdog, assert_panics_here, current_thread,
    ms, multi_thread, panic_message, panic_message_here, poll_tick, start_waiting, us,
};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, PeriodicInterval, interval, interval_at, sleep};

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn shutdown_wakes_all_waiting_tasks() {
    let _watchdog = Watchdog::new();
    for runtime in [current_thread(), multi_thread(2)] {
        let waker = CountingWaker::new();
        // More than the driver wakes in one batch.
        let intervals: Vec<_> = runtime.block_on(async {
            let start = Instant::now() + HOUR;
            let wait = |_| {
                let mut interval = interval_at(start, ms(1));
                start_waiting(&mut interval, &waker);
                interval
            };
            (0..100).map(wait).collect()
        });
        drop(runtime);
        // tokio wakes only the driver, and the driver wakes the tasks.
        assert_eq!(waker.wakes(), 100);
        drop(intervals);
        assert_eq!(waker.clones(), 0);
    }
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn wait_after_shutdown_panics_at_the_caller() {
    let _watchdog = Watchdog::new();
    for runtime in [current_thread(), multi_thread(2)] {
        let (mut used, mut unused) = runtime.block_on(async {
            let mut used = interval(ms(5));
            used.tick().await;
            used.tick().await;
            (used, interval_at(Instant::now() + HOUR, ms(1)))
        });
        drop(runtime);
        for interval in [&mut used, &mut unused] {
            interval.reset_after(HOUR);
            assert_panics_here(SHUT_DOWN, || start_waiting(interval, Waker::noop()));
        }
        // A deadline that has passed needs no runtime.
        used.reset_at(Instant::now());
        assert!(poll_tick(&mut used, Waker::noop()).is_ready());
    }
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn interval_created_after_shutdown_is_refused() {
    let _watchdog = Watchdog::new();
    for had_timers in [false, true] {
        let runtime = current_thread();
        let handle = runtime.handle().clone();
        let _context = handle.enter();
        // It outlives the runtime, and so does the driver.
        let mut kept = had_timers.then(|| interval_at(Instant::now() + HOUR, ms(1)));
        if let Some(kept) = &mut kept {
            start_waiting(kept, Waker::noop());
        }
        drop(runtime);
        let start = Instant::now() + HOUR;
        // The kernel's timer cannot be registered. tokio's timer fails at its first wait.
        match OsInterval::builder(ms(1)).start(start).build() {
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("shutdown"), "{error}");
                assert_eq!(panic_message_here(|| drop(interval(ms(1)))), error);
            }
            Ok(_) if cfg!(descriptor) => panic!("it was registered"),
            Ok(mut interval) => {
                assert_panics_here("shutdown", || start_waiting(&mut interval, Waker::noop()));
            }
        }
    }
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn periodic_tick_after_shutdown_is_an_error() {
    let _watchdog = Watchdog::new();
    // One is not due, the other is.
    for period in [HOUR, ms(1)] {
        let runtime = current_thread();
        let mut interval = runtime.block_on(async { PeriodicInterval::new(period).unwrap() });
        drop(runtime);
        std::thread::sleep(ms(5));
        for _ in 0..3 {
            let error = futures::executor::block_on(interval.tick()).unwrap_err();
            assert!(error.to_string().contains("shutdown"), "{error}");
        }
    }
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn sleep_that_outlives_its_runtime_panics() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let mut sleeping = pin!({
        let _context = runtime.enter();
        sleep(HOUR)
    });
    drop(runtime);
    let message = panic_message(|| {
        let _polled = sleeping
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    });
    assert_eq!(message, SHUT_DOWN);
}

#[cfg(feature = "delay-queue")]
#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn delay_queue_that_outlives_its_runtime_panics() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let mut queue = tokio_osinterval::time::DelayQueue::new();
    {
        let _context = runtime.enter();
        queue.insert((), HOUR);
    }
    drop(runtime);
    let message = panic_message(|| {
        let _polled = queue.poll_expired(&mut Context::from_waker(Waker::noop()));
    });
    assert_eq!(message, SHUT_DOWN);
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn waker_woken_by_shutdown_may_drop_a_timer() {
    let _watchdog = Watchdog::new();
    for callback_waker in [
        CallbackWaker::on_wake as fn(Box<dyn FnOnce() + Send>) -> Waker,
        CallbackWaker::on_drop,
    ] {
        let runtime = current_thread();
        let was_dropped = Arc::new(AtomicBool::new(false));
        let mut outer = runtime.block_on(async {
            let mut inner = interval_at(Instant::now() + HOUR, HOUR);
            start_waiting(&mut inner, Waker::noop());
            let flag = Arc::clone(&was_dropped);
            let waker = callback_waker(Box::new(move || {
                drop(inner);
                flag.store(true, Ordering::SeqCst);
            }));
            let mut outer = interval_at(Instant::now() + HOUR, HOUR);
            start_waiting(&mut outer, &waker);
            outer
        });
        drop(runtime);
        assert!(was_dropped.load(Ordering::SeqCst));
        outer.reset_immediately();
        assert!(poll_tick(&mut outer, Waker::noop()).is_ready());
    }
}

/// Threads wait and reset while the runtime of their timers shuts down. Each thread ends with tokio's panic.
#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn shutdown_ends_waits_that_race_with_it() {
    let _watchdog = Watchdog::new();
    for round in 0..200_u64 {
        let runtime = multi_thread(1);
        let waiting: Vec<_> = (0..2)
            .map(|thread| {
                let mut interval = {
                    let _context = runtime.enter();
                    interval_at(Instant::now(), ms(1))
                };
                std::thread::spawn(move || {
                    panic_message(|| {
                        futures::executor::block_on(async {
                            loop {
                                // A tick that is due at once would never have to wait.
                                interval.reset_after(us(20 + (round * 7 + thread * 13) % 40));
                                interval.tick().await;
                            }
                        });
                    })
                })
            })
            .collect();
        std::thread::sleep(us(round % 10 * 100));
        drop(runtime);
        for thread in waiting {
            let message = thread.join().unwrap();
            assert!(message.contains("being shutdown"), "{message}");
        }
    }
}
