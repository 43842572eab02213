//! `OsInterval`, its functions and `MissedTickBehavior`.

use std::fmt::Debug;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::version::{MissedTickBehavior, OsInterval, interval, interval_at};
use crate::support::{
    HOUR, Watchdog, current_thread, ms, multi_thread, on_current_thread, on_every_runtime,
    panic_message,
};

/// Checks the type of each function. A call would check only what it passes.
mod signatures {
    use super::*;

    const _: fn(Duration) -> OsInterval = interval;
    const _: fn(Instant, Duration) -> OsInterval = interval_at;
    const _: fn(&OsInterval) -> Duration = OsInterval::period;
    const _: fn(&OsInterval) -> MissedTickBehavior = OsInterval::missed_tick_behavior;
    const _: fn(&mut OsInterval, MissedTickBehavior) = OsInterval::set_missed_tick_behavior;
    const _: fn(&mut OsInterval) = OsInterval::reset;
    const _: fn(&mut OsInterval) = OsInterval::reset_immediately;
    const _: fn(&mut OsInterval, Duration) = OsInterval::reset_after;
    const _: fn(&mut OsInterval, Instant) = OsInterval::reset_at;
    const _: fn(&mut OsInterval, &mut Context<'_>) -> Poll<Instant> = OsInterval::poll_tick;

    pub(super) fn tick(
        interval: &mut OsInterval,
    ) -> impl Future<Output = Instant> + Send + Sync + '_ {
        OsInterval::tick(interval)
    }
}

const fn is_object<T: Debug + Send + Sync + Unpin>() {}
const _: () = is_object::<OsInterval>();

const fn is_value<T>()
where
    T: Clone + Copy + Debug + Default + Eq + PartialEq + Send + Sync + Unpin,
    T: UnwindSafe + RefUnwindSafe,
{
}
const _: () = is_value::<MissedTickBehavior>();

/// Compiles only if there is no other variant.
const fn name_of(behavior: MissedTickBehavior) -> &'static str {
    match behavior {
        MissedTickBehavior::Burst => "Burst",
        MissedTickBehavior::Delay => "Delay",
        MissedTickBehavior::Skip => "Skip",
    }
}

const ALL: [MissedTickBehavior; 3] = [
    MissedTickBehavior::Burst,
    MissedTickBehavior::Delay,
    MissedTickBehavior::Skip,
];

#[test]
fn behaviors_are_those_of_1_0() {
    // A constant can be a pattern.
    const DEFAULT: MissedTickBehavior = MissedTickBehavior::Burst;

    assert!(matches!(MissedTickBehavior::default(), DEFAULT));
    for behavior in ALL {
        assert_eq!(format!("{behavior:?}"), name_of(behavior));
        let same = ALL.iter().filter(|other| **other == behavior);
        assert_eq!(same.count(), 1);
    }
}

#[test]
fn interval_has_the_state_of_1_0() {
    on_current_thread(async {
        for mut interval in [interval(ms(7)), interval_at(Instant::now(), ms(7))] {
            assert_eq!(interval.period(), ms(7));
            assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
            for behavior in ALL {
                interval.set_missed_tick_behavior(behavior);
                assert_eq!(interval.missed_tick_behavior(), behavior);
            }
            let debug = format!("{interval:?}");
            for part in ["OsInterval {", "period: 7ms", "missed_tick_behavior: Skip"] {
                assert!(debug.contains(part), "{debug}");
            }
        }
    });
}

#[test]
fn zero_period_panics_as_in_1_0() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let _context = runtime.enter();
    let functions: [fn() -> OsInterval; 2] = [
        || interval(Duration::ZERO),
        || interval_at(Instant::now(), Duration::ZERO),
    ];
    for create in functions {
        let message = panic_message(|| drop(create()));
        assert!(message.contains("`period` must be non-zero"), "{message}");
    }
}

