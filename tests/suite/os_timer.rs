//! `OsTimer` implements hyper's timer.
#![cfg(feature = "hyper")]

use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::support::task;
use crate::support::{
    HOUR, current_thread, ms, multi_thread, on_current_thread, on_every_runtime, on_runtimes, us,
    yield_until,
};
use hyper::rt::{Sleep, Timer};
use tokio_osinterval::OsTimer;

#[test]
fn no_sleep_of_hyper_is_early() {
    on_every_runtime(async || {
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

/// `sleep_until` may compare a far deadline with the time that hyper asked for last, now or long ago.
#[test]
fn no_long_sleep_of_hyper_is_early() {
    on_every_runtime(async || {
        let timer = OsTimer::new();
        // Its alarm is always near, so that the far deadlines lie behind it.
        let near = tokio::spawn(async {
            loop {
                tokio_osinterval::sleep(ms(1)).await;
            }
        });
        for wait in [ms(101), ms(130), ms(145)] {
            let deadline = timer.now() + wait;
            timer.sleep_until(deadline).await;
            assert!(Instant::now() >= deadline);
        }
        // The reading of `now` is old when the sleep is created, and the deadline has passed.
        let asked = timer.now();
        tokio_osinterval::sleep(ms(120)).await;
        let mut passed = task::spawn(timer.sleep_until(asked + ms(101)));
        assert!(passed.poll().is_ready());
        near.abort();
    });
}

/// Waits for a sleep of the length `first`, resets it to `second`, and waits until its task is woken.
async fn reset_while_waiting(first: Duration, second: Duration) {
    let timer = OsTimer::new();
    let mut sleep = task::spawn(timer.sleep(first));
    assert!(sleep.poll().is_pending());
    let deadline = timer.now() + second;
    timer.reset(&mut sleep, deadline);
    yield_until(|| sleep.is_woken()).await;
    assert!(timer.now() >= deadline);
    assert!(sleep.poll().is_ready());
}

#[test]
fn hyper_reset_to_earlier_wakes_a_waiting_task() {
    on_runtimes([current_thread(), multi_thread(2)], async || {
        reset_while_waiting(HOUR, ms(2)).await;
    });
}

#[test]
fn hyper_reset_to_later_wakes_a_waiting_task_later() {
    on_runtimes([current_thread(), multi_thread(2)], async || {
        reset_while_waiting(ms(600), ms(900)).await;
    });
}

#[test]
fn hyper_reset_keeps_the_sleep_in_place() {
    on_current_thread(async {
        let timer = OsTimer::new();
        let address = |sleep: &Pin<Box<dyn Sleep>>| ptr::from_ref(&**sleep).cast::<()>();
        let mut sleep = timer.sleep(ms(1));
        let first_address = address(&sleep);
        for wait in [HOUR, ms(1), us(1)] {
            timer.reset(&mut sleep, timer.now() + wait);
            assert_eq!(address(&sleep), first_address);
        }
        sleep.as_mut().await;
        // An elapsed sleep is reset in place, too.
        let deadline = timer.now() + ms(1);
        timer.reset(&mut sleep, deadline);
        assert_eq!(address(&sleep), first_address);
        sleep.await;
        assert!(timer.now() >= deadline);
    });
}

#[test]
fn hyper_reset_replaces_the_sleep_of_another_timer() {
    struct Never;
    impl Future for Never {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    impl Sleep for Never {}

    on_current_thread(async {
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
fn hyper_timer_follows_a_paused_clock() {
    use crate::support::{Watchdog, paused};
    use tokio::time::advance;

    let _watchdog = Watchdog::new();
    paused().block_on(async {
        let real = Instant::now();
        let timer = OsTimer::new();
        let start = timer.now();
        let mut sleep = task::spawn(timer.sleep(HOUR));
        assert!(sleep.poll().is_pending());
        let second = ms(1000);
        advance(ms(3_599_000)).await;
        assert_eq!(timer.now() + second, start + HOUR);
        assert!(sleep.poll().is_pending());
        timer.reset(&mut sleep, start + HOUR + second);
        advance(second).await;
        assert!(!sleep.is_woken());
        assert!(sleep.poll().is_pending());
        advance(second).await;
        assert!(sleep.is_woken());
        assert!(sleep.poll().is_ready());
        // The clock jumps to the next deadline.
        timer.sleep_until(start + HOUR * 3).await;
        assert_eq!(timer.now(), start + HOUR * 3);
        assert!(real.elapsed() < HOUR);
    });
}

#[test]
fn hyper_closes_a_connection_whose_header_is_late() {
    use hyper::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;

    on_every_runtime(async || {
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
