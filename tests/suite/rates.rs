//! The ticks of a rate are exact, although most periods are no whole number of nanoseconds.

use std::time::Duration;

use crate::support::{ms, on_current_thread, on_every_runtime};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval};

/// Returns the time from the first tick to the `k`th after it: `per * k / ticks`, rounded up.
fn exact(k: u64, ticks: u64, per: Duration) -> Duration {
    let nanos = (per.as_nanos() * u128::from(k)).div_ceil(u128::from(ticks));
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

#[test]
fn ticks_of_a_rate_are_exact_and_never_early() {
    on_every_runtime(async || {
        for (ticks, per) in [(3, ms(1)), (7, ms(5)), (44_100, ms(64_000)), (1, ms(1))] {
            let mut interval = OsInterval::rate(ticks, per);
            let first = interval.tick().await;
            for k in 1..50 {
                let deadline = interval.tick().await;
                assert!(deadline <= Instant::now(), "early");
                assert_eq!(deadline - first, exact(k, ticks, per));
            }
        }
    });
}

#[test]
fn period_of_a_rate_is_rounded_up() {
    on_current_thread(async {
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

/// A tick that `Delay` moves restarts the rate as well.
#[test]
fn reset_restarts_the_rate() {
    on_current_thread(async {
        let per = ms(2);
        let mut interval = OsInterval::rate(3, per);
        interval.tick().await;
        interval.tick().await;
        let start = Instant::now() + ms(1);
        interval.reset_at(start);
        for k in 0..7 {
            assert_eq!(interval.tick().await - start, exact(k, 3, per));
        }
        interval.set_rate(7, per);
        let kept = interval.tick().await;
        for k in 1..9 {
            assert_eq!(interval.tick().await - kept, exact(k, 7, per));
        }
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        std::thread::sleep(ms(3));
        interval.tick().await;
        let moved = interval.tick().await;
        let next = interval.tick().await;
        // On a busy machine one of these ticks may be missed.
        if interval.missed_ticks() < 20 {
            assert!(next - moved >= exact(1, 7, per) || next > moved + per);
        }
    });
}

#[test]
fn skip_keeps_to_the_rate() {
    on_current_thread(async {
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
            assert_eq!(deadline - first, exact(k, 3, per));
            k += interval.missed_ticks() - before;
        }
        assert!(k > 5, "no tick was missed");
    });
}

/// The multiples of a rate are counted from 1970, to a fraction of a nanosecond. So two intervals agree on them,
/// whenever they are aligned.
#[test]
fn aligned_intervals_of_a_rate_agree() {
    on_current_thread(async {
        let per = ms(10);
        let aligned = || {
            let builder = OsInterval::builder(per).ticks(7).align_to_wall_clock();
            builder.build().unwrap()
        };
        // They differ by the time between the readings of two clocks, and by slewing.
        let agree = |a: Instant, b: Instant| {
            let apart = u64::try_from((b - a).as_nanos()).unwrap();
            let steps = (apart * 7 + 5_000_000) / 10_000_000;
            exact(steps, 7, per).as_nanos().abs_diff(apart.into()) < 20_000
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
        assert!(agreed);
    });
}

/// Runs through a year at 59.94 frames per second. It takes 100 ticks each day and skips the others.
#[cfg(feature = "test-util")]
#[test]
fn rate_is_exact_after_a_year() {
    use crate::support::{Watchdog, paused};
    use tokio_osinterval::time::advance;

    let _watchdog = Watchdog::new();
    paused().block_on(async {
        let (ticks, per) = (60_000, Duration::from_secs(1001));
        let mut frames = OsInterval::rate(ticks, per);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let first = frames.tick().await;
        let (mut k, mut day) = (0, 0);
        while day < 365 {
            for _ in 0..100 {
                k += 1;
                assert_eq!(frames.tick().await - first, exact(k, ticks, per));
            }
            day += 1;
            let before = frames.missed_ticks();
            let until = first + Duration::from_secs(86_400 * day);
            advance(until - Instant::now()).await;
            k += 1;
            assert_eq!(frames.tick().await - first, exact(k, ticks, per));
            k += frames.missed_ticks() - before;
        }
        assert!(k > 1_890_000_000, "{k} frames");
    });
}
