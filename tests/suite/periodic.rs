//! `PeriodicInterval`: the kernel counts.

use std::time::Duration;

use crate::support::{Watchdog, current_thread, ms, multi_thread, on_every_runtime, us};
use tokio::time::Instant;
use tokio_osinterval::{Expirations, PeriodicInterval};

#[test]
fn first_expiration_is_one_period_away() {
    on_every_runtime("first_expiration_is_one_period_away", || async {
        let before = Instant::now();
        let mut interval = PeriodicInterval::new(ms(5)).unwrap();
        interval.tick().await.unwrap();
        assert!(before.elapsed() >= ms(5));
    });
}

/// However late it is asked: the expirations so far are never more than the time so far holds, and
/// in the end none is missing.
#[test]
fn never_early_and_none_is_lost() {
    let _watchdog = Watchdog::new("never_early_and_none_is_lost");
    for runtime in [current_thread(), multi_thread(2)] {
        for period in [us(100), us(333), ms(1), ms(7)] {
            runtime.block_on(async {
                let before = Instant::now();
                let mut interval = PeriodicInterval::new(period).unwrap();
                let after = Instant::now();
                let mut total: Expirations = 0;
                for n in 0..60 {
                    if n % 20 == 19 {
                        // Overruns, and is told by how much.
                        std::thread::sleep(period * 3);
                        let overrun = interval.tick().await.unwrap();
                        assert!(overrun >= 3, "{overrun}");
                        total += overrun;
                    }
                    let asked = after.elapsed();
                    let count = interval.tick().await.unwrap();
                    assert!(count >= 1);
                    total += count;
                    let most = before.elapsed().as_nanos() / period.as_nanos();
                    assert!(u128::from(total) <= most, "early");
                    let least = asked.as_nanos() / period.as_nanos();
                    assert!(u128::from(total) >= least, "lost");
                }
            });
        }
    }
}

#[test]
fn unread_for_long_it_still_counts_all() {
    let _watchdog = Watchdog::new("unread_for_long_it_still_counts_all");
    current_thread().block_on(async {
        let mut interval = PeriodicInterval::new(ms(1)).unwrap();
        let after = Instant::now();
        std::thread::sleep(ms(50));
        let late = after.elapsed();
        let count = interval.tick().await.unwrap();
        assert!(u128::from(count) >= late.as_millis(), "{count}");
    });
}

#[test]
fn cancellation_loses_nothing() {
    on_every_runtime("cancellation_loses_nothing", || async {
        let mut interval = PeriodicInterval::new(ms(2)).unwrap();
        let after = Instant::now();
        let mut total = 0;
        while after.elapsed() < ms(60) {
            match tokio::time::timeout(us(500), interval.tick()).await {
                Ok(count) => total += count.unwrap(),
                Err(_elapsed) => {}
            }
        }
        let least = after.elapsed().as_nanos() / ms(2).as_nanos();
        total += interval.tick().await.unwrap();
        assert!(u128::from(total) >= least, "{total} of {least}");
    });
}

#[test]
fn it_starves_nobody() {
    let _watchdog = Watchdog::new("it_starves_nobody");
    current_thread().block_on(async {
        let greedy = tokio::spawn(async {
            let mut interval = PeriodicInterval::new(Duration::from_nanos(1)).unwrap();
            loop {
                interval.tick().await.unwrap();
            }
        });
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        greedy.abort();
    });
}

#[test]
fn debug_shows_the_period() {
    current_thread().block_on(async {
        let interval = PeriodicInterval::new(ms(7)).unwrap();
        assert_eq!(
            format!("{interval:?}"),
            "PeriodicInterval { period: 7ms, clock: Monotonic, .. }"
        );
    });
}
