//! Any number of intervals takes two descriptors, and tokio's timer serves where there is none.
#![cfg(unix)]

use std::fs::File;
use std::future::{pending, ready};
use std::io;
use std::iter;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::alone;
use crate::support::{
    current_thread, ms, multi_thread, open_descriptors, panic_message, panic_of, poll_once,
};
use futures::executor::block_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, TimerSource, interval, metrics, sleep, timeout};

const EMFILE: i32 = 24;

const INTERVALS: usize = 50_000;

/// The kernel timers of a runtime, each with a descriptor. Under `test-util` no second one is armed ahead.
const KERNEL_TIMERS: usize = match (cfg!(descriptor), cfg!(feature = "test-util")) {
    (true, false) => 2,
    (true, true) => 1,
    (false, _) => 0,
};

/// Runs `run` with a limit for the descriptors of this process.
pub(crate) fn with_descriptor_limit(limit: u64, run: impl FnOnce()) {
    let before = getrlimit(Resource::Nofile);
    let lower = Rlimit {
        current: Some(limit),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, lower).unwrap();
    run();
    setrlimit(Resource::Nofile, before).unwrap();
}

/// Takes every descriptor that is left, until the files are dropped.
pub(crate) fn take_all_descriptors() -> Vec<File> {
    iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn timers_work_at_the_descriptor_limit() {
    let _alone = alone();
    with_descriptor_limit(64, || {
        current_thread().block_on(fifty_thousand_intervals_take_two_descriptors());
        one_descriptor_suffices();
        tokio_serves_without_a_descriptor();
        build_asks_the_kernel_again_at_once();
        refused_driver_ends_with_its_runtime();
        unused_refused_driver_leaves_no_descriptor();
        kernel_serves_again_in_the_own_runtime_of_a_timer();
        without_a_time_driver_the_refusal_is_an_error();
        without_an_io_driver_tokio_goes_on_serving();
    });
}

async fn fifty_thousand_intervals_take_two_descriptors() {
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
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
        done += 1;
    }
    assert_eq!(done, INTERVALS);
}

/// The second kernel timer, which is armed ahead, is optional.
fn one_descriptor_suffices() {
    let runtime = current_thread();
    let mut taken = take_all_descriptors();
    taken.pop();
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..10 {
            let deadline = interval.tick().await;
            assert!(deadline <= Instant::now(), "early");
        }
    });
}

/// `build` and `PeriodicInterval`, which ask for the kernel's timer, return an error.
fn tokio_serves_without_a_descriptor() {
    let other_runtime = current_thread();
    let other_interval = other_runtime.block_on(async { interval(ms(1)) });
    let runtime = current_thread();
    let taken = take_all_descriptors();

    // In a runtime that has a driver, a new timer needs no descriptor.
    other_runtime.block_on(async { drop(interval(ms(1))) });
    drop(other_interval);

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
        let mut interval = interval(ms(1));
        for _ in 0..3 {
            let deadline = interval.tick().await;
            assert!(deadline <= Instant::now(), "early");
        }
        if cfg!(descriptor) {
            assert_eq!(metrics().source(), Some(TimerSource::Refused(EMFILE)));
        }
        // An accept loop waits like this when it has no descriptor.
        sleep(ms(3)).await;
        timeout(ms(3), pending::<()>()).await.unwrap_err();
        timeout(ms(60_000), ready(())).await.unwrap();
        if cfg!(descriptor) {
            let built = OsInterval::builder(ms(1)).build();
            assert!(built.is_err(), "the kernel has not been asked again");
        }
    });

    drop(taken);
    runtime.block_on(kernel_serves_again());
}

async fn kernel_serves_again() {
    let before = open_descriptors();
    let mut interval = interval(ms(1));
    let began = Instant::now();
    while open_descriptors() < before.map(|before| before + KERNEL_TIMERS) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the kernel does not serve"
        );
        interval.tick().await;
    }
    // A further timer needs no further descriptor.
    let mut built = OsInterval::builder(ms(1)).build().unwrap();
    for _ in 0..3 {
        built.tick().await;
    }
    if let Some(before) = before {
        assert_eq!(open_descriptors(), Some(before + KERNEL_TIMERS));
    }
}

fn build_asks_the_kernel_again_at_once() {
    let runtime = current_thread();
    let taken = take_all_descriptors();
    let mut interval = runtime.block_on(async { interval(ms(1)) });
    drop(taken);
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

fn refused_driver_ends_with_its_runtime() {
    let before = open_descriptors();
    for waits in [false, true] {
        let runtime = current_thread();
        let taken = take_all_descriptors();
        let context = runtime.enter();
        let mut far = pin!(sleep(ms(60_000)));
        drop(context);
        if waits {
            let polled = runtime.block_on(async { poll_once(far.as_mut()).await });
            assert!(polled.is_pending());
        }
        drop(taken);
        drop(runtime);
        let message = panic_message(|| {
            let _polled = far.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
        assert!(message.contains("shutdown"), "{message}");
    }
    assert_eq!(open_descriptors(), before);
}

fn unused_refused_driver_leaves_no_descriptor() {
    let before = open_descriptors();
    for _ in 0..8 {
        let runtime = current_thread();
        let taken = take_all_descriptors();
        runtime.block_on(async {
            sleep(ms(1)).await;
            assert!(poll_once(sleep(ms(60_000))).await.is_pending());
        });
        drop(taken);
        drop(runtime);
    }
    assert_eq!(open_descriptors(), before);
}

fn kernel_serves_again_in_the_own_runtime_of_a_timer() {
    let own = multi_thread(1);
    let other = current_thread();
    let taken = take_all_descriptors();
    let mut interval = own.block_on(async { interval(ms(1)) });
    let mut take_ticks = async |ticks| {
        for _ in 0..ticks {
            interval.tick().await;
        }
    };
    other.block_on(take_ticks(3));
    block_on(take_ticks(3));
    drop(taken);
    // The kernel serves before these ticks are taken.
    block_on(take_ticks(50));
    other.block_on(take_ticks(50));
    drop(other);
    block_on(take_ticks(3));
}

/// A kernel timer that was refused was never registered with the reactor.
fn without_an_io_driver_tokio_goes_on_serving() {
    if cfg!(any(not(descriptor), feature = "test-util")) {
        return;
    }
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let taken = take_all_descriptors();
    let mut interval = runtime.block_on(async { interval(ms(1)) });
    runtime.block_on(interval.tick());
    drop(taken);
    for _ in 0..50 {
        runtime.block_on(interval.tick());
    }
}

fn without_a_time_driver_the_refusal_is_an_error() {
    if cfg!(any(not(descriptor), feature = "test-util")) {
        return;
    }
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _context = runtime.enter();
    let taken = take_all_descriptors();
    let built = OsInterval::builder(ms(1)).build();
    let panic = panic_of(|| drop(interval(ms(1))));
    drop(taken);
    assert_eq!(built.unwrap_err().raw_os_error(), Some(EMFILE));
    let (message, file) = panic.expect("`interval` did not panic");
    assert!(message.contains("os error 24"), "{message}");
    assert!(
        message.contains("the operating system refused"),
        "{message}"
    );
    assert_eq!(file, file!());

    // The runtime can serve timers now.
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..3 {
            interval.tick().await;
        }
    });
}
