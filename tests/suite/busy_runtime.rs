//! While tasks keep the runtime from its reactor, polls of timers find what is due.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[cfg(all(descriptor, production))]
use crate::support::{CountingWaker, HOUR, poll_tick, start_waiting};
use crate::support::{current_thread, ms, multi_thread, on_current_thread, on_runtimes, us};
use tokio::task::coop::{consume_budget, has_budget_remaining};
use tokio::task::yield_now;
use tokio::time::Instant;
use tokio_osinterval::sleep;
#[cfg(all(descriptor, production))]
use tokio_osinterval::{OsInterval, interval_at};

/// A task that never yields and has no budget left hears of its deadline from the timer alone
/// (tokio-rs/tokio#7883).
#[test]
fn repeated_polls_see_the_deadline_pass_without_a_yield() {
    on_runtimes([current_thread(), multi_thread(1)], async || {
        for wait in [us(50), ms(1), ms(5)] {
            let mut sleeping = pin!(sleep(wait));
            let deadline = sleeping.deadline();
            yield_now().await;
            let late_polls = poll_fn(|cx| {
                // The deadline may have passed already.
                let mut is_ready = sleeping.as_mut().poll(cx).is_ready();
                while has_budget_remaining() {
                    assert!(pin!(consume_budget()).poll(cx).is_ready());
                }
                let mut late_polls = 0;
                while !is_ready {
                    late_polls += u32::from(Instant::now() >= deadline);
                    is_ready = sleeping.as_mut().poll(cx).is_ready();
                }
                assert!(!has_budget_remaining(), "all in one poll");
                Poll::Ready(late_polls)
            });
            let late_polls = late_polls.await;
            assert!(Instant::now() >= deadline, "early");
            assert!(late_polls <= 16, "{late_polls} polls after the deadline");
        }
    });
}

/// Another timer is overdue as well, so that each poll fires the driver.
#[test]
fn ready_sleep_stays_ready_while_another_timer_is_overdue() {
    on_current_thread(async {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut earlier = pin!(sleep(ms(1)));
        let _ = earlier.as_mut().poll(cx);
        let mut later = pin!(sleep(ms(15)));
        let _ = later.as_mut().poll(cx);
        std::thread::sleep(ms(20));
        for _ in 0..8 {
            assert!(later.as_mut().poll(cx).is_ready());
        }
    });
}

/// Creates an interval that is overdue, and that nothing has woken.
#[cfg(all(descriptor, production))]
fn overdue_interval(waker: &CountingWaker) -> OsInterval {
    let woken = waker.wakes();
    loop {
        let mut interval = interval_at(Instant::now() + ms(5), HOUR);
        // If this thread is preempted, the deadline may have passed.
        if poll_tick(&mut interval, waker).is_pending() {
            std::thread::sleep(ms(10));
            assert_eq!(waker.wakes(), woken);
            return interval;
        }
    }
}

#[cfg(all(descriptor, production))]
#[test]
fn poll_of_another_timer_fires_an_overdue_driver() {
    on_current_thread(async {
        let far_interval = || interval_at(Instant::now() + HOUR, HOUR);
        let waker = CountingWaker::new();
        for poll in ["first wait", "further wait", "ready"] {
            let mut other = far_interval();
            if poll != "first wait" {
                start_waiting(&mut other, Waker::noop());
            }
            let mut overdue = overdue_interval(&waker);
            let woken = waker.wakes();
            if poll == "ready" {
                other.reset_immediately();
                assert!(poll_tick(&mut other, Waker::noop()).is_ready());
            } else {
                start_waiting(&mut other, Waker::noop());
            }
            assert_eq!(waker.wakes(), woken + 1, "{poll}");
            assert!(poll_tick(&mut overdue, &waker).is_ready());
        }

        // A drop fires no driver, since it may happen anywhere. A reset does not either.
        let mut other = far_interval();
        start_waiting(&mut other, Waker::noop());
        let mut overdue = overdue_interval(&waker);
        let woken = waker.wakes();
        other.reset_at(Instant::now() + 2 * HOUR);
        drop(other);
        assert_eq!(waker.wakes(), woken);
        start_waiting(&mut far_interval(), Waker::noop());
        assert_eq!(waker.wakes(), woken + 1);
        assert!(poll_tick(&mut overdue, &waker).is_ready());
    });
}

/// A new sleep reads no clock at its first poll. One in a few uses the time of its creation.
#[test]
#[cfg(all(descriptor, production))]
fn first_poll_of_some_new_sleep_fires_an_overdue_driver() {
    on_current_thread(async {
        let waker = CountingWaker::new();
        let cx = &mut Context::from_waker(&waker);
        let poll_new_sleep = || {
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(pin!(sleep(HOUR)).poll(cx).is_pending());
        };
        // If this thread is preempted, the deadline may have passed.
        let mut overdue = loop {
            let mut overdue = Box::pin(sleep(ms(50)));
            if overdue.as_mut().poll(cx).is_pending() {
                break overdue;
            }
        };
        poll_new_sleep();
        std::thread::sleep(ms(60));
        (0..8).for_each(|_| poll_new_sleep());
        assert_eq!(waker.wakes(), 1);
        assert!(overdue.as_mut().poll(cx).is_ready());
    });
}
