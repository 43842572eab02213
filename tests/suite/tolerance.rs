//! A timer with a tolerance shares wake-ups, and is late by no more than it tolerates.

use std::pin::pin;
use std::time::Duration;

use crate::support::{HOUR, ms, on_current_thread, on_every_runtime, poll_once, us};
use tokio_osinterval::{MissedTickBehavior, OsInterval, interval, sleep};

#[test]
fn tick_within_its_tolerance_is_not_missed() {
    on_current_thread(async {
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

/// A lone timer is late by its whole tolerance plus the kernel's lateness.
#[test]
#[cfg_attr(
    kqueue_millis,
    ignore = "a kernel with ticks of 10 ms adds up to 20 ms, and 5 ms are a missed tick"
)]
fn lone_interval_with_a_tolerance_misses_no_tick() {
    on_current_thread(async {
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
                    assert_eq!(deadline, next, "{period} ms, tolerance {tolerance} ms");
                }
                // On a busy machine the tick may be later, and is missed.
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
fn tolerance_may_change_while_a_task_waits() {
    on_every_runtime(async || {
        // With this tolerance, a lone timer would be an hour late.
        let mut sleep = pin!(sleep(ms(300)).with_tolerance(HOUR));
        assert!(poll_once(&mut sleep).await.is_pending());
        sleep.as_mut().set_tolerance(Duration::ZERO);
        sleep.await;

        let mut interval = interval(ms(300));
        interval.tick().await;
        interval.set_tolerance(HOUR);
        assert_eq!(interval.tolerance(), HOUR);
        assert!(poll_once(interval.tick()).await.is_pending());
        interval.set_tolerance(Duration::ZERO);
        interval.tick().await;
    });
}

/// A paused clock jumps from one timer to the next.
#[cfg(feature = "test-util")]
mod paused {
    use super::*;
    use crate::support::Watchdog;
    use tokio::time::Instant;

    /// Returns how long after `start` a sleep fires that is due `deadline` ms after it.
    async fn fires_at(start: Instant, deadline: u64, tolerance: u64) -> Duration {
        let sleep = tokio_osinterval::sleep_until(start + ms(deadline));
        sleep.with_tolerance(ms(tolerance)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn lone_timer_fires_at_its_hard_deadline() {
        let _watchdog = Watchdog::new();
        let start = Instant::now();
        assert_eq!(fires_at(start, 3, 4).await, ms(7));
    }

    #[tokio::test(start_paused = true)]
    async fn wake_up_fires_all_timers_whose_windows_contain_it() {
        let _watchdog = Watchdog::new();
        let start = Instant::now();
        let (strict, tolerant, early, later) = tokio::join!(
            fires_at(start, 5, 0),
            fires_at(start, 3, 4),
            fires_at(start, 1, 1),
            fires_at(start, 6, 3),
        );
        assert_eq!(
            [early, strict, tolerant, later],
            [ms(2), ms(5), ms(5), ms(9)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn new_tolerance_applies_to_a_waiting_task() {
        let _watchdog = Watchdog::new();
        let start = Instant::now();
        let mut sleep = pin!(sleep(ms(10)).with_tolerance(ms(1000)));
        assert!(poll_once(&mut sleep).await.is_pending());
        sleep.as_mut().set_tolerance(ms(20));
        sleep.await;
        assert_eq!(start.elapsed(), ms(30));
    }
}
