//! A wait whose timer is reset ends at the new deadline, without another poll.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use crate::support::{
    HOUR, Watchdog, ms, multi_thread, on_current_thread, on_every_runtime, poll_tick,
    start_waiting, us,
};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval_at, sleep};

/// A task waits in `tick` while another one resets its interval.
#[track_caller]
fn check_reset(reset: impl Fn(&mut OsInterval)) {
    on_every_runtime(async || {
        let interval = Arc::new(Mutex::new(interval_at(Instant::now() + HOUR, ms(2))));
        let tick = tokio::spawn({
            let interval = Arc::clone(&interval);
            poll_fn(move |cx| interval.lock().unwrap().poll_tick(cx))
        });
        interval_at(Instant::now() + ms(2), HOUR).tick().await;
        assert!(!tick.is_finished());
        // A reset to later must leave the task waiting.
        interval.lock().unwrap().reset_at(Instant::now() + 2 * HOUR);
        tokio::task::yield_now().await;
        assert!(!tick.is_finished());
        reset(&mut interval.lock().unwrap());
        tick.await.unwrap();
    });
}

#[test]
fn reset_wakes_a_waiting_task() {
    check_reset(OsInterval::reset);
}

#[test]
fn reset_immediately_wakes_a_waiting_task() {
    check_reset(OsInterval::reset_immediately);
}

#[test]
fn reset_after_wakes_a_waiting_task() {
    check_reset(|interval| interval.reset_after(ms(1)));
}

#[test]
fn reset_at_wakes_a_waiting_task() {
    check_reset(|interval| interval.reset_at(Instant::now() + ms(1)));
}

#[test]
fn reset_at_the_past_wakes_a_waiting_task() {
    check_reset(|interval| interval.reset_at(Instant::now().checked_sub(ms(1)).unwrap()));
}

#[test]
fn reset_of_a_sleep_wakes_a_waiting_task() {
    on_every_runtime(async || {
        let mut sleeping = pin!(sleep(HOUR));
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            let polled = sleeping.as_mut().poll(cx);
            if polls == 1 {
                assert!(polled.is_pending());
                // Only the new deadline can wake this task again.
                sleeping.as_mut().reset(Instant::now() + ms(1));
            }
            polled
        })
        .await;
        assert!(sleeping.is_elapsed());
    });
}

/// A waiting timer reads the clock only at some polls, but at the first poll after a reset.
#[test]
fn reset_into_the_past_is_ready_at_the_next_poll() {
    on_current_thread(async {
        for polls in 1..=40 {
            let mut interval = interval_at(Instant::now() + HOUR, HOUR);
            for _ in 0..polls {
                start_waiting(&mut interval, Waker::noop());
            }
            interval.reset_immediately();
            let polled = poll_tick(&mut interval, Waker::noop());
            assert!(polled.is_ready(), "after {polls} polls");
        }
    });
}

/// A thread outside the runtime resets its timer again and again, just as the timer fires.
#[test]
fn reset_races_with_expiry() {
    let _watchdog = Watchdog::new();
    let runtime = multi_thread(2);
    let ticks = runtime.spawn(async {
        let mut interval = interval_at(Instant::now(), ms(1));
        loop {
            interval.tick().await;
        }
    });
    let _context = runtime.enter();
    let mut interval = interval_at(Instant::now(), ms(1));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        interval.reset_after(us(1));
        let _ = poll_tick(&mut interval, Waker::noop());
    }
    ticks.abort();
    runtime.block_on(async {
        interval.reset();
        interval.tick().await;
    });
}
