//! No time overflows, however far away or long past.

use std::future::pending;
use std::time::Duration;

use crate::support::{HOUR, THIRTY_YEARS, ms, on_current_thread, poll_once, us};
use tokio::time::Instant;
use tokio_osinterval::{
    MissedTickBehavior, OsInterval, PeriodicInterval, interval, interval_at, sleep, timeout,
};

/// Returns the last instant that the clock of this system can express, or nearly.
fn end_of_time() -> Instant {
    let mut last = Instant::now();
    let mut step = Duration::MAX;
    while step > Duration::from_nanos(1) {
        match last.checked_add(step) {
            Some(later) => last = later,
            None => step /= 2,
        }
    }
    last
}

async fn assert_waits(interval: &mut OsInterval) {
    assert!(poll_once(interval.tick()).await.is_pending());
}

#[test]
fn longest_period_saturates_as_in_tokio() {
    on_current_thread(async {
        for behavior in [
            MissedTickBehavior::Burst,
            MissedTickBehavior::Delay,
            MissedTickBehavior::Skip,
        ] {
            let mut interval = interval(Duration::MAX);
            interval.set_missed_tick_behavior(behavior);
            let peer = tokio::time::interval(Duration::MAX);
            assert_eq!(interval.period(), peer.period());
            assert_eq!(interval.period(), THIRTY_YEARS);
            interval.tick().await;
            assert_waits(&mut interval).await;
            interval.reset();
            assert_waits(&mut interval).await;
            interval.reset_after(Duration::MAX);
            assert_waits(&mut interval).await;
            interval.set_period(Duration::MAX);
            interval.reset_immediately();
            interval.tick().await;
            assert_waits(&mut interval).await;
        }
    });
}

#[test]
fn end_of_time_is_never_reached() {
    on_current_thread(async {
        let end = end_of_time();
        assert_waits(&mut interval_at(end, Duration::MAX)).await;
        let mut reset = interval(ms(1));
        reset.reset_at(end);
        assert_waits(&mut reset).await;
        // A timer that is never due does not hold up another.
        let mut soon = interval(ms(1));
        for _ in 0..5 {
            soon.tick().await;
        }
        assert_waits(&mut reset).await;
    });
}

#[test]
fn past_instants_are_due_at_once() {
    // The clock may start with the machine, so the past instant is a recent one.
    let past = Instant::now();
    std::thread::sleep(ms(30));
    on_current_thread(async {
        let mut burst = interval_at(past, ms(10));
        for k in 0..3 {
            assert_eq!(burst.tick().await, past + ms(10) * k);
        }
        let mut skip = OsInterval::builder(ms(10))
            .start(past)
            .missed_tick_behavior(MissedTickBehavior::Skip)
            .build()
            .unwrap();
        assert_eq!(skip.tick().await, past);
        assert!(skip.tick().await >= past + ms(30));
        assert!(skip.missed_ticks() >= 2);
        let mut reset = interval(HOUR);
        reset.reset_at(past);
        assert_eq!(reset.tick().await, past);
    });
}

#[test]
fn longest_periodic_interval_saturates() {
    on_current_thread(async {
        let mut interval = PeriodicInterval::new(Duration::MAX).unwrap();
        assert_eq!(interval.period(), THIRTY_YEARS);
        assert!(poll_once(interval.tick()).await.is_pending());
        std::thread::sleep(ms(5));
        assert!(poll_once(interval.tick()).await.is_pending());
    });
}

#[test]
fn longest_sleep_and_timeout_do_not_overflow() {
    on_current_thread(async {
        let mut sleeping = Box::pin(sleep(Duration::MAX));
        assert!(poll_once(&mut sleeping).await.is_pending());
        let mut endless = Box::pin(timeout(Duration::MAX, pending::<()>()));
        assert!(poll_once(&mut endless).await.is_pending());
        assert_eq!(timeout(Duration::MAX, sleep(us(1))).await, Ok(()));
    });
}
