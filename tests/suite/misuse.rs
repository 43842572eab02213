//! Bad input panics as tokio does, at the caller's location. What returns errors returns an error.

use std::future::pending;
use std::time::Duration;

use crate::support::{NO_RUNTIME, assert_panics_here, ms, on_current_thread};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_osinterval::{
    OsInterval, PeriodicInterval, interval, interval_at, sleep, sleep_until, timeout, timeout_at,
};

const ZERO: &str = "`period` must be non-zero.";

#[test]
fn zero_period_panics_at_the_caller() {
    // tokio also panics whether there is a runtime or not.
    assert_panics_here(ZERO, || drop(interval(Duration::ZERO)));
    assert_panics_here(ZERO, || drop(interval_at(Instant::now(), Duration::ZERO)));
    assert_panics_here(ZERO, || drop(OsInterval::builder(Duration::ZERO)));
    assert_panics_here(ZERO, || drop(OsInterval::rate(1, Duration::ZERO)));
    assert_panics_here("`ticks` must be non-zero", || {
        drop(OsInterval::builder(ms(1)).ticks(0));
    });
    on_current_thread(async {
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
fn zero_period_of_a_periodic_interval_panics_at_the_caller() {
    assert_panics_here(ZERO, || drop(PeriodicInterval::new(Duration::ZERO)));
}

#[test]
fn interval_without_a_runtime_panics_at_the_caller() {
    let message = "must be called from the context of a Tokio 1.x runtime";
    assert_panics_here(message, || drop(interval(ms(1))));
    assert_panics_here(message, || drop(interval_at(Instant::now(), ms(1))));
}

#[test]
fn sleep_or_timeout_without_a_runtime_panics_at_the_caller() {
    assert_panics_here(NO_RUNTIME, || drop(sleep(ms(1))));
    assert_panics_here(NO_RUNTIME, || drop(sleep_until(Instant::now())));
    assert_panics_here(NO_RUNTIME, || drop(timeout(ms(1), pending::<()>())));
    assert_panics_here(NO_RUNTIME, || {
        drop(timeout_at(Instant::now(), pending::<()>()));
    });
}

#[test]
fn build_without_a_runtime_is_an_error() {
    let error = OsInterval::builder(ms(1)).build().unwrap_err();
    assert!(error.to_string().contains(NO_RUNTIME), "{error}");
}

#[test]
fn periodic_interval_without_a_runtime_is_an_error() {
    let error = PeriodicInterval::new(ms(1)).unwrap_err();
    assert!(error.to_string().contains(NO_RUNTIME), "{error}");
}

/// What tokio advises where the driver that the backend needs is missing.
const ADVICE: &str = if cfg!(descriptor) {
    "enable_io"
} else {
    "enable_time"
};

fn without_drivers() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn interval_without_a_driver_panics_at_the_caller() {
    without_drivers().block_on(async {
        assert_panics_here(ADVICE, || drop(interval(ms(1))));
        assert_panics_here(ADVICE, || drop(interval_at(Instant::now(), ms(1))));
    });
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn build_without_a_driver_is_an_error() {
    without_drivers().block_on(async {
        let error = OsInterval::builder(ms(1)).build().unwrap_err();
        assert!(error.to_string().contains(ADVICE), "{error}");
    });
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn periodic_interval_without_a_driver_is_an_error() {
    without_drivers().block_on(async {
        let error = PeriodicInterval::new(ms(1)).unwrap_err();
        let advice = if cfg!(all(descriptor, production)) {
            "enable_io"
        } else {
            "enable_time"
        };
        assert!(error.to_string().contains(advice), "{error}");
    });
}

#[test]
fn driver_of_the_backend_suffices() {
    let _watchdog = crate::support::Watchdog::new();
    let mut builder = Builder::new_current_thread();
    if cfg!(descriptor) {
        builder.enable_io();
    }
    if cfg!(all(
        not(process_wide_driver),
        any(not(descriptor), feature = "test-util")
    )) {
        builder.enable_time();
    }
    builder.build().unwrap().block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..5 {
            interval.tick().await;
        }
    });
}
