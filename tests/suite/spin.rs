//! `Precision::Spin`: closer to the deadline, never early, and with time for others.

use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{Count, Watchdog, current_thread, ms, multi_thread, on_every_runtime, us};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, Precision, interval, sleep};

fn spinning(period: Duration) -> OsInterval {
    let builder = OsInterval::builder(period)
        .precision(Precision::Spin)
        .missed_tick_behavior(MissedTickBehavior::Skip)
        .start(Instant::now() + period);
    builder.build().unwrap()
}

#[test]
fn spin_is_never_early() {
    let _watchdog = Watchdog::new("spin_is_never_early");
    for runtime in [current_thread(), multi_thread(2)] {
        for period in [us(20), us(200), us(333), ms(1), ms(3)] {
            let test = async move {
                let mut interval = spinning(period);
                for _ in 0..100 {
                    let deadline = interval.tick().await;
                    let now = Instant::now();
                    assert!(now >= deadline, "{:?} early", deadline - now);
                    let wait = sleep(period).with_precision(Precision::Spin);
                    let deadline = wait.deadline();
                    wait.await;
                    let now = Instant::now();
                    assert!(now >= deadline, "{:?} early", deadline - now);
                }
            };
            runtime.block_on(async { tokio::spawn(test).await.unwrap() });
        }
    }
}

/// Within the lead a poll looks at the clock for a while, and then asks to be polled again.
#[test]
fn it_lets_the_others_have_their_turn() {
    let _watchdog = Watchdog::new("it_lets_the_others_have_their_turn");
    let runtime = current_thread();
    let _context = runtime.enter();
    // And whether that was before its deadline.
    let woken_at_once = |precision, wait| {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let sleep = sleep(wait).with_precision(precision);
        let (deadline, sleep) = (sleep.deadline(), pin!(sleep));
        let polled = sleep.poll(&mut Context::from_waker(&waker));
        let woken = polled.is_pending() && count.get() == 1;
        woken.then(|| Instant::now() < deadline)
    };
    // Now and then this thread is preempted, and finds the deadline passed. And how long before it
    // the spin begins is learned, on Windows from all tests of the process.
    let mut waits = (1..95).map(us).cycle();
    assert!(waits.any(|wait| woken_at_once(Precision::Spin, wait) == Some(true)));
    // As soon as it is due, another thread wakes it on Windows; and elsewhere this one, if it was preempted.
    assert!((0..1000).all(|_| woken_at_once(Precision::Kernel, us(40)) != Some(true)));
}

/// Of a timer that waits, and is polled by another task when it is about to spin.
#[test]
fn only_the_latest_waker_is_kept() {
    let _watchdog = Watchdog::new("only_the_latest_waker_is_kept");
    let runtime = current_thread();
    let _context = runtime.enter();
    let [first, latest] = [(); 2].map(|()| Arc::new(Count::default()));
    let [one, other] = [&first, &latest].map(|count| Waker::from(Arc::clone(count)));
    let mut spun = 0;
    while spun < 20 {
        let sleep = sleep(us(300)).with_precision(Precision::Spin);
        let (deadline, mut sleep) = (sleep.deadline(), pin!(sleep));
        // Now and then this thread is preempted, and finds the deadline passed.
        let waits = sleep.as_mut().poll(&mut Context::from_waker(&one));
        while Instant::now() + us(60) < deadline {}
        let spins = sleep.as_mut().poll(&mut Context::from_waker(&other));
        if waits.is_pending() && spins.is_pending() {
            // On Windows another thread may just have woken the first.
            while cfg!(threadpool) && Arc::strong_count(&first) > 2 {}
            assert_eq!(Arc::strong_count(&first), 2, "`first` and `one`");
            spun += 1;
        }
    }
}

