//! Nothing overflows, however far away or long ago.

use std::time::Duration;

use crate::support::{Watchdog, current_thread, ms, poll_once};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval, interval, interval_at};

const DECADES_30: Duration = Duration::from_secs(86_400 * 365 * 30);

/// The last instant that this system's clock can express, or nearly.
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

#[test]
fn duration_max_saturates_as_tokio_does() {
    let _watchdog = Watchdog::new("duration_max_saturates_as_tokio_does");
    current_thread().block_on(async {
        for behavior in [
            MissedTickBehavior::Burst,
            MissedTickBehavior::Delay,
            MissedTickBehavior::Skip,
        ] {
            let mut ours = interval(Duration::MAX);
            ours.set_missed_tick_behavior(behavior);
            assert_eq!(ours.period(), tokio::time::interval(Duration::MAX).period());
            assert_eq!(ours.period(), DECADES_30);
            ours.tick().await;
            assert!(poll_once(&mut Box::pin(ours.tick())).await.is_pending());
            ours.reset();
            assert!(poll_once(&mut Box::pin(ours.tick())).await.is_pending());
            ours.reset_after(Duration::MAX);
            assert!(poll_once(&mut Box::pin(ours.tick())).await.is_pending());
            ours.set_period(Duration::MAX);
            ours.reset_immediately();
            ours.tick().await;
            assert!(poll_once(&mut Box::pin(ours.tick())).await.is_pending());
        }
    });
}

#[test]
fn the_end_of_time_is_never_reached() {
    let _watchdog = Watchdog::new("the_end_of_time_is_never_reached");
    current_thread().block_on(async {
        let end = end_of_time();
        let mut at_start = interval_at(end, Duration::MAX);
        assert!(poll_once(&mut Box::pin(at_start.tick())).await.is_pending());
        let mut by_reset = interval(ms(1));
        by_reset.reset_at(end);
        assert!(poll_once(&mut Box::pin(by_reset.tick())).await.is_pending());
        // One that is due is not held up by one that never is.
        let mut soon = interval(ms(1));
        for _ in 0..5 {
            soon.tick().await;
        }
        assert!(poll_once(&mut Box::pin(by_reset.tick())).await.is_pending());
    });
}

#[test]
fn instants_in_the_past_are_due_at_once() {
    let _watchdog = Watchdog::new("instants_in_the_past_are_due_at_once");
    // Of a thread that lives: a clock may start with the machine, so not far back.
    let past = Instant::now();
    std::thread::sleep(ms(30));
    current_thread().block_on(async {
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
        let mut reset = interval(Duration::from_secs(3600));
        reset.reset_at(past);
        assert_eq!(reset.tick().await, past);
    });
}

#[test]
fn periodic_saturates() {
    let _watchdog = Watchdog::new("periodic_saturates");
    current_thread().block_on(async {
        let mut interval = tokio_osinterval::PeriodicInterval::new(Duration::MAX).unwrap();
        assert_eq!(interval.period(), DECADES_30);
        assert!(poll_once(&mut Box::pin(interval.tick())).await.is_pending());
        std::thread::sleep(ms(5));
        assert!(poll_once(&mut Box::pin(interval.tick())).await.is_pending());
    });
}
