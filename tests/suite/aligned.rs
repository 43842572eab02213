//! Intervals that tick at multiples of wall-clock time.

use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Watchdog, current_thread, ms, on_every_runtime, panic_of, poll_once, us};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval_aligned};

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// How far into a period wall-clock time is at `deadline`, at most: what lies between the two
/// readings of the clock is added.
fn into_a_period(deadline: Instant, period: Duration) -> Duration {
    let behind = deadline.elapsed();
    let wall = since_1970();
    let at_deadline = wall.checked_sub(behind).unwrap().as_nanos();
    Duration::from_nanos(u64::try_from(at_deadline % period.as_nanos()).unwrap())
}

/// The best of many, so that a preemption between two readings of the clock does not matter.
fn is_aligned(deadline: Instant, period: Duration) -> bool {
    (0..1000).any(|_| into_a_period(deadline, period) < us(50))
}

/// A clock that is set meanwhile spoils a round, and is not our fault.
fn in_one_of_some_rounds(mut round: impl FnMut() -> bool) -> bool {
    (0..5).any(|_| round())
}

#[test]
fn the_first_tick_is_the_next_multiple() {
    let _watchdog = Watchdog::new("the_first_tick_is_the_next_multiple");
    for period in [ms(7), ms(20), ms(500)] {
        let aligned = in_one_of_some_rounds(|| {
            current_thread().block_on(async {
                let before = Instant::now();
                let mut interval = interval_aligned(period);
                let made = Instant::now();
                let first = interval.tick().await;
                assert!(first > before, "the next one to come");
                assert!(first <= made + period, "at most one period away");
                let second = interval.tick().await;
                assert_eq!(second - first, period);
                is_aligned(first, period)
            })
        });
        assert!(aligned, "{period:?}");
    }
}

/// By the wall clock itself: when the tick is delivered, the multiple has passed.
#[test]
fn never_before_the_multiple() {
    let _watchdog = Watchdog::new("never_before_the_multiple");
    current_thread().block_on(async {
        let period = ms(3);
        let mut early = 0;
        for _ in 0..100 {
            let multiple = since_1970().as_nanos() / period.as_nanos() + 1;
            interval_aligned(period).tick().await;
            if since_1970().as_nanos() < multiple * period.as_nanos() {
                early += 1;
            }
        }
        // One, if somebody set the clock back just then; all are aligned anew.
        assert!(early <= 1, "{early} of 100 early");
    });
}

#[test]
fn the_builder_and_a_reset_align_too() {
    let _watchdog = Watchdog::new("the_builder_and_a_reset_align_too");
    let period = ms(20);
    assert!(in_one_of_some_rounds(|| {
        current_thread().block_on(async {
            let mut interval = OsInterval::builder(period)
                .start(Instant::now())
                .align_to_wall_clock()
                .build()
                .unwrap();
            let built = is_aligned(interval.tick().await, period);

            // Out of step, and back into it.
            interval.reset_after(us(3_210));
            interval.tick().await;
            let before = Instant::now();
            interval.reset_aligned();
            let after = Instant::now();
            let first = interval.tick().await;
            assert!(before < first && first <= after + period);
            built && is_aligned(first, period)
        })
    }));
}

#[test]
fn the_last_word_about_the_start_counts() {
    on_every_runtime("the_last_word_about_the_start_counts", || async {
        let start = Instant::now() + ms(1);
        let mut interval = OsInterval::builder(ms(10))
            .align_to_wall_clock()
            .start(start)
            .build()
            .unwrap();
        assert_eq!(interval.tick().await, start);
    });
}

#[test]
fn decades_are_no_trouble() {
    current_thread().block_on(async {
        let mut interval = interval_aligned(Duration::MAX);
        assert!(interval.period() > Duration::from_secs(86_400 * 365));
        let mut tick = pin!(interval.tick());
        assert!(poll_once(&mut tick).await.is_pending());
    });
}

#[test]
fn zero_panics_at_the_caller() {
    let (message, file) = panic_of(|| drop(interval_aligned(Duration::ZERO))).expect("a panic");
    assert_eq!(message, "`period` must be non-zero.");
    assert_eq!(file, file!());
}

/// Under a clock that somebody sets: `tests/clock-set.sh` runs it with libfaketime, which reads by
/// how much from a file.
#[test]
#[ignore = "needs a wall clock that it may set: tests/clock-set.sh"]
fn the_clock_is_set() {
    let _watchdog = Watchdog::new("the_clock_is_set");
    let offset = std::env::var("FAKETIME_TIMESTAMP_FILE").unwrap();
    let set = |offset_of: &str| {
        let before = since_1970();
        std::fs::write(&offset, offset_of).unwrap();
        let after = since_1970();
        assert!(after.abs_diff(before) > ms(200), "{before:?} {after:?}");
    };
    let period = ms(20);
    current_thread().block_on(async {
        let mut interval = interval_aligned(period);
        let mut last = interval.tick().await;
        assert!(is_aligned(last, period));
        for set_by in ["+3.007", "-1000.011"] {
            set(set_by);
            // The schedule does not move, and so it is off by as much.
            for _ in 0..5 {
                let tick = interval.tick().await;
                assert_eq!(tick - last, period);
                assert!(!is_aligned(tick, period));
                last = tick;
            }
            interval.reset_aligned();
            last = interval.tick().await;
            assert!(is_aligned(last, period));
        }
    });
}
