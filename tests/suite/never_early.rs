//! No tick and no sleep ends before its deadline, and a tick returns its deadline.

use std::time::Duration;

use crate::support::{
    HOUR, Watchdog, current_thread, ms, multi_thread, on_current_thread, on_every_runtime,
    on_runtimes, us,
};
use tokio::time::Instant;
use tokio_osinterval::{
    MissedTickBehavior, OsInterval, Precision, interval, interval_at, sleep, sleep_until,
};

const PERIODS: [Duration; 7] = [us(20), us(137), us(500), ms(1), us(1999), ms(5), ms(7)];

/// Checks each tick of some milliseconds. Returns the number of ticks.
async fn check_every_tick(period: Duration, behavior: MissedTickBehavior) -> usize {
    let start = Instant::now() + us(300);
    let mut interval = OsInterval::builder(period)
        .start(start)
        .missed_tick_behavior(behavior)
        .build()
        .unwrap();
    let mut last = None;
    let mut samples = 0;
    while samples < 50 || start.elapsed() < ms(60) {
        let deadline = interval.tick().await;
        let now = Instant::now();
        assert!(now >= deadline, "{:?} early", deadline - now);
        assert!(last < Some(deadline), "deadlines increase");
        last = Some(deadline);
        samples += 1;
    }
    samples
}

#[test]
fn no_tick_is_early() {
    let _watchdog = Watchdog::new();
    let mut samples = 0;
    for runtime in [current_thread(), multi_thread(2)] {
        for period in PERIODS {
            for behavior in [
                MissedTickBehavior::Burst,
                MissedTickBehavior::Delay,
                MissedTickBehavior::Skip,
            ] {
                let test = async move { tokio::spawn(check_every_tick(period, behavior)).await };
                samples += runtime.block_on(test).unwrap();
            }
        }
    }
    println!("{samples} samples");
}

/// Runs each of the intervals in a task, for a number of ticks.
async fn check_together(intervals: impl Iterator<Item = (OsInterval, usize)>) {
    let tasks: Vec<_> = intervals
        .map(|(mut interval, ticks)| {
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
}

#[test]
fn no_tick_of_many_intervals_is_early() {
    on_runtimes([current_thread(), multi_thread(2)], async || {
        let start = Instant::now() + ms(5);
        let intervals = (0..500).map(|n| (interval_at(start + us(20 * n), ms(10)), 10));
        check_together(intervals).await;
    });
}

#[test]
fn no_tick_with_a_tolerance_is_early() {
    on_every_runtime(async || {
        let start = Instant::now() + ms(3);
        let intervals = (0..100_u32).map(|n| {
            let builder = OsInterval::builder(ms(4)).start(start + us(40) * n);
            let tolerance = [Duration::ZERO, us(70), ms(1), Duration::MAX][n as usize % 4];
            // An interval that tolerates everything ticks together with the others, or never.
            let ticks = if tolerance == Duration::MAX { 1 } else { 10 };
            (builder.tolerance(tolerance).build().unwrap(), ticks)
        });
        check_together(intervals).await;
    });
}

#[test]
fn no_spinning_tick_or_sleep_is_early() {
    on_runtimes([current_thread(), multi_thread(2)], async || {
        for period in [us(20), us(200), us(333), ms(1), ms(3)] {
            let test = async move {
                let mut interval = OsInterval::builder(period)
                    .precision(Precision::Spin)
                    .missed_tick_behavior(MissedTickBehavior::Skip)
                    .start(Instant::now() + period)
                    .build()
                    .unwrap();
                for _ in 0..100 {
                    let deadline = interval.tick().await;
                    let now = Instant::now();
                    assert!(now >= deadline, "{:?} early", deadline - now);
                    let sleep = sleep(period).with_precision(Precision::Spin);
                    let deadline = sleep.deadline();
                    sleep.await;
                    let now = Instant::now();
                    assert!(now >= deadline, "{:?} early", deadline - now);
                }
            };
            tokio::spawn(test).await.unwrap();
        }
    });
}

#[test]
fn no_sleep_is_early() {
    on_every_runtime(async || {
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                tokio::spawn(async move {
                    for k in 0..20 {
                        let deadline = Instant::now() + us(50 + 37 * n + 211 * k);
                        sleep_until(deadline).await;
                        assert!(Instant::now() >= deadline);
                        let before = Instant::now();
                        sleep(us(k * 20)).await;
                        assert!(before.elapsed() >= us(k * 20));
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
fn ticks_return_their_deadlines() {
    on_current_thread(async {
        for period in PERIODS {
            let start = Instant::now() + us(700);
            let mut interval = interval_at(start, period);
            for k in 0..40 {
                assert_eq!(interval.tick().await, start + period * k);
            }
        }
    });
}

#[test]
fn first_tick_is_immediate() {
    on_current_thread(async {
        let before = Instant::now();
        let mut interval = interval(HOUR);
        let first = interval.tick().await;
        assert!(before <= first && first <= Instant::now());
    });
}
