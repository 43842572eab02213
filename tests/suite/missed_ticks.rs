//! What each `MissedTickBehavior` does on a real clock, below tokio's threshold and above it.

use std::thread;
use std::time::Duration;

use crate::support::{Watchdog, current_thread, ms, us};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, interval};

/// An interval that has ticked once, at the returned instant, and was then blocked.
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
        // On a busy machine this one may be missed already.
        assert!(first.elapsed() > period.min(ms(5)), "missed in time");
    }
}

fn check(behavior: MissedTickBehavior, test: impl AsyncFn(Duration, Duration)) {
    let _watchdog = Watchdog::new("missed_ticks");
    println!("{behavior:?}");
    current_thread().block_on(async {
        // Below 5 ms tokio's `Skip` and `Delay` would be `Burst`.
        test(ms(1), us(3600)).await;
        test(ms(10), ms(36)).await;
    });
}

#[test]
fn burst_catches_up() {
    check(MissedTickBehavior::Burst, async |period, block| {
        let (mut interval, first) = blocked(period, MissedTickBehavior::Burst, block).await;
        for k in 1..8 {
            assert_eq!(interval.tick().await, first + period * k);
        }
        assert_eq!(interval.missed_ticks(), 0);
    });
}

#[test]
fn delay_starts_over() {
    check(MissedTickBehavior::Delay, async |period, block| {
        let (mut interval, first) = blocked(period, MissedTickBehavior::Delay, block).await;
        assert_eq!(interval.tick().await, first + period);
        let noticed = Instant::now();
        let second = interval.tick().await;
        assert!(
            second >= first + block + period,
            "one period after noticing"
        );
        assert!(second <= noticed + period);
        assert!(interval.missed_ticks() >= 2);
    });
}

#[test]
fn skip_stays_in_phase() {
    check(MissedTickBehavior::Skip, async |period, block| {
        let (mut interval, first) = blocked(period, MissedTickBehavior::Skip, block).await;
        assert_eq!(interval.tick().await, first + period);
        let mut last = first + period;
        for n in 0..5 {
            let tick = interval.tick().await;
            assert_eq!((tick - first).as_nanos() % period.as_nanos(), 0, "in phase");
            assert!(tick > last);
            assert!(
                n > 0 || tick >= first + 4 * period,
                "skipped what was missed"
            );
            last = tick;
        }
    });
}
