//! Timers can be far more precise than tokio's.
//!
//! Each test needs one good sample among many. tokio's wheel has none, however quiet the machine.
#![cfg(any(timerfd, kqueue_mach, kqueue_nanos))]

use std::time::Duration;

use crate::support::{on_current_thread, us};
use tokio::time::Instant;
use tokio_osinterval::{interval, sleep_until};

#[test]
fn tick_can_be_far_more_precise_than_a_millisecond() {
    on_current_thread(async {
        let mut interval = interval(us(1300));
        let mut least = Duration::MAX;
        for _ in 0..1000 {
            let deadline = interval.tick().await;
            least = least.min(deadline.elapsed());
        }
        println!("least lateness {least:?}");
        assert!(least < us(500), "{least:?}");
    });
}

#[test]
fn sleep_can_be_far_more_precise_than_a_millisecond() {
    on_current_thread(async {
        let mut least = Duration::MAX;
        for _ in 0..500 {
            let deadline = Instant::now() + us(300);
            sleep_until(deadline).await;
            least = least.min(deadline.elapsed());
        }
        assert!(least < us(300), "{least:?}");
    });
}

#[cfg(feature = "delay-queue")]
#[test]
fn expiration_can_be_far_more_precise_than_a_millisecond() {
    on_current_thread(async {
        let mut queue = tokio_osinterval::time::DelayQueue::new();
        let start = Instant::now() + crate::support::ms(1);
        for n in 0..500 {
            queue.insert_at(n, start + us(300) * n);
        }
        let mut least = Duration::MAX;
        while let Some(expired) = std::future::poll_fn(|cx| queue.poll_expired(cx)).await {
            least = least.min(expired.deadline().elapsed());
        }
        assert!(least < us(300), "{least:?}");
    });
}
