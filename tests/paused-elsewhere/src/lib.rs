//! The runtime's clock is paused, and the library was not built to follow it: it does as far as it can, and
//! where it cannot it says so.
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

/// Runs `test`; that it hangs is a failure.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (ended, end) = channel();
    let test = thread::spawn(move || {
        test();
        ended.send(()).unwrap();
    });
    let end = end.recv_timeout(Duration::from_secs(60));
    assert!(end.is_ok() || test.is_finished(), "it hangs");
    test.join().unwrap();
}

fn poll(sleep: Pin<&mut Sleep>) -> Poll<()> {
    sleep.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_clock_that_starts_paused_is_followed() {
    within_a_minute(|| {
        let real = std::time::Instant::now();
        runtime(true).block_on(async {
            let began = Instant::now();
            sleep(HOUR).await;
            assert_eq!(began.elapsed().as_secs(), 3600);
            timeout(HOUR, std::future::pending::<()>())
                .await
                .unwrap_err();
            let mut ticks = interval(HOUR);
            for tick in 0..3 {
                let deadline = ticks.tick().await;
                assert_eq!((deadline - began).as_secs(), 3600 * (2 + tick));
            }
            let mut built = OsInterval::builder(HOUR).build().unwrap();
            built.tick().await;
            built.tick().await;
        });
        assert!(real.elapsed() < HOUR);
    });
}

#[test]
fn a_clock_that_is_paused_before_anybody_waits_is_followed() {
    within_a_minute(|| {
        runtime(false).block_on(async {
            // By the kernel's.
            sleep(Duration::from_millis(1)).await;
            time::pause();
            let began = Instant::now();
            sleep(HOUR).await;
            assert!(began.elapsed() >= HOUR, "early");
            time::resume();
            // It runs, an hour ahead.
            let began = Instant::now();
            sleep(Duration::from_millis(1)).await;
            assert!(began.elapsed() >= Duration::from_millis(1), "early");
        });
    });
}

#[test]
fn a_clock_that_is_advanced_is_followed() {
    within_a_minute(|| {
        runtime(true).block_on(async {
            let mut waits = pin!(sleep(HOUR));
            assert!(poll(waits.as_mut()).is_pending());
            time::advance(HOUR / 2).await;
            assert!(poll(waits.as_mut()).is_pending(), "early");
            time::advance(HOUR / 2 + Duration::from_millis(1)).await;
            waits.await;
        });
    });
}

/// It does not jump to a timer that is gone.
#[test]
fn a_clock_stands_still_while_nobody_waits() {
    within_a_minute(|| {
        runtime(true).block_on(async {
            let began = Instant::now();
            timeout(HOUR, yield_now()).await.unwrap();
            let (comes, come) = tokio::sync::oneshot::channel();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                comes.send(()).unwrap();
            });
            come.await.unwrap();
            assert_eq!(began.elapsed(), Duration::ZERO);
        });
    });
}

/// Nor to one that was gone before it was paused, and nobody is told that somebody waited then.
#[test]
fn a_timer_that_is_gone_before_the_pause_harms_nobody() {
    within_a_minute(|| {
        runtime(false).block_on(async {
            timeout(Duration::from_secs(3), sleep(Duration::from_millis(1)))
                .await
                .unwrap();
            time::pause();
            let (real, began) = (std::time::Instant::now(), Instant::now());
            sleep(HOUR).await;
            assert!(began.elapsed() >= HOUR, "early");
            assert!(real.elapsed() < HOUR);
        });
    });
}

/// On a thread of another runtime, or of none, its own runtime's clock decides.
#[test]
fn a_timer_goes_by_the_clock_of_its_runtime() {
    within_a_minute(|| {
        let runtime = runtime(true);
        let context = runtime.enter();
        let mut waits = Box::pin(sleep(Duration::from_millis(20)));
        drop(context);
        thread::sleep(Duration::from_millis(40));
        assert!(poll(waits.as_mut()).is_pending(), "early");
        runtime.block_on(waits);
    });
}

/// Nobody hangs, and whoever waits is told what to do.
#[test]
fn an_alarm_that_was_armed_before_the_pause_says_how_to_follow_it() {
    within_a_minute(|| {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            runtime(false).block_on(async {
                let waits = tokio::spawn(sleep(Duration::from_millis(50)));
                yield_now().await;
                time::pause();
                // Nobody makes, polls or drops a timer from here on.
                waits
                    .await
                    .unwrap_or_else(|error| resume_unwind(error.into_panic()));
            });
        }));
        let panic = panic.expect_err("it has been followed");
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("`test-util`"), "{message}");
    });
}

/// A clock that nobody pauses is the kernel's, whatever tokio could do.
#[test]
fn a_clock_that_runs_leaves_the_kernel_its_precision() {
    within_a_minute(|| {
        runtime(false).block_on(async {
            let mut least = Duration::MAX;
            let mut ticks = interval(Duration::from_micros(300));
            for _ in 0..2000 {
                least = least.min(ticks.tick().await.elapsed());
            }
            // tokio's fires in whole milliseconds, and late by as much.
            let mut tokios = Duration::MAX;
            for _ in 0..50 {
                let deadline = Instant::now() + Duration::from_micros(300);
                time::sleep_until(deadline).await;
                tokios = tokios.min(deadline.elapsed());
            }
            assert!(least < tokios, "{least:?} against {tokios:?}");
        });
    });
}
