//! A `PeriodicInterval` by each clock.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Watchdog, current_thread, ms, on_every_runtime, panic_of, us};
use tokio::time::Instant;
use tokio_osinterval::error::ClockWasSet;
use tokio_osinterval::{Clock, Expirations, PeriodicInterval};

#[test]
fn monotonic_is_the_default() {
    current_thread().block_on(async {
        let interval = PeriodicInterval::new(ms(1)).unwrap();
        assert_eq!(interval.clock(), Clock::Monotonic);
        assert_eq!(Clock::default(), Clock::Monotonic);
    });
}

#[test]
fn it_starts_when_it_is_told_to() {
    on_every_runtime("it_starts_when_it_is_told_to", || async {
        for clock in supported() {
            let start = Instant::now() + ms(5);
            let built = PeriodicInterval::builder(ms(1)).clock(clock).start(start);
            let mut interval = built.build().unwrap();
            if tick(&mut interval).await.is_some() {
                assert!(Instant::now() >= start, "{clock:?}");
            }
        }
    });
}

#[test]
fn what_has_expired_since_a_start_in_the_past_is_counted() {
    on_every_runtime(
        "what_has_expired_since_a_start_in_the_past_is_counted",
        || async {
            for clock in supported() {
                let now = Instant::now();
                let start = now.checked_sub(us(3_500)).unwrap_or(now);
                let built = PeriodicInterval::builder(ms(1)).clock(clock).start(start);
                let mut interval = built.build().unwrap();
                let Some(count) = tick(&mut interval).await else {
                    continue;
                };
                // The start itself is the first.
                assert!(count >= 4, "{clock:?}: {count}");
                let most = start.elapsed().as_millis() + 1;
                assert!(u128::from(count) <= most, "{clock:?}: {count}");
            }
        },
    );
}

#[test]
fn aligned_to_the_wall_clock() {
    let _watchdog = Watchdog::new("aligned_to_the_wall_clock");
    let wall = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let period = ms(40);
    for clock in supported() {
        // The best of some: each is late by some microseconds, or by a preemption.
        let late = (0..10).map(|_| {
            current_thread().block_on(async {
                let multiple = wall().as_nanos() / period.as_nanos() + 1;
                let built = PeriodicInterval::builder(period).clock(clock);
                let mut interval = built.align_to_wall_clock().build().unwrap();
                if tick(&mut interval).await.is_none() {
                    return u128::MAX;
                }
                let late = wall().as_nanos().checked_sub(multiple * period.as_nanos());
                late.expect("not before the multiple")
            })
        });
        // tokio's Sleep is up to 2 ms late, a kernel that counts in ticks of 10 ms up to 20.
        let most = if cfg!(kqueue_millis) {
            25_000_000
        } else {
            4_000_000
        };
        assert!(late.min().unwrap() < most, "{clock:?}");
    }
}

/// Nothing is early and nothing lost, by any clock.
#[test]
fn by_every_clock_every_expiration_is_counted() {
    let _watchdog = Watchdog::new("by_every_clock_every_expiration_is_counted");
    for clock in supported() {
        current_thread().block_on(async {
            let before = Instant::now();
            let built = PeriodicInterval::builder(ms(1)).clock(clock);
            let mut interval = built.build().unwrap();
            let after = Instant::now();
            let mut total: Expirations = 0;
            for n in 0..50 {
                if n % 10 == 9 {
                    std::thread::sleep(ms(3));
                }
                let asked = after.elapsed();
                let Some(count) = tick(&mut interval).await else {
                    return;
                };
                total += count;
                let most = before.elapsed().as_nanos() / 1_000_000;
                assert!(u128::from(total) <= most, "{clock:?}: early");
                let least = asked.as_nanos() / 1_000_000;
                assert!(u128::from(total) >= least, "{clock:?}: lost");
            }
        });
    }
}

