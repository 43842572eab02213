//! Any number of timers on two kernel timers; and what happens when there is no descriptor for it.
#![cfg(unix)]

use std::fs::File;
use std::future::{Future, pending, ready};
use std::io;
use std::iter;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::alone;
use crate::support::{
    Watchdog, current_thread, ms, multi_thread, open_descriptors, panic_of, poll_once,
};
use futures::executor::block_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, TimerSource, interval, metrics, sleep, timeout};

const EMFILE: i32 = 24;

const INTERVALS: usize = 50_000;

/// Of a runtime, and each a descriptor. Under a clock that can be paused there is none to arm ahead.
const KERNEL_TIMERS: usize = match (cfg!(descriptor), cfg!(feature = "test-util")) {
    (true, false) => 2,
    (true, true) => 1,
    (false, _) => 0,
};

/// Runs `run` while this process may have no more than so many.
pub(crate) fn with_descriptors(limit: u64, run: impl FnOnce()) {
    let before = getrlimit(Resource::Nofile);
    let now = Rlimit {
        current: Some(limit),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, now).unwrap();
    run();
    setrlimit(Resource::Nofile, before).unwrap();
}

#[test]
fn fifty_thousand_intervals_and_no_descriptor_left() {
    let _alone = alone();
    let _watchdog = Watchdog::new("fifty_thousand_intervals_and_no_descriptor_left");
    with_descriptors(64, || {
        current_thread().block_on(fifty_thousand_intervals_tick());
        one_descriptor_is_left();
        no_descriptor_is_left();
        whoever_insists_has_the_kernel_asked_at_once();
        a_refused_driver_ends_with_its_runtime();
        a_refused_driver_that_nobody_waits_for_leaves_nothing();
        the_kernel_serves_again_in_the_runtime_of_the_timer();
        without_a_time_driver_the_refusal_is_told();
        without_an_io_driver_tokios_timer_goes_on();
    });
}

async fn fifty_thousand_intervals_tick() {
    let before = open_descriptors();
    let mut tasks = JoinSet::new();
    for _ in 0..INTERVALS {
        let mut interval = interval(ms(20));
        tasks.spawn(async move {
            for _ in 0..3 {
                interval.tick().await;
            }
        });
    }
    if let (Some(before), Some(now)) = (before, open_descriptors()) {
        assert_eq!(now, before + KERNEL_TIMERS);
    }
    let mut ticked = 0;
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
        ticked += 1;
    }
    assert_eq!(ticked, INTERVALS);
}

/// It is enough: what it takes to arm ahead can be done without.
fn one_descriptor_is_left() {
    let runtime = current_thread();
    let mut hoard = hoard();
    hoard.pop();
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..10 {
            let deadline = interval.tick().await;
            assert!(deadline <= tokio::time::Instant::now(), "early");
        }
    });
}

