//! The operations whose instructions are counted, a thousand of each.
#![allow(
    clippy::unnecessary_wraps,
    unreachable_pub,
    reason = "what the macros write"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig};
use hyper::rt::Timer;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, OsTimer, Sleep, interval_at, sleep, sleep_until, timeout};

const HOUR: Duration = Duration::from_secs(3600);
const TIMES: u32 = 1000;

/// Sets the highest number of instructions for each operation.
fn bound(each: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, each * u64::from(TIMES))]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Waiting sleeps and their runtime.
type Waiting = (Runtime, Vec<Pin<Box<Sleep>>>);

/// Creates `count` waiting sleeps with deadlines in random order.
fn waiting(count: u32) -> Waiting {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let context = runtime.enter();
    let mut sleeps = Vec::new();
    // All deadlines count from one instant. Their places in the queue must not depend on how long creating
    // them takes.
    let begin = Instant::now() + HOUR;
    for n in 0..count {
        let after = Duration::from_micros((u64::from(n) * 7919) % 1_000_003);
        let mut sleep = Box::pin(sleep_until(begin + after));
        assert!(sleep.as_mut().poll(&mut noop()).is_pending());
        sleeps.push(sleep);
    }
    drop(context);
    (runtime, sleeps)
}

fn due() -> (Runtime, OsInterval) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let context = runtime.enter();
    let start = Instant::now().checked_sub(HOUR).unwrap();
    let interval = interval_at(start, Duration::from_millis(1));
    drop(context);
    (runtime, interval)
}

#[library_benchmark(config = bound(850))]
#[bench::among_100(args = (100), setup = waiting)]
#[bench::among_100_000(args = (100_000), setup = waiting)]
fn make_arm_and_drop((runtime, sleeps): Waiting) -> Waiting {
    let context = runtime.enter();
    for n in 0..TIMES {
        let mut sleep = pin!(sleep(HOUR + Duration::from_micros(n.into())));
        assert!(sleep.as_mut().poll(&mut noop()).is_pending());
    }
    drop(context);
    (runtime, sleeps)
}

// Like hyper's timer for the header of each request.
#[library_benchmark(config = bound(1100))]
#[bench::among_100(args = (100), setup = waiting)]
fn hypers_sleep((runtime, sleeps): Waiting) -> Waiting {
    let context = runtime.enter();
    let timer = OsTimer::new();
    for _ in 0..TIMES {
        let deadline = timer.now() + 2 * HOUR;
        let mut sleep = timer.sleep_until(deadline);
        assert!(sleep.as_mut().poll(&mut noop()).is_pending());
    }
    drop(context);
    (runtime, sleeps)
}

#[library_benchmark(config = bound(410))]
#[bench::among_1_000(args = (1000), setup = waiting)]
#[bench::among_100_000(args = (100_000), setup = waiting)]
fn drop_waiting((runtime, mut sleeps): Waiting) -> Waiting {
    let left = sleeps.len() - TIMES as usize;
    sleeps.truncate(left);
    (runtime, sleeps)
}

// Resets to a deadline up to 30 ms earlier.
#[library_benchmark(config = bound(480))]
#[bench::among_1_000(args = (1000), setup = waiting)]
#[bench::among_100_000(args = (100_000), setup = waiting)]
fn reset((runtime, mut sleeps): Waiting) -> Waiting {
    for (n, sleep) in (1..=TIMES).zip(&mut sleeps) {
        let earlier = n * Duration::from_micros(30);
        let deadline = sleep.deadline() - earlier;
        sleep.as_mut().reset(deadline);
    }
    (runtime, sleeps)
}

// Resets to a deadline before all others.
#[library_benchmark(config = bound(700))]
#[bench::among_1_000(args = (1000), setup = waiting)]
#[bench::among_100_000(args = (100_000), setup = waiting)]
fn reset_to_the_front((runtime, mut sleeps): Waiting) -> Waiting {
    let front = sleeps[0].deadline() - Duration::from_secs(10);
    for (n, sleep) in (0..TIMES).zip(&mut sleeps) {
        let after = Duration::from_micros((u64::from(n) * 7919) % 1_000_003);
        sleep.as_mut().reset(front + after);
    }
    (runtime, sleeps)
}

// Resets a timer that fires only if nothing happens.
#[library_benchmark(config = bound(300))]
#[bench::among_1_000(args = (1000), setup = waiting)]
fn reset_to_later((runtime, mut sleeps): Waiting) -> Waiting {
    for _ in 0..TIMES {
        let sleep = &mut sleeps[0];
        let later = sleep.deadline() + Duration::from_secs(1);
        sleep.as_mut().reset(later);
        assert!(sleep.as_mut().poll(&mut noop()).is_pending());
    }
    (runtime, sleeps)
}

#[library_benchmark(config = bound(300))]
#[bench::alone(args = (), setup = due)]
fn tick_already_due((runtime, mut interval): (Runtime, OsInterval)) -> (Runtime, OsInterval) {
    for _ in 0..TIMES {
        assert!(interval.poll_tick(&mut noop()).is_ready());
    }
    (runtime, interval)
}

#[library_benchmark(config = bound(950))]
#[bench::alone(args = (1), setup = waiting)]
fn timeout_around_a_future_that_waits_once((runtime, sleeps): Waiting) -> Waiting {
    let context = runtime.enter();
    for _ in 0..TIMES {
        let mut polled = false;
        let future = std::future::poll_fn(|_| {
            if std::mem::replace(&mut polled, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let mut timeout = pin!(timeout(HOUR, future));
        assert!(timeout.as_mut().poll(&mut noop()).is_pending());
        assert!(timeout.as_mut().poll(&mut noop()).is_ready());
    }
    drop(context);
    (runtime, sleeps)
}

library_benchmark_group!(
    name = operations;
    benchmarks =
        make_arm_and_drop,
        hypers_sleep,
        drop_waiting,
        reset,
        reset_to_the_front,
        reset_to_later,
        tick_already_due,
        timeout_around_a_future_that_waits_once
);
