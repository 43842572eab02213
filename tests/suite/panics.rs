//! Bad input: tokio's panics, at the caller's location, and errors from what returns errors.

use std::task::{Context, Waker};
use std::time::Duration;

use crate::support::{Watchdog, current_thread, ms, panic_of};
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval, interval_at};

/// Runs `make` where tokio's own constructors would panic; expects the panic to be blamed on this
/// file, and its message to contain `part`.
#[track_caller]
fn assert_panics_here(part: &str, make: impl FnOnce()) {
    let (message, file) = panic_of(make).expect("no panic");
    assert!(message.contains(part), "{message}");
    assert_eq!(file, file!(), "{message}");
}

const ZERO: &str = "`period` must be non-zero.";

#[test]
fn zero_period_panics_at_the_caller() {
    // As tokio's does: with or without a runtime.
    assert_panics_here(ZERO, || drop(interval(Duration::ZERO)));
    assert_panics_here(ZERO, || drop(interval_at(Instant::now(), Duration::ZERO)));
    assert_panics_here(ZERO, || drop(OsInterval::builder(Duration::ZERO)));
    assert_panics_here(ZERO, || drop(OsInterval::rate(1, Duration::ZERO)));
    assert_panics_here("`ticks` must be non-zero", || {
        drop(OsInterval::builder(ms(1)).ticks(0));
    });
    current_thread().block_on(async {
        assert_panics_here(ZERO, || drop(interval(Duration::ZERO)));
        let mut interval = interval(ms(1));
        assert_panics_here(ZERO, || interval.set_period(Duration::ZERO));
        assert_panics_here(ZERO, || interval.set_rate(1, Duration::ZERO));
        assert_panics_here("`ticks` must be non-zero", || interval.set_rate(0, ms(1)));
        assert_panics_here("one tick in a nanosecond", || {
            interval.set_rate(1_000_001, ms(1));
        });
        assert_eq!(interval.period(), ms(1));
    });
}

#[test]
fn no_runtime_panics_at_the_caller() {
    let message = "must be called from the context of a Tokio 1.x runtime";
    assert_panics_here(message, || drop(interval(ms(1))));
    assert_panics_here(message, || drop(interval_at(Instant::now(), ms(1))));
}

#[test]
fn no_runtime_is_an_error_of_build() {
    let error = OsInterval::builder(ms(1)).build().unwrap_err();
    assert!(error.to_string().contains("Tokio 1.x runtime"), "{error}");
}

/// What tokio advises where the driver that the backend needs is missing.
const ADVICE: &str = if cfg!(descriptor) {
    "enable_io"
} else {
    "enable_time"
};

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn no_driver_panics_at_the_caller() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_panics_here(ADVICE, || drop(interval(ms(1))));
        assert_panics_here(ADVICE, || drop(interval_at(Instant::now(), ms(1))));
    });
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn no_driver_is_an_error_of_build() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let error = OsInterval::builder(ms(1)).build().unwrap_err();
        assert!(error.to_string().contains(ADVICE), "{error}");
    });
}

#[test]
fn the_driver_that_the_backend_needs_is_enough() {
    let _watchdog = Watchdog::new("the_driver_that_the_backend_needs_is_enough");
    let mut builder = Builder::new_current_thread();
    if cfg!(descriptor) {
        builder.enable_io();
    }
    if crate::support::OF_RUNTIME && cfg!(any(not(descriptor), feature = "test-util")) {
        builder.enable_time();
    }
    builder.build().unwrap().block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..5 {
            interval.tick().await;
        }
    });
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn a_runtime_that_ended_panics_at_the_next_wait() {
    let _watchdog = Watchdog::new("a_runtime_that_ended_panics_at_the_next_wait");
    for runtime in [current_thread(), crate::support::multi_thread(2)] {
        let (mut waited, mut fresh) = runtime.block_on(async {
            let mut waited = interval(ms(5));
            waited.tick().await;
            waited.tick().await;
            (
                waited,
                interval_at(Instant::now() + Duration::from_secs(3600), ms(1)),
            )
        });
        drop(runtime);
        for interval in [&mut waited, &mut fresh] {
            interval.reset_after(Duration::from_secs(3600));
            let mut cx = Context::from_waker(Waker::noop());
            let message = "A Tokio 1.x context was found, but it is being shutdown.";
            assert_panics_here(message, || {
                assert!(interval.poll_tick(&mut cx).is_pending());
            });
        }
        // What has passed needs no runtime any more.
        waited.reset_at(Instant::now());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waited.poll_tick(&mut cx).is_ready());
    }
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn a_runtime_that_ended_makes_no_timers() {
    let _watchdog = Watchdog::new("a_runtime_that_ended_makes_no_timers");
    for had_timers in [false, true] {
        let mut cx = Context::from_waker(Waker::noop());
        let hour = Duration::from_secs(3600);
        let runtime = current_thread();
        let handle: Handle = runtime.handle().clone();
        let _context = handle.enter();
        // It outlives the runtime, as its driver does.
        let mut kept = had_timers.then(|| interval_at(Instant::now() + hour, ms(1)));
        assert!(
            kept.iter_mut()
                .all(|kept| kept.poll_tick(&mut cx).is_pending())
        );
        drop(runtime);
        let outcome = OsInterval::builder(ms(1))
            .start(Instant::now() + hour)
            .build();
        // The kernel's timer cannot be registered; tokio's says so when it is first waited for.
        match outcome {
            Err(error) => {
                let why = error.to_string();
                assert!(why.contains("shutdown"), "{why}");
                let (message, file) = panic_of(|| drop(interval(ms(1)))).expect("no panic");
                assert_eq!(message, why, "tokio's words and no other");
                assert_eq!(file, file!());
            }
            Ok(_) if cfg!(descriptor) => panic!("it was registered"),
            Ok(mut interval) => {
                assert_panics_here("shutdown", || {
                    assert!(interval.poll_tick(&mut cx).is_pending());
                });
            }
        }
    }
}

mod periodic {
    use super::*;
    use tokio_osinterval::PeriodicInterval;

    #[test]
    fn zero_period_panics_at_the_caller() {
        assert_panics_here(ZERO, || drop(PeriodicInterval::new(Duration::ZERO)));
    }

    #[test]
    fn no_runtime_is_an_error() {
        let error = PeriodicInterval::new(ms(1)).unwrap_err();
        assert!(error.to_string().contains("Tokio 1.x runtime"), "{error}");
    }

    #[test]
    #[cfg_attr(
        all(threadpool, not(feature = "test-util")),
        ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
    )]
    fn no_driver_is_an_error() {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let error = PeriodicInterval::new(ms(1)).unwrap_err();
            let advice = if cfg!(all(descriptor, not(feature = "test-util"))) {
                "enable_io"
            } else {
                "enable_time"
            };
            assert!(error.to_string().contains(advice), "{error}");
        });
    }

    #[test]
    #[cfg_attr(
        all(threadpool, not(feature = "test-util")),
        ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
    )]
    fn a_runtime_that_ended_is_an_error() {
        let _watchdog = Watchdog::new("a_runtime_that_ended_is_an_error");
        // Due or not.
        for period in [Duration::from_secs(3600), ms(1)] {
            let runtime = current_thread();
            let mut interval = runtime.block_on(async { PeriodicInterval::new(period).unwrap() });
            drop(runtime);
            std::thread::sleep(ms(5));
            for _ in 0..3 {
                let error = futures::executor::block_on(interval.tick()).unwrap_err();
                assert!(error.to_string().contains("shutdown"), "{error}");
            }
        }
    }
}
