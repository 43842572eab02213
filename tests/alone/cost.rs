//! What timeouts, ticks and sleeps cost: allocations here, and system calls in `tests/syscalls.sh`.
//!
//! This is about the alarm in production: under `test-util` and in the portable backend each wait arms a
//! `tokio::time::Sleep`.
#![cfg(all(timerfd, production))]

use std::future::{Future, poll_fn};
use std::task::Poll;

use crate::alone;
use crate::support::{HOUR, current_thread, ms, us};
use tokio::runtime::Builder;
use tokio_osinterval::{interval, sleep, timeout};

const TIMEOUTS: u64 = 1000;

/// Returns a future that is ready at its second poll.
fn second_poll() -> impl Future<Output = ()> {
    let mut polled = false;
    poll_fn(move |cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn timeout_allocates_nothing() {
    let _alone = alone();
    let runtime = current_thread();
    let run = || {
        runtime.block_on(async {
            for _ in 0..TIMEOUTS {
                timeout(HOUR, second_poll()).await.unwrap();
            }
        });
    };
    // The first timer of a runtime creates the driver.
    runtime.block_on(async { timeout(HOUR, second_poll()).await.unwrap() });
    let allocated = allocation_counter::measure(run).count_total;
    println!("allocations: {allocated} for {TIMEOUTS} timeouts that waited");
    assert_eq!(allocated, 0);
}

#[test]
fn tick_allocates_nothing() {
    let _alone = alone();
    let runtime = current_thread();
    let mut interval = {
        let _context = runtime.enter();
        interval(us(200))
    };
    let mut run = |ticks: u32| {
        runtime.block_on(async {
            for _ in 0..ticks {
                interval.tick().await;
            }
        });
    };
    run(10);
    // The first missed tick and a long run queue allocate as well, so one of some attempts must succeed.
    let mut ticks_allocate_nothing = || {
        let few = allocation_counter::measure(|| run(10)).count_total;
        let many = allocation_counter::measure(|| run(210)).count_total;
        println!("allocations: {few} for ten ticks, {many} for two hundred more");
        many == few
    };
    assert!((0..10).any(|_| ticks_allocate_nothing()));
}

fn from_environment(name: &str) -> u32 {
    std::env::var(name).unwrap().parse().unwrap()
}

#[test]
#[ignore = "for tests/syscalls.sh, which counts its system calls"]
fn many_timeouts() {
    let _alone = alone();
    let timeouts = from_environment("TIMEOUTS");
    // The runtime makes calls of its own when it asks its reactor. It does not while a task can run.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .event_interval(u32::MAX)
        .build()
        .unwrap();
    runtime.block_on(async {
        let all = tokio::spawn(async move {
            for _ in 0..timeouts {
                tokio::task::unconstrained(timeout(HOUR, second_poll()))
                    .await
                    .unwrap();
            }
        });
        all.await.unwrap();
    });
}

/// A task that is late by more than a period takes several ticks for one system call. The period is long
/// enough to make that rare under strace.
#[test]
#[ignore = "for tests/syscalls.sh, which counts its system calls"]
fn many_ticks() {
    let _alone = alone();
    let ticks = from_environment("TICKS");
    current_thread().block_on(async {
        let all = tokio::spawn(async move {
            let mut interval = interval(ms(4));
            for _ in 0..ticks {
                interval.tick().await;
            }
        });
        all.await.unwrap();
    });
}

/// Another sleep waits meanwhile.
#[test]
#[ignore = "for tests/syscalls.sh, which counts its system calls"]
fn many_sleeps() {
    let _alone = alone();
    let sleeps = from_environment("SLEEPS");
    current_thread().block_on(async {
        let waiting = tokio::spawn(sleep(HOUR));
        let all = tokio::spawn(async move {
            for _ in 0..sleeps {
                sleep(us(500)).await;
            }
        });
        all.await.unwrap();
        waiting.abort();
    });
}
