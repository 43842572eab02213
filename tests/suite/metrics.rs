//! Metrics report what the timers of a runtime have done.

use std::pin::Pin;
use std::task::Context;
use std::thread;
use std::time::Duration;

use crate::support::{
    CountingWaker, HOUR, NO_RUNTIME, Watchdog, assert_panics_here, current_thread, ms,
    multi_thread, on_current_thread, poll_once,
};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_osinterval::{Metrics, Sleep, TimerSource, interval, metrics, sleep, sleep_until};

fn metrics_of(runtime: &Runtime) -> Metrics {
    let _context = runtime.enter();
    metrics()
}

#[test]
fn metrics_outside_a_runtime_panic_at_the_caller() {
    assert_panics_here(NO_RUNTIME, || drop(metrics()));
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "the driver has the timers of other tests, too"
)]
fn metrics_report_the_timers_of_their_runtime() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let metrics = runtime.block_on(async {
        let metrics = metrics();
        assert_eq!((metrics.wakeups(), metrics.fired()), (0, 0));
        assert_eq!((metrics.waiting(), metrics.source()), (0, None));

        let mut far = Box::pin(sleep(ms(60_000)));
        assert!(poll_once(&mut far).await.is_pending());
        assert_eq!(metrics.waiting(), 1);
        let source = match (cfg!(descriptor), cfg!(feature = "test-util")) {
            (true, false) => TimerSource::OperatingSystem,
            (true, true) => TimerSource::TestUtil,
            (false, _) if cfg!(threadpool) => TimerSource::TestUtil,
            (false, _) => TimerSource::Tokio,
        };
        assert_eq!(metrics.source(), Some(source));

        let mut interval = interval(ms(2));
        for _ in 0..20 {
            interval.tick().await;
        }
        // A tick that is due when it is polled does not fire.
        assert!((1..=19).contains(&metrics.fired()), "{metrics:?}");
        assert!(metrics.wakeups() >= 1, "{metrics:?}");
        assert!(metrics.median_lateness() <= metrics.p99_lateness());
        assert!(metrics.p99_lateness() > Duration::ZERO);
        assert_eq!(metrics.waiting(), 1);
        let debug = format!("{metrics:?}");
        for part in [
            "Metrics {",
            "waiting: 1, wakeups: ",
            "early_wakeups: ",
            "fired: ",
        ] {
            assert!(debug.contains(part), "{debug}");
        }
        drop(far);
        assert_eq!(metrics.waiting(), 0);
        let _max_so_far = metrics.take_max_lateness();
        assert_eq!(metrics.take_max_lateness(), Duration::ZERO);
        metrics
    });
    // They are available outside the runtime, and after its end.
    let fired = metrics.fired();
    drop({
        let _context = runtime.enter();
        interval(ms(1))
    });
    assert!(metrics.fired() >= fired || !cfg!(descriptor));
    drop(runtime);
    // On Windows, the thread that woke the last tick may still hold the driver.
    while cfg!(threadpool) && metrics.source().is_some() {
        thread::yield_now();
    }
    assert_eq!((metrics.fired(), metrics.source()), (0, None));
}

