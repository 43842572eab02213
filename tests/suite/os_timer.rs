//! hyper's timer.
#![cfg(feature = "hyper")]

use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::support::task;
use crate::support::task::{assert_pending, assert_ready};
use crate::support::{Watchdog, current_thread, ms, multi_thread, on_every_runtime, us};
use hyper::rt::{Sleep, Timer};
use tokio_osinterval::OsTimer;

const HOUR: Duration = Duration::from_secs(3600);

/// Where it is.
fn place(sleep: &Pin<Box<dyn Sleep>>) -> *const () {
    ptr::from_ref(&**sleep).cast()
}

#[test]
fn hypers_sleeps_are_never_early() {
    on_every_runtime("hypers_sleeps_are_never_early", || async {
        let timer = OsTimer::default();
        for wait in [us(0), us(100), us(700), ms(2)] {
            for _ in 0..5 {
                let before = timer.now();
                timer.sleep(wait).await;
                assert!(before.elapsed() >= wait);

                let deadline = timer.now() + wait;
                timer.sleep_until(deadline).await;
                assert!(timer.now() >= deadline && Instant::now() >= deadline);

                let mut sleep = timer.sleep(HOUR);
                let deadline = timer.now() + wait;
                timer.reset(&mut sleep, deadline);
                sleep.await;
                assert!(timer.now() >= deadline);
            }
        }
    });
}

/// Whether the time that hyper asked for last was now or long ago.
#[test]
fn hypers_long_sleeps_are_never_early() {
    on_every_runtime("hypers_long_sleeps_are_never_early", || async {
        let timer = OsTimer::new();
        // With an alarm that is always close, what is far off is behind it.
        let beside = tokio::spawn(async {
            loop {
                tokio_osinterval::sleep(ms(1)).await;
            }
        });
        let asked = timer.now();
        for wait in [ms(101), ms(130), ms(131), ms(145)] {
            let deadline = asked + wait;
            timer.sleep_until(deadline).await;
            assert!(Instant::now() >= deadline);
        }
        // No sleep is as far off as it seems by the time that was asked for.
        beside.abort();
        timer.sleep_until(asked + ms(102)).await;
        let timely = task::spawn(timer.sleep_until(asked + ms(101))).poll();
        assert_ready!(timely);
    });
}

#[test]
fn hypers_reset_to_earlier_wakes_a_waiting_task() {
    let _watchdog = Watchdog::new("hypers_reset_to_earlier_wakes_a_waiting_task");
    for runtime in [current_thread(), multi_thread(2)] {
        runtime.block_on(async {
            let timer = OsTimer::new();
            let mut sleep = task::spawn(timer.sleep(HOUR));
            assert_pending!(sleep.poll());
            let deadline = timer.now() + ms(2);
            timer.reset(&mut sleep, deadline);
            while !sleep.is_woken() {
                tokio::task::yield_now().await;
            }
            assert!(timer.now() >= deadline);
            assert_ready!(sleep.poll());
        });
    }
}

#[test]
fn hypers_reset_to_later_wakes_a_waiting_task_then() {
    let _watchdog = Watchdog::new("hypers_reset_to_later_wakes_a_waiting_task_then");
    for runtime in [current_thread(), multi_thread(2)] {
        runtime.block_on(async {
            let timer = OsTimer::new();
            let mut sleep = task::spawn(timer.sleep(ms(600)));
            assert_pending!(sleep.poll());
            let deadline = timer.now() + ms(900);
            timer.reset(&mut sleep, deadline);
            while !sleep.is_woken() {
                tokio::task::yield_now().await;
            }
            assert!(timer.now() >= deadline);
            assert_ready!(sleep.poll());
        });
    }
}

#[test]
fn hypers_reset_is_in_place() {
    current_thread().block_on(async {
        let timer = OsTimer::new();
        let mut sleep = timer.sleep(ms(1));
        let at = place(&sleep);
        for wait in [HOUR, ms(1), us(1)] {
            timer.reset(&mut sleep, timer.now() + wait);
            assert_eq!(place(&sleep), at);
        }
        sleep.as_mut().await;
        // Also after it has elapsed.
        let deadline = timer.now() + ms(1);
        timer.reset(&mut sleep, deadline);
        assert_eq!(place(&sleep), at);
        sleep.await;
        assert!(timer.now() >= deadline);
    });
}

#[test]
fn hypers_reset_of_anothers_sleep_replaces_it() {
    struct Never;
    impl Future for Never {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    impl Sleep for Never {}

    let _watchdog = Watchdog::new("hypers_reset_of_anothers_sleep_replaces_it");
    current_thread().block_on(async {
        let timer = OsTimer::new();
        let mut sleep: Pin<Box<dyn Sleep>> = Box::pin(Never);
        let deadline = timer.now() + ms(1);
        timer.reset(&mut sleep, deadline);
        assert!(sleep.is::<tokio_osinterval::Sleep>());
        sleep.await;
        assert!(timer.now() >= deadline);
    });
}

#[test]
#[cfg(feature = "test-util")]
fn hypers_timer_follows_a_paused_clock() {
    use tokio::time::advance;

    let _watchdog = Watchdog::new("hypers_timer_follows_a_paused_clock");
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let real = Instant::now();
        let timer = OsTimer::new();
        let start = timer.now();
        let mut sleep = task::spawn(timer.sleep(HOUR));
        assert_pending!(sleep.poll());
        let second = ms(1000);
        advance(ms(3_599_000)).await;
        assert_eq!(timer.now() + second, start + HOUR);
        assert_pending!(sleep.poll());
        timer.reset(&mut sleep, start + HOUR + second);
        advance(second).await;
        assert!(!sleep.is_woken());
        assert_pending!(sleep.poll());
        advance(second).await;
        assert!(sleep.is_woken());
        assert_ready!(sleep.poll());
        // By itself, it jumps to the next deadline.
        timer.sleep_until(start + HOUR * 3).await;
        assert_eq!(timer.now(), start + HOUR * 3);
        assert!(real.elapsed() < HOUR);
    });
}

/// What the timer is for: a header that does not come in time.
#[test]
fn hyper_closes_a_connection_whose_header_is_late() {
    use hyper::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;

    on_every_runtime("hyper_closes_a_connection_whose_header_is_late", || async {
        let limit = ms(5);
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        let began = Instant::now();
        let service =
            service_fn(async |_| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
        let connection = http1::Builder::new()
            .timer(OsTimer::new())
            .header_read_timeout(limit)
            .serve_connection(TokioIo::new(server), service);
        assert!(connection.await.unwrap_err().is_timeout());
        assert!(began.elapsed() >= limit);
    });
}