/// What is readable when the spin begins is read before it ends.
#[test]
#[cfg_attr(
    windows,
    ignore = "Wine takes longer to have a byte read than a wait is spun"
)]
fn io_goes_on_beside_it() {
    let _watchdog = Watchdog::new("io_goes_on_beside_it");
    let read_before_the_deadline = || {
        current_thread().block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap());
            let (near, far) = tokio::join!(near, listener.accept());
            let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
            let read = tokio::spawn(async move {
                far.read_u8().await.unwrap();
                Instant::now()
            });
            // It waits by then.
            tokio::time::sleep(ms(1)).await;
            let spins = tokio::spawn(async move {
                near.write_u8(1).await.unwrap();
                // At first it spins for up to 100 µs.
                let sleep = sleep(us(90)).with_precision(Precision::Spin);
                let deadline = sleep.deadline();
                sleep.await;
                deadline
            });
            read.await.unwrap() < spins.await.unwrap()
        })
    };
    // On a machine whose other work makes it slow for a while a byte takes longer than that.
    assert!((0..5000).any(|_| read_before_the_deadline()));
}

/// A task that is ready all the time runs while the other spins, and not only before and after.
#[test]
fn others_go_on_beside_it() {
    let _watchdog = Watchdog::new("others_go_on_beside_it");
    let ran_during_a_spin = |wait| {
        current_thread().block_on(async {
            // The first timer of a runtime makes the driver, which may take longer than the spin.
            drop(sleep(wait));
            let turns = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&turns);
            let other = tokio::spawn(async move {
                loop {
                    counted.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            });
            let spins = tokio::spawn(async move {
                let sleep = sleep(wait).with_precision(Precision::Spin);
                let sleep = sleep.with_spin_limit(ms(1));
                let before = turns.load(Ordering::Relaxed);
                sleep.await;
                turns.load(Ordering::Relaxed) > before
            });
            let ran = spins.await.unwrap();
            other.abort();
            ran
        })
    };
    // A driver that has learned nothing yet takes the kernel to be late by 100 µs: what is less is spun from
    // the first poll on. Under Wine a look at the reactor takes longer than that, and longer waits are for
    // the kernel in part: there this shows no more than that both come to their end.
    let longest = if cfg!(windows) { 500 } else { 90 };
    let waits = (10..longest).step_by(5).cycle().take(400);
    assert!(waits.map(us).any(ran_during_a_spin));
}

#[test]
fn it_can_be_changed_while_a_task_waits() {
    on_every_runtime("it_can_be_changed_while_a_task_waits", || async {
        const HOUR: Duration = Duration::from_secs(3600);
        let mut interval = interval(HOUR);
        for precision in [Precision::Spin, Precision::Kernel, Precision::Spin] {
            interval.reset_after(HOUR);
            assert!(poll_tick(&mut interval).is_pending());
            interval.set_precision(precision);
            assert_eq!(interval.precision(), precision);
            interval.reset_after(ms(2));
            let deadline = interval.tick().await;
            assert!(Instant::now() >= deadline);
        }
        let mut sleep = pin!(sleep(HOUR));
        assert!(sleep.as_mut().poll(&mut noop()).is_pending());
        sleep.as_mut().set_precision(Precision::Spin);
        assert_eq!(sleep.precision(), Precision::Spin);
        sleep.as_mut().reset(Instant::now() + ms(2));
        sleep.as_mut().await;
        assert!(Instant::now() >= sleep.deadline());
    });
}

#[test]
fn whatever_the_limit() {
    on_every_runtime("whatever_the_limit", || async {
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

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn poll_tick(interval: &mut OsInterval) -> Poll<Instant> {
    interval.poll_tick(&mut noop())
}

#[test]
fn a_tolerance_has_no_effect_with_it() {
    let _watchdog = Watchdog::new("a_tolerance_has_no_effect_with_it");
    current_thread().block_on(async {
        let builder = OsInterval::builder(ms(1)).precision(Precision::Spin);
        let builder = builder.missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interval = builder.tolerance(Duration::from_secs(100)).build().unwrap();
        interval.tick().await;
        std::thread::sleep(us(3_500));
        interval.tick().await;
        assert!(interval.missed_ticks() >= 2);
    });
}
