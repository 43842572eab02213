//! Exact rates: so many ticks in a span of time, whatever a nanosecond is too coarse for.

use std::time::Duration;

use crate::support::{Watchdog, current_thread, ms, on_every_runtime};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval};

/// `per * k / ticks`, rounded up, in arithmetic of its own.
fn after(k: u64, ticks: u64, per: Duration) -> Duration {
    let exact = per.as_nanos() * u128::from(k);
    let nanos = exact.div_ceil(u128::from(ticks));
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

#[test]
fn its_deadlines_are_exact_and_none_is_early() {
    on_every_runtime("its_deadlines_are_exact_and_none_is_early", || async {
        for (ticks, per) in [(3, ms(1)), (7, ms(5)), (44_100, ms(64_000)), (1, ms(1))] {
            let mut interval = OsInterval::rate(ticks, per);
            let first = interval.tick().await;
            for k in 1..50 {
                let deadline = interval.tick().await;
                assert!(deadline <= Instant::now(), "early");
                assert_eq!(deadline - first, after(k, ticks, per));
            }
        }
    });
}

#[test]
fn its_period_is_rounded_up_and_that_of_a_whole_one_is_not() {
    let _watchdog = Watchdog::new("its_period_is_rounded_up_and_that_of_a_whole_one_is_not");
    current_thread().block_on(async {
        let period = |ticks, per| OsInterval::rate(ticks, per).period();
        assert_eq!(period(3, ms(1)), Duration::from_nanos(333_334));
        assert_eq!(period(4, ms(1)), Duration::from_micros(250));
        assert_eq!(period(1, ms(1)), ms(1));
        let built = |per, ticks| OsInterval::builder(per).ticks(ticks).build().unwrap();
        assert_eq!(built(ms(1), 3).period(), Duration::from_nanos(333_334));
        assert_eq!(built(ms(1), 4).period(), Duration::from_micros(250));
        let mut interval = OsInterval::rate(3, ms(1));
        interval.set_period(ms(2));
        assert_eq!(interval.period(), ms(2));
        interval.set_rate(7, ms(1));
        assert_eq!(interval.period(), Duration::from_nanos(142_858));
        interval.set_rate(30_000, Duration::from_secs(1001));
        assert_eq!(interval.period(), Duration::from_nanos(33_366_667));
        let debug = format!("{interval:?}");
        assert!(debug.contains("period: 33.366667ms"), "{debug}");
    });
}

/// What resets it begins anew, and so does a tick that `Delay` moves.
#[test]
fn a_reset_is_a_new_beginning() {
    let _watchdog = Watchdog::new("a_reset_is_a_new_beginning");
    current_thread().block_on(async {
        let per = ms(2);
        let mut interval = OsInterval::rate(3, per);
        interval.tick().await;
        interval.tick().await;
        let start = Instant::now() + ms(1);
        interval.reset_at(start);
        for k in 0..7 {
            assert_eq!(interval.tick().await - start, after(k, 3, per));
        }
        interval.set_rate(7, per);
        let kept = interval.tick().await;
        for k in 1..9 {
            assert_eq!(interval.tick().await - kept, after(k, 7, per));
        }
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        std::thread::sleep(ms(3));
        interval.tick().await;
        let moved = interval.tick().await;
        let next = interval.tick().await;
        // Unless one of them was missed as well.
        if interval.missed_ticks() < 20 {
            assert!(next - moved >= after(1, 7, per) || next > moved + per);
        }
    });
}

/// `Skip` keeps to the rate, and counts what it passes over.
#[test]
fn skip_keeps_to_the_rate() {
    let _watchdog = Watchdog::new("skip_keeps_to_the_rate");
    current_thread().block_on(async {
        let per = ms(1);
        let mut interval = OsInterval::builder(per).ticks(3).build().unwrap();
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let first = interval.tick().await;
        let mut k = 0;
        for _ in 0..5 {
            std::thread::sleep(ms(4));
            let before = interval.missed_ticks();
            k += 1;
            let deadline = interval.tick().await;
            assert_eq!(deadline - first, after(k, 3, per));
            k += interval.missed_ticks() - before;
        }
        assert!(k > 5, "none was missed");
    });
}

/// Multiples of a rate are counted from 1970 to the part of a nanosecond, so that two that are aligned at
/// different times agree.
#[test]
fn an_aligned_rate_ticks_with_every_other() {
    let _watchdog = Watchdog::new("an_aligned_rate_ticks_with_every_other");
    current_thread().block_on(async {
        let per = ms(10);
        let aligned = || {
            let builder = OsInterval::builder(per).ticks(7).align_to_wall_clock();
            builder.build().unwrap()
        };
        // What lies between two readings of two clocks, and a clock that is slewed, make a difference.
        let agree = |a: Instant, b: Instant| {
            let apart = u64::try_from((b - a).as_nanos()).unwrap();
            let steps = (apart * 7 + 5_000_000) / 10_000_000;
            after(steps, 7, per).as_nanos().abs_diff(apart.into()) < 20_000
        };
        let mut agreed = false;
        for _ in 0..20 {
            let mut one = aligned();
            let first = one.tick().await;
            std::thread::sleep(ms(3));
            let mut another = aligned();
            let second = another.tick().await;
            one.reset_aligned();
            let third = one.tick().await;
            agreed |= agree(first, second) && agree(first, third);
        }
        assert!(agreed, "they do not");
    });
}

/// A year of frames at 59.94 Hz, of which a day is passed over at a time.
#[cfg(feature = "test-util")]
#[test]
fn after_a_year_it_is_off_by_less_than_a_nanosecond() {
    use tokio::runtime::Builder;
    use tokio_osinterval::time::advance;

    let _watchdog = Watchdog::new("after_a_year_it_is_off_by_less_than_a_nanosecond");
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (ticks, per) = (60_000, Duration::from_secs(1001));
        let mut frames = OsInterval::rate(ticks, per);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let first = frames.tick().await;
        let (mut k, mut day) = (0, 0);
        while day < 365 {
            // Some in a row, and then none for the rest of the day.
            for _ in 0..100 {
                k += 1;
                assert_eq!(frames.tick().await - first, after(k, ticks, per));
            }
            day += 1;
            let before = frames.missed_ticks();
            let until = first + Duration::from_secs(86_400 * day);
            advance(until - Instant::now()).await;
            k += 1;
            assert_eq!(frames.tick().await - first, after(k, ticks, per));
            k += frames.missed_ticks() - before;
        }
        assert!(k > 1_890_000_000, "{k} frames");
    });
}
