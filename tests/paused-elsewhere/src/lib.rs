//! Pauses the runtime's clock while the library's `test-util` is off. The library follows the clock as far as it can,
//! and panics with a helpful message where it cannot.
#![cfg(test)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::{self, Instant};
use tokio_osinterval::{OsInterval, Sleep, interval, sleep, timeout};

const HOUR: Duration = Duration::from_secs(3600);

fn runtime(paused: bool) -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(paused).build().unwrap()
}

/// Runs `test`. Fails if it hangs.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel();
    let test = thread::spawn(move || {
        test();
        sender.send(()).unwrap();
    });
    let ended = receiver.recv_timeout(Duration::from_secs(60));
    assert!(ended.is_ok() || test.is_finished(), "the test hangs");
    test.join().unwrap();
}

fn poll(sleep: Pin<&mut Sleep>) -> Poll<()> {
    sleep.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn timers_follow_a_clock_that_starts_paused() {
    within_a_minute(|| {
        let real = std::time::Instant::now();
        runtime(true).block_on(async {
            let start = Instant::now();
            sleep(HOUR).await;
            assert_eq!(start.elapsed().as_secs(), 3600);
            timeout(HOUR, std::future::pending::<()>())
                .await
                .unwrap_err();
            let mut ticks = interval(HOUR);
            for tick in 0..3 {
                let deadline = ticks.tick().await;
                assert_eq!((deadline - start).as_secs(), 3600 * (2 + tick));
            }
            let mut built = OsInterval::builder(HOUR).build().unwrap();
            built.tick().await;
            built.tick().await;
        });
        assert!(real.elapsed() < HOUR);
    });
}

#[test]
fn timers_follow_a_clock_that_is_paused_before_they_wait() {
    within_a_minute(|| {
        runtime(false).block_on(async {
            // Served by the kernel's timer.
            sleep(Duration::from_millis(1)).await;
            time::pause();
            let start = Instant::now();
            sleep(HOUR).await;
            assert!(start.elapsed() >= HOUR, "early");
            time::resume();
            // The clock runs again, an hour ahead.
            let start = Instant::now();
            sleep(Duration::from_millis(1)).await;
            assert!(start.elapsed() >= Duration::from_millis(1), "early");
        });
    });
}

#[test]
fn timers_follow_a_clock_that_is_advanced() {
    within_a_minute(|| {
        runtime(true).block_on(async {
            let mut sleep = pin!(sleep(HOUR));
            assert!(poll(sleep.as_mut()).is_pending());
            time::advance(HOUR / 2).await;
            assert!(poll(sleep.as_mut()).is_pending(), "early");
            time::advance(HOUR / 2 + Duration::from_millis(1)).await;
            sleep.await;
        });
    });
}

#[test]
fn paused_clock_does_not_jump_to_a_dropped_timer() {
    within_a_minute(|| {
        runtime(true).block_on(async {
            let start = Instant::now();
            timeout(HOUR, yield_now()).await.unwrap();
            let (sender, receiver) = tokio::sync::oneshot::channel();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                sender.send(()).unwrap();
            });
            receiver.await.unwrap();
            assert_eq!(start.elapsed(), Duration::ZERO);
        });
    });
}

/// The clock does not jump to the timeout, and its alarm causes no panic.
#[test]
fn timer_dropped_before_the_pause_has_no_effect() {
    within_a_minute(|| {
        runtime(false).block_on(async {
            timeout(Duration::from_secs(3), sleep(Duration::from_millis(1)))
                .await
                .unwrap();
            time::pause();
            let (real, start) = (std::time::Instant::now(), Instant::now());
            sleep(HOUR).await;
            assert!(start.elapsed() >= HOUR, "early");
            assert!(real.elapsed() < HOUR);
        });
    });
}

/// The polling thread is in no runtime.
#[test]
fn timer_follows_the_clock_of_its_own_runtime() {
    within_a_minute(|| {
        let runtime = runtime(true);
        let context = runtime.enter();
        let mut sleep = Box::pin(sleep(Duration::from_millis(20)));
        drop(context);
        thread::sleep(Duration::from_millis(40));
        assert!(poll(sleep.as_mut()).is_pending(), "early");
        runtime.block_on(sleep);
    });
}

#[test]
fn alarm_armed_before_the_pause_panics_and_names_the_feature() {
    within_a_minute(|| {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            runtime(false).block_on(async {
                let task = tokio::spawn(sleep(Duration::from_millis(50)));
                yield_now().await;
                time::pause();
                // No timer is created, polled or dropped from here on.
                task.await
                    .unwrap_or_else(|error| resume_unwind(error.into_panic()));
            });
        }));
        let panic = panic.expect_err("the timer followed the clock");
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("`test-util`"), "{message}");
    });
}

/// The kernel's timer serves while the clock runs, even though tokio could pause it.
#[test]
fn timers_are_precise_while_the_clock_runs() {
    within_a_minute(|| {
        runtime(false).block_on(async {
            let mut ours = Duration::MAX;
            let mut ticks = interval(Duration::from_micros(300));
            for _ in 0..2000 {
                ours = ours.min(ticks.tick().await.elapsed());
            }
            // tokio's timers fire in whole milliseconds, and are late by as much.
            let mut tokios = Duration::MAX;
            for _ in 0..50 {
                let deadline = Instant::now() + Duration::from_micros(300);
                time::sleep_until(deadline).await;
                tokios = tokios.min(deadline.elapsed());
            }
            assert!(ours < tokios, "{ours:?} against {tokios:?}");
        });
    });
}
