//! A `PeriodicInterval` follows the clock that it was given.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{
    Watchdog, current_thread, ms, on_current_thread, on_every_runtime, panic_message_here, us,
};
use tokio::time::Instant;
use tokio_osinterval::error::ClockWasSet;
use tokio_osinterval::{Clock, Expirations, PeriodicInterval};

const SUPPORTED: &[Clock] = if cfg!(timerfd) {
    &[Clock::Monotonic, Clock::Boottime, Clock::Realtime]
} else {
    &[Clock::Monotonic]
};

/// Waits for a tick. Returns `None` if somebody set the machine's clock meanwhile.
async fn tick(interval: &mut PeriodicInterval) -> Option<Expirations> {
    match interval.tick().await {
        Err(error) if ClockWasSet::is(&error) => None,
        count => Some(count.unwrap()),
    }
}

#[test]
fn default_clock_is_monotonic() {
    on_current_thread(async {
        let interval = PeriodicInterval::new(ms(1)).unwrap();
        assert_eq!(interval.clock(), Clock::Monotonic);
        assert_eq!(Clock::default(), Clock::Monotonic);
    });
}

#[test]
fn first_expiration_is_at_the_start() {
    on_every_runtime(async || {
        for &clock in SUPPORTED {
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
fn expirations_since_a_start_in_the_past_are_counted() {
    on_every_runtime(async || {
        for &clock in SUPPORTED {
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
    });
}

#[test]
fn periodic_interval_aligns_to_the_wall_clock() {
    let _watchdog = Watchdog::new();
    let wall = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let period = ms(40);
    for &clock in SUPPORTED {
        // The best of some, because the thread may be preempted.
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
        // tokio's `Sleep` is up to 2 ms late, a kernel with ticks of 10 ms up to 20 ms.
        let most = if cfg!(kqueue_millis) {
            25_000_000
        } else {
            4_000_000
        };
        assert!(late.min().unwrap() < most, "{clock:?}");
    }
}

#[test]
fn no_expiration_is_early_or_lost_by_any_clock() {
    let _watchdog = Watchdog::new();
    for &clock in SUPPORTED {
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
fn clock_without_a_kernel_timer_is_unsupported() {
    on_current_thread(async {
        for clock in [Clock::Boottime, Clock::Realtime] {
            let built = PeriodicInterval::builder(ms(1)).clock(clock).build();
            match built {
                Ok(_) => assert!(SUPPORTED.contains(&clock)),
                Err(error) => {
                    assert!(!SUPPORTED.contains(&clock), "{error}");
                    assert_eq!(error.kind(), ErrorKind::Unsupported);
                }
            }
        }
    });
}

#[test]
fn zero_period_of_the_builder_panics_at_the_caller() {
    let message = panic_message_here(|| drop(PeriodicInterval::builder(Duration::ZERO)));
    assert_eq!(message, "`period` must be non-zero.");
}

/// The kernel itself reports that the clock was set. The test sets it by one nanosecond, which nothing else
/// notices. It is not for Android, where the crate that sets the clock does not compile.
#[cfg(all(timerfd, target_os = "linux"))]
#[test]
#[ignore = "sets the machine's clock by one nanosecond: tests/clock-set.sh"]
fn set_clock_is_reported_once() {
    use clock_steering::{Clock as _, TimeOffset, unix::UnixClock};

    let step = |seconds, nanos| {
        let clock = UnixClock::CLOCK_REALTIME;
        clock.step_clock(TimeOffset { seconds, nanos }).unwrap();
    };
    let forward = || step(0, 1);
    let back = || step(-1, 999_999_999);

    let reports = |tick: std::io::Result<_>| tick.is_err_and(|error| ClockWasSet::is(&error));
    on_every_runtime(async || {
        let builder = PeriodicInterval::builder(ms(5));
        let mut realtime = builder.clone().clock(Clock::Realtime).build().unwrap();
        let mut monotonic = builder.clone().build().unwrap();
        let mut boottime = builder.clone().clock(Clock::Boottime).build().unwrap();

        // Before an expiration.
        forward();
        assert!(reports(realtime.tick().await));
        assert!(realtime.tick().await.unwrap() >= 1, "it continues");

        // After an expiration that was not read. The kernel would leave the timer stopped.
        std::thread::sleep(ms(12));
        back();
        assert!(reports(realtime.tick().await));
        assert!(realtime.tick().await.unwrap() >= 1, "it continues");

        // While a task waits.
        let waiting = tokio::spawn(async move {
            let first = realtime.tick().await;
            (first, realtime)
        });
        tokio::task::yield_now().await;
        forward();
        let (first, mut realtime) = waiting.await.unwrap();
        back();
        // The timer may have expired just before.
        if first.is_err() {
            assert!(reports(first));
        }
        assert!(reports(realtime.tick().await));
        for _ in 0..3 {
            assert!(realtime.tick().await.unwrap() >= 1, "it continues");
        }

        // Two changes are reported once.
        forward();
        back();
        assert!(reports(realtime.tick().await));
        assert!(realtime.tick().await.unwrap() >= 1, "it continues");

        // A start in the future is kept.
        let start = Instant::now() + ms(15);
        let later = builder.clock(Clock::Realtime).start(start);
        let mut later = later.build().unwrap();
        forward();
        assert!(reports(later.tick().await));
        later.tick().await.unwrap();
        assert!(Instant::now() + us(1) >= start, "never early");
        back();

        // The other clocks report nothing.
        assert!(monotonic.tick().await.unwrap() >= 2);
        assert!(boottime.tick().await.unwrap() >= 2);
    });
}
