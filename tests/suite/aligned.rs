//! Aligned intervals tick at multiples of their period in wall-clock time.

use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{
    Watchdog, current_thread, ms, on_current_thread, on_every_runtime, panic_message_here,
    poll_once, us,
};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval_aligned};

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Returns how far wall-clock time is past a multiple of `period` at `deadline`, plus the time between the
/// two clock readings.
fn past_multiple(deadline: Instant, period: Duration) -> Duration {
    let elapsed = deadline.elapsed();
    let wall = since_1970();
    let at_deadline = wall.checked_sub(elapsed).unwrap().as_nanos();
    Duration::from_nanos(u64::try_from(at_deadline % period.as_nanos()).unwrap())
}

/// Returns `true` if `deadline` is at a multiple of `period`. It takes the best of many readings, because the
/// thread may be preempted between two clock readings.
fn is_aligned(deadline: Instant, period: Duration) -> bool {
    (0..1000).any(|_| past_multiple(deadline, period) < us(50))
}

/// Returns `true` if one of some rounds succeeds. A wall clock that is set during a round spoils it.
fn any_round(mut round: impl FnMut() -> bool) -> bool {
    (0..5).any(|_| round())
}

#[test]
fn first_tick_is_at_the_next_multiple() {
    let _watchdog = Watchdog::new();
    for period in [ms(7), ms(20), ms(500)] {
        let aligned = any_round(|| {
            current_thread().block_on(async {
                let before = Instant::now();
                let mut interval = interval_aligned(period);
                let after = Instant::now();
                let first = interval.tick().await;
                assert!(first > before, "not in the past");
                assert!(first <= after + period, "at most one period away");
                let second = interval.tick().await;
                assert_eq!(second - first, period);
                is_aligned(first, period)
            })
        });
        assert!(aligned, "{period:?}");
    }
}

/// When the tick is delivered, the wall clock itself has passed the multiple.
#[test]
fn no_aligned_tick_is_early() {
    on_current_thread(async {
        let period = ms(3);
        let mut early = 0;
        for _ in 0..100 {
            let multiple = since_1970().as_nanos() / period.as_nanos() + 1;
            interval_aligned(period).tick().await;
            if since_1970().as_nanos() < multiple * period.as_nanos() {
                early += 1;
            }
        }
        // Each interval reads the clock anew, so a clock that is set back spoils one of them.
        assert!(early <= 1, "{early} of 100 early");
    });
}

#[test]
fn builder_and_reset_align() {
    let _watchdog = Watchdog::new();
    let period = ms(20);
    assert!(any_round(|| {
        current_thread().block_on(async {
            let mut interval = OsInterval::builder(period)
                .start(Instant::now())
                .align_to_wall_clock()
                .build()
                .unwrap();
            let built = is_aligned(interval.tick().await, period);

            // Leave the multiples, and return to them.
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
fn later_start_overrides_alignment() {
    on_every_runtime(async || {
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
fn aligned_period_may_be_decades() {
    on_current_thread(async {
        let mut interval = interval_aligned(Duration::MAX);
        assert!(interval.period() > Duration::from_secs(86_400 * 365));
        let mut tick = pin!(interval.tick());
        assert!(poll_once(&mut tick).await.is_pending());
    });
}

#[test]
fn zero_aligned_period_panics_at_the_caller() {
    let message = panic_message_here(|| drop(interval_aligned(Duration::ZERO)));
    assert_eq!(message, "`period` must be non-zero.");
}

/// `tests/clock-set.sh` runs this test under libfaketime, which reads from a file how far to move the clock.
#[test]
#[ignore = "needs a wall clock that it may set: tests/clock-set.sh"]
fn set_wall_clock_moves_no_deadline() {
    let offset_file = std::env::var("FAKETIME_TIMESTAMP_FILE").unwrap();
    let set_by = |offset: &str| {
        let before = since_1970();
        std::fs::write(&offset_file, offset).unwrap();
        let after = since_1970();
        assert!(after.abs_diff(before) > ms(200), "{before:?} {after:?}");
    };
    let period = ms(20);
    on_current_thread(async {
        let mut interval = interval_aligned(period);
        let mut last = interval.tick().await;
        assert!(is_aligned(last, period));
        for offset in ["+3.007", "-1000.011"] {
            set_by(offset);
            // The deadlines stay where they were, so they are no multiples of the set clock.
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
