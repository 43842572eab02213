//! What a `timeout` costs around a future that is ready at its second poll; and ticks and sleeps, one
//! after the other.
//!
//! Of the production alarm: under `test-util` and in the portable backend each one arms a
//! `tokio::time::Sleep`.
#![cfg(all(timerfd, not(feature = "test-util")))]

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use crate::alone;
use crate::support::{Watchdog, current_thread};
use tokio::runtime::Builder;
use tokio_osinterval::{interval, sleep, timeout};

const TIMEOUTS: u64 = 1000;
const HOUR: Duration = Duration::from_secs(3600);

/// Ready at its second poll.
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
fn it_allocates_nothing() {
    let _alone = alone();
    let _watchdog = Watchdog::new("it_allocates_nothing");
    let runtime = current_thread();
    let run = || {
        runtime.block_on(async {
            for _ in 0..TIMEOUTS {
                timeout(HOUR, second_poll()).await.unwrap();
            }
        });
    };
    // The first of a runtime makes its driver.
    runtime.block_on(async { timeout(HOUR, second_poll()).await.unwrap() });
    let allocated = allocation_counter::measure(run).count_total;
    println!("allocations: {allocated} for {TIMEOUTS} timeouts, each of which was waited for");
    assert_eq!(allocated, 0);
}

fn from_environment(name: &str) -> u32 {
    std::env::var(name).unwrap().parse().unwrap()
}

/// `tests/syscalls.sh` counts the system calls of it.
#[test]
#[ignore = "for tests/syscalls.sh"]
fn many_timeouts() {
    let _alone = alone();
    let _watchdog = Watchdog::new("many_timeouts");
    let timeouts = from_environment("TIMEOUTS");
    // The reactor is not asked while a task can run: its calls are not ours.
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

/// And of this. Who is late by more than a tick gets all of them: what was armed for them is not armed
/// for nobody. But that takes fewer calls, so it shall not happen often, watched as it is.
#[test]
#[ignore = "for tests/syscalls.sh"]
fn many_ticks() {
    let _alone = alone();
    let _watchdog = Watchdog::new("many_ticks");
    let ticks = from_environment("TICKS");
    current_thread().block_on(async {
        let all = tokio::spawn(async move {
            let mut interval = interval(Duration::from_millis(4));
            for _ in 0..ticks {
                interval.tick().await;
            }
        });
        all.await.unwrap();
    });
}

/// And of this, beside one that waits for long.
#[test]
#[ignore = "for tests/syscalls.sh"]
fn many_sleeps() {
    let _alone = alone();
    let _watchdog = Watchdog::new("many_sleeps");
    let sleeps = from_environment("SLEEPS");
    current_thread().block_on(async {
        let waits = tokio::spawn(sleep(HOUR));
        let all = tokio::spawn(async move {
            for _ in 0..sleeps {
                sleep(Duration::from_micros(500)).await;
            }
        });
        all.await.unwrap();
        waits.abort();
    });
}
