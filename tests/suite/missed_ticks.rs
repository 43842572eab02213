//! Each `MissedTickBehavior` does what its name says, also for periods below tokio's threshold of 5 ms.

use std::thread;
use std::time::Duration;

use crate::support::{ms, on_current_thread, us};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, interval};

/// Creates an interval, takes its first tick, and blocks the thread. Returns the interval and that tick.
async fn blocked(
    period: Duration,
    behavior: MissedTickBehavior,
    block: Duration,
) -> (OsInterval, Instant) {
    loop {
        let mut interval = interval(period);
        interval.set_missed_tick_behavior(behavior);
        let first = interval.tick().await;
        if interval.missed_ticks() == 0 {
            thread::sleep(block);
            return (interval, first);
        }
        // On a busy machine the first tick may be missed. Then it was late.
        assert!(first.elapsed() > period.min(ms(5)), "missed but in time");
    }
}

/// Runs `test` with periods below and above the threshold.
#[track_caller]
fn with_periods(test: impl AsyncFn(Duration, Duration)) {
    on_current_thread(async {
        test(ms(1), us(3600)).await;
        test(ms(10), ms(36)).await;
    });
}

#[test]
fn burst_delivers_every_tick() {
    with_periods(async |period, block| {
        let (mut interval, first) = blocked(period, MissedTickBehavior::Burst, block).await;
        for k in 1..8 {
            assert_eq!(interval.tick().await, first + period * k);
        }
        assert_eq!(interval.missed_ticks(), 0);
    });
}

#[test]
fn delay_restarts_at_the_late_tick() {
    with_periods(async |period, block| {
        let (mut interval, first) = blocked(period, MissedTickBehavior::Delay, block).await;
        assert_eq!(interval.tick().await, first + period);
        let late_tick = Instant::now();
        let second = interval.tick().await;
        assert!(
            second >= first + block + period,
            "a period after the late tick"
        );
        assert!(second <= late_tick + period);
        assert!(interval.missed_ticks() >= 2);
    });
}

#[test]
fn skip_stays_in_phase() {
    with_periods(async |period, block| {
        let (mut interval, first) = blocked(period, MissedTickBehavior::Skip, block).await;
        assert_eq!(interval.tick().await, first + period);
        let mut last = first + period;
        for n in 0..5 {
            let tick = interval.tick().await;
            assert_eq!((tick - first).as_nanos() % period.as_nanos(), 0, "in phase");
            assert!(tick > last);
            assert!(
                n > 0 || tick >= first + 4 * period,
                "missed ticks are skipped"
            );
            last = tick;
        }
    });
}

#[cfg(feature = "test-util")]
mod paused {
    use super::*;
    use crate::support::Watchdog;
    use tokio::time::advance;
    use tokio_osinterval::interval_at;

    #[tokio::test(start_paused = true)]
    async fn missed_ticks_counts_what_skip_and_delay_skip() {
        let _watchdog = Watchdog::new();
        for behavior in [MissedTickBehavior::Skip, MissedTickBehavior::Delay] {
            for period in [ms(1), ms(8)] {
                let start = Instant::now();
                let mut interval = interval_at(start, period);
                interval.set_missed_tick_behavior(behavior);
                interval.tick().await;
                assert_eq!(interval.missed_ticks(), 0);
                advance(period * 4 + period / 2).await;
                assert_eq!(interval.tick().await, start + period);
                // The ticks after 2, 3 and 4 periods.
                assert_eq!(interval.missed_ticks(), 3);
                let next = interval.tick().await;
                assert_eq!(interval.missed_ticks(), 3);
                match behavior {
                    MissedTickBehavior::Skip => assert_eq!(next, start + period * 5),
                    _ => assert_eq!(next, start + period * 5 + period / 2),
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tick_late_by_the_threshold_is_not_missed() {
        let _watchdog = Watchdog::new();
        for (period, late) in [
            (ms(1), us(1000)),
            (ms(4), ms(4)),
            (ms(8), ms(5)),
            (ms(300), ms(5)),
        ] {
            let start = Instant::now();
            let mut interval = interval_at(start, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            advance(late).await;
            for k in 0..20 {
                assert_eq!(interval.tick().await, start + period * k);
                let next_late = start + period * (k + 1) + late;
                advance(next_late - Instant::now()).await;
            }
            assert_eq!(interval.missed_ticks(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn burst_misses_no_tick() {
        let _watchdog = Watchdog::new();
        let start = Instant::now();
        let mut interval = interval_at(start, ms(1));
        advance(ms(100)).await;
        for k in 0..100 {
            assert_eq!(interval.tick().await, start + ms(k));
        }
        assert_eq!(interval.missed_ticks(), 0);
    }
}