/// Every descriptor that there is, until it is dropped.
pub(crate) fn hoard() -> Vec<File> {
    iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// With no descriptor left a timer is served by tokio's, where that is there; who asks for the kernel's own is
/// told that there is none.
fn no_descriptor_is_left() {
    let has_timers = current_thread();
    let kept = has_timers.block_on(async { interval(ms(1)) });
    let runtime = current_thread();
    let hoard = hoard();

    // A timer of a runtime that has one needs none.
    has_timers.block_on(async { drop(interval(ms(1))) });
    drop(kept);

    runtime.block_on(async {
        if cfg!(descriptor) {
            let errno = |error: io::Error| error.raw_os_error();
            let built = OsInterval::builder(ms(1)).build();
            assert_eq!(built.err().and_then(errno), Some(EMFILE));
            #[cfg(not(feature = "test-util"))]
            assert_eq!(
                tokio_osinterval::PeriodicInterval::new(ms(1))
                    .err()
                    .and_then(errno),
                Some(EMFILE)
            );
        }
        let mut first = interval(ms(1));
        for _ in 0..3 {
            let deadline = first.tick().await;
            assert!(deadline <= Instant::now(), "early");
        }
        if cfg!(descriptor) {
            let refused = Some(TimerSource::Refused(EMFILE));
            assert_eq!(metrics().source(), refused);
        }
        // As an accept loop does.
        sleep(ms(3)).await;
        timeout(ms(3), pending::<()>()).await.unwrap_err();
        timeout(ms(60_000), ready(())).await.unwrap();
        if cfg!(descriptor) {
            let built = OsInterval::builder(ms(1)).build();
            assert!(built.is_err(), "the kernel has not been asked again");
        }
    });

    drop(hoard);
    runtime.block_on(the_kernel_serves_again());
}

/// Before long, and whoever waits on.
async fn the_kernel_serves_again() {
    let before = open_descriptors();
    let mut interval = interval(ms(1));
    let began = Instant::now();
    while open_descriptors() < before.map(|before| before + KERNEL_TIMERS) {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not");
        interval.tick().await;
    }
    // It is the kernel's own now, and no other is asked for.
    let mut built = OsInterval::builder(ms(1)).build().unwrap();
    for _ in 0..3 {
        built.tick().await;
    }
    if let Some(before) = before {
        assert_eq!(open_descriptors(), Some(before + KERNEL_TIMERS));
    }
}

/// Whose first timer is the one that is built, it serves at once.
fn whoever_insists_has_the_kernel_asked_at_once() {
    let runtime = current_thread();
    let hoard = hoard();
    let mut interval = runtime.block_on(async { interval(ms(1)) });
    drop(hoard);
    runtime.block_on(async {
        let before = open_descriptors();
        let mut built = OsInterval::builder(ms(1)).build().unwrap();
        if let (Some(before), true) = (before, cfg!(descriptor)) {
            assert!(open_descriptors() > Some(before));
        }
        for _ in 0..3 {
            interval.tick().await;
            built.tick().await;
        }
    });
}

/// A driver that tokio's timer serves ends with its runtime, as any other.
fn a_refused_driver_ends_with_its_runtime() {
    let before = open_descriptors();
    for waits in [false, true] {
        let runtime = current_thread();
        let hoard = hoard();
        let context = runtime.enter();
        let mut far = Box::pin(sleep(ms(60_000)));
        drop(context);
        if waits {
            let polled = runtime.block_on(async { poll_once(&mut far).await });
            assert!(polled.is_pending());
        }
        drop(hoard);
        drop(runtime);
        let outlives = panic_of(|| {
            let _polled = far.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
        let (message, _) = outlives.expect("it goes on without its runtime");
        assert!(message.contains("shutdown"), "{message}");
    }
    assert_eq!(open_descriptors(), before);
}

/// Nor does its last timer leave it behind.
fn a_refused_driver_that_nobody_waits_for_leaves_nothing() {
    let before = open_descriptors();
    for _ in 0..8 {
        let runtime = current_thread();
        let hoard = hoard();
        runtime.block_on(async {
            sleep(ms(1)).await;
            let polled = poll_once(&mut Box::pin(sleep(ms(60_000)))).await;
            assert!(polled.is_pending());
        });
        drop(hoard);
        drop(runtime);
    }
    assert_eq!(open_descriptors(), before);
}

/// Whoever polls it, and wherever.
fn the_kernel_serves_again_in_the_runtime_of_the_timer() {
    let own = multi_thread(1);
    let other = current_thread();
    let hoard = hoard();
    let mut interval = own.block_on(async { interval(ms(1)) });
    let mut ticks = async |times| {
        for _ in 0..times {
            interval.tick().await;
        }
    };
    other.block_on(ticks(3));
    block_on(ticks(3));
    drop(hoard);
    // Until it does.
    block_on(ticks(50));
    other.block_on(ticks(50));
    drop(other);
    block_on(ticks(3));
}

/// What the kernel refused was never registered with it.
fn without_an_io_driver_tokios_timer_goes_on() {
    if cfg!(any(not(descriptor), feature = "test-util")) {
        return;
    }
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let hoard = hoard();
    let mut interval = runtime.block_on(async { interval(ms(1)) });
    runtime.block_on(interval.tick());
    drop(hoard);
    for _ in 0..50 {
        runtime.block_on(interval.tick());
    }
}

/// Where tokio has no timer either, it is as it was.
fn without_a_time_driver_the_refusal_is_told() {
    if cfg!(any(not(descriptor), feature = "test-util")) {
        return;
    }
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _context = runtime.enter();
    let hoard = hoard();
    let built = OsInterval::builder(ms(1)).build();
    let panic = panic_of(|| drop(interval(ms(1))));
    drop(hoard);
    assert_eq!(built.unwrap_err().raw_os_error(), Some(EMFILE));
    let (message, file) = panic.expect("`interval` did not panic");
    assert!(message.contains("os error 24"), "{message}");
    assert!(
        message.contains("the operating system refused"),
        "{message}"
    );
    assert_eq!(file, file!());

    // The runtime is none the worse for it.
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..3 {
            interval.tick().await;
        }
    });
}
