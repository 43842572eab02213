//! A timer that tolerates some lateness shares wake-ups, within what it tolerates.

use std::time::Duration;

use crate::support::{Watchdog, ms, on_every_runtime, us};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, sleep};

#[test]
fn never_early() {
    on_every_runtime("never_early", || async {
        let start = Instant::now() + ms(3);
        let tasks: Vec<_> = (0..100_u32)
            .map(|n| {
                let builder = OsInterval::builder(ms(4)).start(start + us(40) * n);
                let tolerance = [Duration::ZERO, us(70), ms(1), Duration::MAX][n as usize % 4];
                // One that tolerates everything comes with the others, or never.
                let ticks = if tolerance == Duration::MAX { 1 } else { 10 };
                let mut interval = builder.tolerance(tolerance).build().unwrap();
                tokio::spawn(async move {
                    for _ in 0..ticks {
                        let deadline = interval.tick().await;
                        assert!(Instant::now() >= deadline);
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
fn within_the_tolerance_no_tick_is_missed() {
    let _watchdog = Watchdog::new("within_the_tolerance_no_tick_is_missed");
    crate::support::current_thread().block_on(async {
        let builder = OsInterval::builder(ms(1)).tolerance(Duration::from_secs(100));
        let builder = builder.missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interval = builder.build().unwrap();
        let first = interval.tick().await;
        std::thread::sleep(us(5_500));
        for n in 1..5 {
            assert_eq!(interval.tick().await, first + ms(n));
        }
        assert_eq!(interval.missed_ticks(), 0);
    });
}

/// It is late by all of its tolerance then, and by what the kernel adds.
#[test]
#[cfg_attr(
    kqueue_millis,
    ignore = "where the kernel counts in ticks of 10 ms it adds up to 20, and 5 are a missed tick"
)]
fn alone_it_is_late_and_misses_nothing() {
    let _watchdog = Watchdog::new("alone_it_is_late_and_misses_nothing");
    crate::support::current_thread().block_on(async {
        for (period, tolerance, behavior) in [
            (4, 4, MissedTickBehavior::Skip),
            (10, 5, MissedTickBehavior::Delay),
        ] {
            let builder = OsInterval::builder(ms(period)).tolerance(ms(tolerance));
            let mut interval = builder.missed_tick_behavior(behavior).build().unwrap();
            let limit = ms(tolerance) + ms(period).min(ms(5));
            let (mut in_time, mut next) = (0, None);
            while in_time < 10 {
                let missed = interval.missed_ticks();
                let deadline = interval.tick().await;
                let late = deadline.elapsed();
                if let Some(next) = next {
                    assert_eq!(deadline, next, "{period} ms, tolerating {tolerance}");
                }
                // A busy machine may add anything, and then it is missed.
                next = (late <= limit).then_some(deadline + ms(period));
                if next.is_some() {
                    in_time += 1;
                    assert_eq!(interval.missed_ticks(), missed, "{late:?} late");
                }
            }
        }
    });
}

#[test]
fn it_can_be_changed_while_a_task_waits() {
    on_every_runtime("it_can_be_changed_while_a_task_waits", || async {
        // Alone, it would be an hour late.
        let mut sleep = std::pin::pin!(sleep(ms(300)).with_tolerance(Duration::from_secs(3600)));
        assert!(crate::support::poll_once(&mut sleep).await.is_pending());
        sleep.as_mut().set_tolerance(Duration::ZERO);
        sleep.await;

        let mut interval = tokio_osinterval::interval(ms(300));
        interval.tick().await;
        interval.set_tolerance(Duration::from_secs(3600));
        assert_eq!(interval.tolerance(), Duration::from_secs(3600));
        let mut tick = Box::pin(interval.tick());
        assert!(crate::support::poll_once(&mut tick).await.is_pending());
        drop(tick);
        interval.set_tolerance(Duration::ZERO);
        interval.tick().await;
    });
}

/// On a clock that jumps from one timer to the next, to the millisecond.
#[cfg(feature = "test-util")]
mod paused {
    use super::*;

    async fn at(start: Instant, deadline: u64, tolerance: u64) -> Duration {
        let sleep = tokio_osinterval::sleep_until(start + ms(deadline));
        sleep.with_tolerance(ms(tolerance)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn alone_it_comes_at_its_latest_moment() {
        let _watchdog = Watchdog::new("alone_it_comes_at_its_latest_moment");
        let start = Instant::now();
        assert_eq!(at(start, 3, 4).await, ms(7));
    }

    #[tokio::test(start_paused = true)]
    async fn one_wake_up_serves_all_whose_spans_it_lies_in() {
        let _watchdog = Watchdog::new("one_wake_up_serves_all_whose_spans_it_lies_in");
        let start = Instant::now();
        let (strict, tolerant, early, later) = tokio::join!(
            at(start, 5, 0),
            at(start, 3, 4),
            at(start, 1, 1),
            at(start, 6, 3),
        );
        assert_eq!(
            [early, strict, tolerant, later],
            [ms(2), ms(5), ms(5), ms(9)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_tolerance_holds_for_the_task_that_waits() {
        let _watchdog = Watchdog::new("a_new_tolerance_holds_for_the_task_that_waits");
        let start = Instant::now();
        let mut sleep = std::pin::pin!(sleep(ms(10)).with_tolerance(ms(1000)));
        assert!(crate::support::poll_once(&mut sleep).await.is_pending());
        sleep.as_mut().set_tolerance(ms(20));
        sleep.await;
        assert_eq!(start.elapsed(), ms(30));
    }
}