#[test]
fn a_clock_without_a_timer_is_unsupported() {
    current_thread().block_on(async {
        for clock in [Clock::Boottime, Clock::Realtime] {
            let built = PeriodicInterval::builder(ms(1)).clock(clock).build();
            match built {
                Ok(_) => assert!(supported().contains(&clock)),
                Err(error) => {
                    assert!(!supported().contains(&clock), "{error}");
                    assert_eq!(error.kind(), ErrorKind::Unsupported);
                }
            }
        }
    });
}

#[test]
fn zero_panics_at_the_caller() {
    let (message, file) =
        panic_of(|| drop(PeriodicInterval::builder(Duration::ZERO))).expect("a panic");
    assert_eq!(message, "`period` must be non-zero.");
    assert_eq!(file, file!());
}

/// The kernel's own words, and steps of a nanosecond, which nobody else notices.
/// Not on Android, for which the crate that sets the clock does not compile.
#[cfg(all(timerfd, target_os = "linux"))]
#[test]
#[ignore = "sets the machine's clock, by one nanosecond: tests/clock-set.sh"]
fn the_clock_is_set() {
    use clock_steering::{Clock as _, TimeOffset, unix::UnixClock};

    let step = |seconds, nanos| {
        let clock = UnixClock::CLOCK_REALTIME;
        clock.step_clock(TimeOffset { seconds, nanos }).unwrap();
    };
    let forth = || step(0, 1);
    let back = || step(-1, 999_999_999);

    let told = |tick: std::io::Result<_>| tick.is_err_and(|error| ClockWasSet::is(&error));
    on_every_runtime("the_clock_is_set", || async {
        let builder = PeriodicInterval::builder(ms(5));
        let mut by_the_wall = builder.clone().clock(Clock::Realtime).build().unwrap();
        let mut steady = builder.clone().build().unwrap();
        let mut through_suspend = builder.clone().clock(Clock::Boottime).build().unwrap();

        // Before it expires.
        forth();
        assert!(told(by_the_wall.tick().await));
        assert!(by_the_wall.tick().await.unwrap() >= 1, "it goes on");

        // After it has expired unread, when the kernel would leave it lying.
        std::thread::sleep(ms(12));
        back();
        assert!(told(by_the_wall.tick().await));
        assert!(by_the_wall.tick().await.unwrap() >= 1, "it goes on");

        // While it is waited for.
        let waits = tokio::spawn(async move {
            let first = by_the_wall.tick().await;
            (first, by_the_wall)
        });
        tokio::task::yield_now().await;
        forth();
        let (first, mut by_the_wall) = waits.await.unwrap();
        back();
        // It may have expired just before.
        if first.is_err() {
            assert!(told(first));
        }
        assert!(told(by_the_wall.tick().await));
        for _ in 0..3 {
            assert!(by_the_wall.tick().await.unwrap() >= 1, "it goes on");
        }

        // Twice, and told once.
        forth();
        back();
        assert!(told(by_the_wall.tick().await));
        assert!(by_the_wall.tick().await.unwrap() >= 1, "it goes on");

        // One whose start is still to come keeps it.
        let start = Instant::now() + ms(15);
        let later = builder.clock(Clock::Realtime).start(start);
        let mut later = later.build().unwrap();
        forth();
        assert!(told(later.tick().await));
        later.tick().await.unwrap();
        assert!(Instant::now() + us(1) >= start, "never early");
        back();

        // Nobody else hears of it.
        assert!(steady.tick().await.unwrap() >= 2);
        assert!(through_suspend.tick().await.unwrap() >= 2);
    });
}

#[cfg(timerfd)]
fn supported() -> Vec<Clock> {
    vec![Clock::Monotonic, Clock::Boottime, Clock::Realtime]
}

#[cfg(not(timerfd))]
fn supported() -> Vec<Clock> {
    vec![Clock::Monotonic]
}

/// `None` if the machine's clock was set just then, as anybody may.
async fn tick(interval: &mut PeriodicInterval) -> Option<Expirations> {
    match interval.tick().await {
        Err(error) if ClockWasSet::is(&error) => None,
        count => Some(count.unwrap()),
    }
}