#[test]
fn deadlines_are_those_of_1_0() {
    on_every_runtime(async || {
        let before = Instant::now();
        let mut now = interval(ms(2));
        let created = Instant::now();
        let first = now.tick().await;
        assert!((before..=created).contains(&first), "at once");
        for k in 1..5 {
            assert_eq!(signatures::tick(&mut now).await, first + ms(2) * k);
            assert!(Instant::now() >= first + ms(2) * k, "early");
        }

        let start = Instant::now() + ms(5);
        let mut later = interval_at(start, ms(2));
        for k in 0..5 {
            assert_eq!(later.tick().await, start + ms(2) * k);
            assert!(Instant::now() >= start + ms(2) * k, "early");
        }
    });
}

/// The next tick has the deadline of the canceled one.
#[test]
fn tick_is_canceled_as_in_1_0() {
    on_every_runtime(async || {
        let start = Instant::now() + ms(20);
        let mut interval = interval_at(start, ms(2));
        let next = match timeout(ms(1), interval.tick()).await {
            Err(_elapsed) => start,
            // This thread was preempted.
            Ok(_start) => start + ms(2),
        };
        assert_eq!(interval.tick().await, next);
    });
}

#[test]
fn interval_is_polled_as_in_1_0() {
    on_current_thread(async {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut interval = interval_at(Instant::now() + HOUR, HOUR);
        assert_eq!(interval.poll_tick(cx), Poll::Pending);
        let past = Instant::now();
        interval.reset_at(past);
        assert_eq!(interval.poll_tick(cx), Poll::Ready(past));
        assert_eq!(interval.poll_tick(cx), Poll::Pending);
    });
}

#[test]
fn resets_are_those_of_1_0() {
    on_every_runtime(async || {
        let period = ms(20);
        let mut interval = interval_at(Instant::now() + 10 * period, period);
        for after in [period, Duration::ZERO, ms(3)] {
            let before = Instant::now();
            match after {
                Duration::ZERO => interval.reset_immediately(),
                _ if after == period => interval.reset(),
                _ => interval.reset_after(after),
            }
            let deadlines = before + after..=Instant::now() + after;
            let first = interval.tick().await;
            assert!(deadlines.contains(&first));
            assert_eq!(
                interval.tick().await,
                first + period,
                "in phase with the first"
            );
        }
        let deadline = Instant::now() + ms(4);
        interval.reset_at(deadline);
        assert_eq!(interval.tick().await, deadline);
    });
}

/// Two and a half periods have passed at the first poll.
#[test]
fn missed_ticks_are_handled_as_in_1_0() {
    on_every_runtime(async || {
        let period = ms(20);
        let late_interval = |behavior| {
            let start = Instant::now().checked_sub(5 * period / 2).unwrap();
            let mut interval = interval_at(start, period);
            interval.set_missed_tick_behavior(behavior);
            (start, interval)
        };

        let (start, mut burst) = late_interval(MissedTickBehavior::Burst);
        for k in 0..5 {
            assert_eq!(burst.tick().await, start + period * k);
        }

        let (start, mut delay) = late_interval(MissedTickBehavior::Delay);
        let before = Instant::now();
        assert_eq!(delay.tick().await, start);
        let deadlines = before + period..=Instant::now() + period;
        assert!(deadlines.contains(&delay.tick().await));

        let (start, mut skip) = late_interval(MissedTickBehavior::Skip);
        let before = Instant::now();
        assert_eq!(skip.tick().await, start);
        let deadlines = before..=Instant::now() + period;
        let next = skip.tick().await;
        assert!(deadlines.contains(&next), "the first multiple to come");
        assert_eq!((next - start).as_nanos() % period.as_nanos(), 0, "in phase");
    });
}

#[test]
fn task_may_own_an_interval_as_in_1_0() {
    let _watchdog = Watchdog::new();
    multi_thread(2).block_on(async {
        let mut interval = interval(ms(1));
        let first = interval.tick().await;
        let task = tokio::spawn(async move { interval.tick().await });
        assert_eq!(task.await.unwrap(), first + ms(1));
    });
}
