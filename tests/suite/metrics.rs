//! What timers tell of themselves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use crate::support::{Count, Watchdog, current_thread, ms, multi_thread, panic_of, poll_once};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_osinterval::{Metrics, Sleep, TimerSource, interval, metrics, sleep, sleep_until};

/// On Windows other tests have their timers in the same driver.
const OF_THE_PROCESS: bool = cfg!(all(threadpool, not(feature = "test-util")));

fn metrics_of(runtime: &Runtime) -> Metrics {
    let _context = runtime.enter();
    metrics()
}

#[test]
fn outside_a_runtime_metrics_panic_at_the_caller() {
    let (message, file) = panic_of(|| drop(metrics())).expect("it did not panic");
    assert!(message.contains("Tokio 1.x runtime"), "{message}");
    assert_eq!(file, file!());
}

#[test]
fn metrics_are_those_of_the_runtime() {
    let _watchdog = Watchdog::new("metrics_are_those_of_the_runtime");
    if OF_THE_PROCESS {
        return;
    }
    let runtime = current_thread();
    let outside = runtime.block_on(async {
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
        // Some may have been due when they were polled.
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
        let _since_the_beginning = metrics.take_max_lateness();
        assert_eq!(metrics.take_max_lateness(), Duration::ZERO);
        metrics
    });
    // They can be asked for from anywhere, and after the end.
    let fired = outside.fired();
    drop(interval_of(&runtime));
    assert!(outside.fired() >= fired || !cfg!(descriptor));
    drop(runtime);
    assert_eq!((outside.fired(), outside.source()), (0, None));
}

fn interval_of(runtime: &tokio::runtime::Runtime) -> tokio_osinterval::OsInterval {
    let _context = runtime.enter();
    interval(ms(1))
}

/// Each of so many threads has so many timers.
const THREADS: usize = 4;
const EACH: usize = 200;

/// On threads that have shards of their own, and each timer with a waker that counts.
#[test]
fn what_waits_and_has_fired_is_what_was_made_and_woken() {
    let _watchdog = Watchdog::new("what_waits_and_has_fired_is_what_was_made_and_woken");
    if OF_THE_PROCESS {
        return;
    }
    for runtime in [current_thread(), multi_thread(THREADS)] {
        let metrics = metrics_of(&runtime);
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let poll =
            |sleep: &mut Pin<Box<Sleep>>| sleep.as_mut().poll(&mut Context::from_waker(&waker));
        let far = || {
            let _context = runtime.enter();
            let mut timers: Vec<_> = (0..EACH).map(|_| Box::pin(sleep(ms(3_600_000)))).collect();
            for timer in &mut timers {
                assert!(poll(timer).is_pending());
            }
            timers
        };
        let mut timers: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(far)).collect();
            let timers = threads.into_iter().map(|thread| thread.join().unwrap());
            timers.flatten().collect()
        });
        assert_eq!(metrics.waiting(), THREADS * EACH);
        assert_eq!(metrics.fired(), 0);

        // A quarter each: dropped, found due, to be woken within 20 ms, and left alone.
        let mut kept = Vec::new();
        for (n, mut timer) in (0..).zip(timers.drain(..)) {
            match n % 4 {
                0 => continue,
                1 => {
                    timer.as_mut().reset(Instant::now());
                    // It may have been fired at once.
                    assert!(poll(&mut timer).is_ready());
                }
                2 => timer.as_mut().reset(Instant::now() + ms(n % 20)),
                _ => (),
            }
            kept.push(timer);
        }
        runtime.block_on(async {
            while metrics.waiting() > THREADS * EACH / 4 {
                tokio::time::sleep(ms(1)).await;
            }
            // Who is taken is woken after that. And nobody is later on.
            tokio::time::sleep(ms(30)).await;
        });
        assert_eq!(metrics.waiting(), THREADS * EACH / 4);
        assert_eq!(metrics.fired(), woken.get() as u64);
        assert!(woken.get() >= THREADS * EACH / 4);
        drop(kept);
        assert_eq!(metrics.waiting(), 0);
    }
}

/// One after the other, each of them takes a wake-up.
#[test]
fn lone_sleeps_are_fired_and_woken_for_one_by_one() {
    let _watchdog = Watchdog::new("lone_sleeps_are_fired_and_woken_for_one_by_one");
    if OF_THE_PROCESS {
        return;
    }
    let runtime = current_thread();
    runtime.block_on(async {
        let metrics = metrics();
        let mut far = Box::pin(sleep(ms(60_000)));
        assert!(poll_once(&mut far).await.is_pending());
        let mut waited = 0;
        for _ in 0..20 {
            let mut sleep = Box::pin(sleep(ms(2)));
            // Or this thread was preempted for as long.
            waited += u64::from(poll_once(&mut sleep).await.is_pending());
            sleep.await;
            assert_eq!((metrics.waiting(), metrics.fired()), (1, waited));
            assert!(metrics.wakeups() >= waited, "{metrics:?}");
            assert!(metrics.early_wakeups() <= metrics.wakeups(), "{metrics:?}");
        }
        assert!(waited > 0, "preempted each time");
    });
}

/// A task keeps the only thread until the deadline of another's sleep has long passed. How late the runtime is
/// woken then lies between what the two of them see.
#[test]
fn the_largest_lateness_is_as_late_as_it_was() {
    let _watchdog = Watchdog::new("the_largest_lateness_is_as_late_as_it_was");
    if OF_THE_PROCESS {
        return;
    }
    current_thread().block_on(async {
        let metrics = metrics();
        let mut far = Box::pin(sleep(ms(60_000)));
        assert!(poll_once(&mut far).await.is_pending());
        let mut measured = 0;
        for busy in [30, 8, 60, 8, 8, 20, 8, 8].map(ms) {
            let deadline = Instant::now() + ms(4);
            let task = tokio::spawn(async move {
                sleep_until(deadline).await;
                Instant::now()
            });
            tokio::task::yield_now().await;
            let is_waited_for = metrics.waiting() == 2;
            let waits = Instant::now() < deadline;
            assert!(is_waited_for || !waits);
            let _before_this = metrics.take_max_lateness();
            thread::sleep(busy);
            let kept_until = Instant::now();
            let woken = task.await.unwrap();
            let largest = metrics.take_max_lateness();
            assert_eq!(metrics.take_max_lateness(), Duration::ZERO);
            if cfg!(not(production)) {
                // A clock that jumps is late by as much.
                assert_eq!(largest, Duration::ZERO);
                measured += 1;
            } else if waits {
                let seen = kept_until - deadline..=woken - deadline;
                assert!(seen.contains(&largest), "{largest:?}, not {seen:?}");
                measured += 1;
            }
        }
        assert!(measured > 0, "preempted each time");
    });
}
