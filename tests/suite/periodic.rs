//! A `PeriodicInterval` counts the expirations of its kernel timer.

use crate::support::{
    current_thread, ms, multi_thread, on_current_thread, on_every_runtime, on_runtimes, us,
};
use tokio::time::Instant;
use tokio_osinterval::{Expirations, PeriodicInterval};

#[test]
fn first_expiration_is_one_period_away() {
    on_every_runtime(async || {
        let before = Instant::now();
        let mut interval = PeriodicInterval::new(ms(5)).unwrap();
        interval.tick().await.unwrap();
        assert!(before.elapsed() >= ms(5));
    });
}

/// At any time the number of expirations fits the elapsed time: a larger one is early, a smaller one lost.
#[test]
fn no_expiration_is_early_or_lost() {
    on_runtimes([current_thread(), multi_thread(2)], async || {
        for period in [us(100), us(333), ms(1), ms(7)] {
            let before = Instant::now();
            let mut interval = PeriodicInterval::new(period).unwrap();
            let after = Instant::now();
            let mut total: Expirations = 0;
            for n in 0..60 {
                if n % 20 == 19 {
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
        }
    });
}

#[test]
fn unread_expirations_are_counted() {
    on_current_thread(async {
        let mut interval = PeriodicInterval::new(ms(1)).unwrap();
        let after = Instant::now();
        std::thread::sleep(ms(50));
        let late = after.elapsed();
        let count = interval.tick().await.unwrap();
        assert!(u128::from(count) >= late.as_millis(), "{count}");
    });
}
