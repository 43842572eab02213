//! An error at each tick, until the item is there.

use std::pin::pin;
use std::sync::Arc;

use super::{HOUR, collected_by_an_impatient, only_the_latest_waker_is_woken, strict, waited_for};
use crate::support::task;
use crate::support::task::{assert_pending, assert_ready, assert_ready_eq};
use crate::support::{Watchdog, current_thread, ms, on_every_runtime, us};
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, StreamTimeExt, interval, interval_at, sleep};

/// One that ticks after each `period`, but not at once.
fn after(period: std::time::Duration) -> OsInterval {
    interval_at(Instant::now() + period, period)
}

#[test]
fn repeated_timeouts_are_never_early() {
    on_every_runtime("repeated_timeouts_are_never_early", || async {
        for period in [us(100), us(700), ms(2)] {
            let (sender, receiver) = futures::channel::mpsc::unbounded();
            let mut began = Instant::now();
            let mut watched = pin!(receiver.timeout_repeating(after(period)));
            for n in 0..3 {
                for tick in 1..=4 {
                    assert!(watched.next().await.unwrap().is_err());
                    assert!(began.elapsed() >= period * tick);
                }
                // The next tick is a period from here.
                began = Instant::now();
                sender.unbounded_send(n).unwrap();
                assert_eq!(watched.next().await, Some(Ok(n)));
            }
        }
    });
}

#[test]
fn an_item_that_has_come_is_before_a_repeated_timeout_and_puts_it_off() {
    current_thread().block_on(async {
        // A tick of this one is due at once.
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut watched = task::spawn(receiver.timeout_repeating(interval(HOUR)));
        sender.unbounded_send(7).unwrap();
        assert_ready_eq!(watched.poll_next(), Some(Ok(7)));
        assert_pending!(watched.poll_next());

        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut watched = task::spawn(receiver.timeout_repeating(interval(us(1))));
        for n in 0..3 {
            sender.unbounded_send(n).unwrap();
            sleep(us(10)).await;
            assert_ready_eq!(watched.poll_next(), Some(Ok(n)));
            sleep(us(10)).await;
            assert!(assert_ready!(watched.poll_next()).unwrap().is_err());
        }
        // So is the end.
        drop(sender);
        assert_ready_eq!(watched.poll_next(), None);
    });
}

#[test]
fn a_repeated_timeout_wakes_the_latest_waker() {
    let _watchdog = Watchdog::new("a_repeated_timeout_wakes_the_latest_waker");
    current_thread().block_on(async {
        let watched = pin!(stream::pending::<()>().timeout_repeating(after(ms(600))));
        only_the_latest_waker_is_woken(watched).await;
    });
}

#[test]
fn to_give_up_on_an_item_with_repeated_timeouts_loses_nothing() {
    on_every_runtime(
        "to_give_up_on_an_item_with_repeated_timeouts_loses_nothing",
        || async {
            let slow = waited_for([(ms(1), 0), (ms(1), 1), (ms(1), 2)]);
            let watched = pin!(slow.timeout_repeating(after(HOUR)));
            let seen = collected_by_an_impatient(watched).await;
            assert_eq!(seen, [Ok(0), Ok(1), Ok(2)]);
            // If the wait began anew each time, no tick would ever come.
            let silent = stream::pending::<()>().timeout_repeating(after(ms(2)));
            let seen = collected_by_an_impatient(pin!(silent.take(3))).await;
            assert_eq!(seen.len(), 3);
        },
    );
}

#[test]
fn a_stream_with_repeated_timeouts_is_fused_and_let_go_of() {
    current_thread().block_on(async {
        let (inner, alive) = strict(1);
        let mut watched = pin!(inner.timeout_repeating(interval(us(1))));
        assert_eq!(watched.size_hint(), (1, None));
        assert_eq!(watched.next().await, Some(Ok(0)));
        assert_eq!(watched.size_hint(), (0, None));
        assert!(!watched.is_terminated());
        for _ in 0..3 {
            assert_eq!(watched.next().await, None);
            assert!(watched.is_terminated());
            assert_eq!(watched.size_hint(), (0, Some(0)));
            sleep(us(10)).await;
        }
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}
