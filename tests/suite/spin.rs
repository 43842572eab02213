//! `Precision::Spin` reads the clock before the deadline, and leaves time for other tasks.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::support::{
    CountingWaker, HOUR, Watchdog, current_thread, ms, on_current_thread, on_every_runtime, us,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, Precision, interval, sleep};

#[test]
fn spinning_poll_asks_to_be_polled_again() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let _context = runtime.enter();
    let woken_before_the_deadline = |precision, wait| {
        let waker = CountingWaker::new();
        let sleep = sleep(wait).with_precision(precision);
        let (deadline, sleep) = (sleep.deadline(), pin!(sleep));
        let polled = sleep.poll(&mut Context::from_waker(&waker));
        let woken = polled.is_pending() && waker.wakes() == 1;
        woken && Instant::now() < deadline
    };
    // If this thread is preempted, the deadline may have passed. The lead before a deadline is learned, on
    // Windows from all tests of the process.
    let mut waits = (1..95).map(us).cycle();
    assert!(waits.any(|wait| woken_before_the_deadline(Precision::Spin, wait)));
    // When the deadline has passed, another thread may wake the waker on Windows, and this one elsewhere.
    assert!((0..1000).all(|_| !woken_before_the_deadline(Precision::Kernel, us(40))));
}

/// A byte that is readable when the spin begins is read before it ends.
#[test]
#[cfg_attr(windows, ignore = "under Wine a read takes longer than a spin")]
fn io_proceeds_during_a_spin() {
    let _watchdog = Watchdog::new();
    let read_before_the_deadline = || {
        current_thread().block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap());
            let (near, far) = tokio::join!(near, listener.accept());
            let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
            let reader = tokio::spawn(async move {
                far.read_u8().await.unwrap();
                Instant::now()
            });
            // Until the reader waits.
            tokio::time::sleep(ms(1)).await;
            let spinner = tokio::spawn(async move {
                near.write_u8(1).await.unwrap();
                // A new driver spins for up to 100 µs.
                let sleep = sleep(us(90)).with_precision(Precision::Spin);
                let deadline = sleep.deadline();
                sleep.await;
                deadline
            });
            reader.await.unwrap() < spinner.await.unwrap()
        })
    };
    // On a busy machine most reads take longer than the spin.
    assert!((0..5000).any(|_| read_before_the_deadline()));
}

/// A task that is always ready runs during the spin of another, not only before and after it.
#[test]
fn ready_task_runs_during_a_spin() {
    let _watchdog = Watchdog::new();
    let ran_during_a_spin = |wait| {
        current_thread().block_on(async {
            // The first timer of a runtime creates the driver, which may take longer than the spin.
            drop(sleep(wait));
            let turns = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&turns);
            let other = tokio::spawn(async move {
                loop {
                    counter.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            });
            let spinner = tokio::spawn(async move {
                let sleep = sleep(wait).with_precision(Precision::Spin);
                let sleep = sleep.with_spin_limit(ms(1));
                let before = turns.load(Ordering::Relaxed);
                sleep.await;
                turns.load(Ordering::Relaxed) > before
            });
            let ran = spinner.await.unwrap();
            other.abort();
            ran
        })
    };
    // A new driver expects the kernel to be 100 µs late, so it spins through a shorter wait. Under Wine a
    // look at the reactor takes longer than that, and the kernel serves a part of longer waits: there the
    // test only shows that both tasks end.
    let longest = if cfg!(windows) { 500 } else { 90 };
    let waits = (10..longest).step_by(5).cycle().take(400);
    assert!(waits.map(us).any(ran_during_a_spin));
}

#[test]
fn precision_may_change_while_a_task_waits() {
    on_every_runtime(async || {
        let mut interval = interval(HOUR);
        for precision in [Precision::Spin, Precision::Kernel, Precision::Spin] {
            interval.reset_after(HOUR);
            crate::support::start_waiting(&mut interval, Waker::noop());
            interval.set_precision(precision);
            assert_eq!(interval.precision(), precision);
            interval.reset_after(ms(2));
            let deadline = interval.tick().await;
            assert!(Instant::now() >= deadline);
        }
        let mut sleep = pin!(sleep(HOUR));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(cx).is_pending());
        sleep.as_mut().set_precision(Precision::Spin);
        assert_eq!(sleep.precision(), Precision::Spin);
        sleep.as_mut().reset(Instant::now() + ms(2));
        sleep.as_mut().await;
        assert!(Instant::now() >= sleep.deadline());
    });
}

#[test]
fn any_spin_limit_is_allowed() {
    on_every_runtime(async || {
        for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let builder = OsInterval::builder(ms(1)).precision(Precision::Spin);
            let mut interval = builder.spin_limit(limit).build().unwrap();
            for _ in 0..10 {
                let deadline = interval.tick().await;
                assert!(Instant::now() >= deadline);
            }
            let wait = sleep(us(300)).with_precision(Precision::Spin);
            wait.with_spin_limit(limit).await;
        }
    });
}

#[test]
fn spinning_timer_ignores_its_tolerance() {
    on_current_thread(async {
        let builder = OsInterval::builder(ms(1)).precision(Precision::Spin);
        let builder = builder.missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interval = builder.tolerance(Duration::from_secs(100)).build().unwrap();
        interval.tick().await;
        std::thread::sleep(us(3_500));
        interval.tick().await;
        assert!(interval.missed_ticks() >= 2);
    });
}