/// Several threads, each with a shard of its own, create sleeps that share a counting waker.
#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "the driver has the timers of other tests, too"
)]
fn waiting_and_fired_match_the_timers_of_all_shards() {
    const THREADS: usize = 4;
    const SLEEPS: usize = 200;
    const QUARTER: usize = THREADS * SLEEPS / 4;

    let _watchdog = Watchdog::new();
    for runtime in [current_thread(), multi_thread(THREADS)] {
        let metrics = metrics_of(&runtime);
        let waker = CountingWaker::new();
        let poll =
            |sleep: &mut Pin<Box<Sleep>>| sleep.as_mut().poll(&mut Context::from_waker(&waker));
        let start_sleeps = || {
            let _context = runtime.enter();
            let mut sleeps: Vec<_> = (0..SLEEPS).map(|_| Box::pin(sleep(HOUR))).collect();
            for sleep in &mut sleeps {
                assert!(poll(sleep).is_pending());
            }
            sleeps
        };
        let sleeps: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(start_sleeps)).collect();
            let sleeps = threads.into_iter().map(|thread| thread.join().unwrap());
            sleeps.flatten().collect()
        });
        assert_eq!(metrics.waiting(), 4 * QUARTER);
        assert_eq!(metrics.fired(), 0);

        // One quarter is dropped, one is found due, one fires within 20 ms, and one waits on.
        let mut kept = Vec::new();
        for (n, mut sleep) in (0..).zip(sleeps) {
            match n % 4 {
                0 => continue,
                1 => {
                    sleep.as_mut().reset(Instant::now());
                    // The driver may have fired it already.
                    assert!(poll(&mut sleep).is_ready());
                }
                2 => sleep.as_mut().reset(Instant::now() + ms(n % 20)),
                _ => (),
            }
            kept.push(sleep);
        }
        runtime.block_on(async {
            while metrics.waiting() > QUARTER {
                tokio::time::sleep(ms(1)).await;
            }
            // The driver counts a timer before it wakes the task. No other task may be woken afterwards.
            tokio::time::sleep(ms(30)).await;
        });
        assert_eq!(metrics.waiting(), QUARTER);
        assert_eq!(metrics.fired(), waker.wakes() as u64);
        assert!(waker.wakes() >= QUARTER);
        drop(kept);
        assert_eq!(metrics.waiting(), 0);
    }
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "the driver has the timers of other tests, too"
)]
fn each_lone_sleep_fires_once_with_a_wake_up_of_its_own() {
    on_current_thread(async {
        let metrics = metrics();
        let mut far = Box::pin(sleep(ms(60_000)));
        assert!(poll_once(&mut far).await.is_pending());
        let waker = CountingWaker::new();
        for _ in 0..20 {
            let fired = waker.wakes();
            let mut sleep = Box::pin(sleep(ms(2)));
            // If this thread is preempted, the sleep may be due.
            let poll = sleep.as_mut().poll(&mut Context::from_waker(&waker));
            // The sleep is not polled again, which would find it due.
            while poll.is_pending() && waker.wakes() == fired {
                tokio::time::sleep(ms(1)).await;
            }
            let fired = waker.wakes() as u64;
            assert_eq!((metrics.waiting(), metrics.fired()), (1, fired));
            assert!(metrics.wakeups() >= fired, "{metrics:?}");
            assert!(metrics.early_wakeups() <= metrics.wakeups(), "{metrics:?}");
        }
        assert!(waker.wakes() > 0, "preempted each time");
    });
}

/// One task keeps the only thread until after the deadline of another. The lateness of the wake-up lies
/// between the times that the two tasks see.
#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "the driver has the timers of other tests, too"
)]
fn max_lateness_lies_between_the_times_that_tasks_see() {
    on_current_thread(async {
        let metrics = metrics();
        let mut far = Box::pin(sleep(ms(60_000)));
        assert!(poll_once(&mut far).await.is_pending());
        let mut measured = 0;
        for busy in [30, 8, 60, 8, 8, 20, 8, 8].map(ms) {
            let deadline = Instant::now() + ms(4);
            let sleeper = tokio::spawn(async move {
                sleep_until(deadline).await;
                Instant::now()
            });
            tokio::task::yield_now().await;
            let is_waiting = metrics.waiting() == 2;
            let in_time = Instant::now() < deadline;
            assert!(is_waiting || !in_time);
            let _max_before = metrics.take_max_lateness();
            thread::sleep(busy);
            let busy_until = Instant::now();
            let woken = sleeper.await.unwrap();
            let max = metrics.take_max_lateness();
            assert_eq!(metrics.take_max_lateness(), Duration::ZERO);
            if cfg!(not(production)) {
                // A clock that jumps makes a wake-up late, so its lateness does not count.
                assert_eq!(max, Duration::ZERO);
                measured += 1;
            } else if in_time {
                let seen = busy_until - deadline..=woken - deadline;
                assert!(seen.contains(&max), "{max:?}, not {seen:?}");
                measured += 1;
            }
        }
        assert!(measured > 0, "preempted each time");
    });
}
