//! One error before each item that is late.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::{HOUR, collected_by_an_impatient, only_the_latest_waker_is_woken, strict, waited_for};
use crate::support::task;
use crate::support::task::{assert_pending, assert_ready, assert_ready_eq};
use crate::support::{Watchdog, current_thread, ms, on_every_runtime, us};
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{FutureExt, StreamTimeExt, sleep};

#[test]
fn a_streams_timeout_is_never_early() {
    on_every_runtime("a_streams_timeout_is_never_early", || async {
        for limit in [us(100), us(700), ms(2)] {
            for _ in 0..5 {
                let (sender, receiver) = futures::channel::mpsc::unbounded();
                let mut began = Instant::now();
                let mut guarded = pin!(receiver.timeout(limit));
                // From the start, and from each item.
                for n in 0..3 {
                    assert!(guarded.next().await.unwrap().is_err());
                    assert!(began.elapsed() >= limit);
                    began = Instant::now();
                    sender.unbounded_send(n).unwrap();
                    assert_eq!(guarded.next().await, Some(Ok(n)));
                }
            }
        }
    });
}

#[test]
fn a_late_item_is_told_once_and_follows() {
    on_every_runtime("a_late_item_is_told_once_and_follows", || async {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut guarded = pin!(receiver.timeout(us(500)));
        for n in 0..3 {
            assert!(guarded.next().await.unwrap().is_err());
            // As long as it takes.
            assert!(FutureExt::timeout(guarded.next(), ms(3)).await.is_err());
            sender.unbounded_send(n).unwrap();
            assert_eq!(guarded.next().await, Some(Ok(n)));
        }
    });
}

#[test]
fn an_item_that_has_come_is_before_a_timeout_however_late() {
    current_thread().block_on(async {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut guarded = task::spawn(receiver.timeout(ms(1)));
        sender.unbounded_send(7).unwrap();
        sleep(ms(2)).await;
        assert_ready_eq!(guarded.poll_next(), Some(Ok(7)));
        // From then on it has its time anew.
        sleep(ms(2)).await;
        assert!(assert_ready!(guarded.poll_next()).unwrap().is_err());
        assert_pending!(guarded.poll_next());
        sleep(ms(2)).await;
        assert_pending!(guarded.poll_next(), "once");
    });
}

#[test]
fn a_streams_timeout_of_zero_is_told_at_once() {
    let _watchdog = Watchdog::new("a_streams_timeout_of_zero_is_told_at_once");
    current_thread().block_on(async {
        let mut guarded = task::spawn(stream::iter(0..2).timeout(Duration::ZERO));
        assert_ready_eq!(guarded.poll_next(), Some(Ok(0)));
        assert_ready_eq!(guarded.poll_next(), Some(Ok(1)));
        assert_ready_eq!(guarded.poll_next(), None);
        let mut silent = task::spawn(stream::pending::<()>().timeout(Duration::ZERO));
        assert!(assert_ready!(silent.poll_next()).unwrap().is_err());
        assert_pending!(silent.poll_next());
    });
}

#[test]
fn a_streams_timeout_wakes_the_latest_waker() {
    let _watchdog = Watchdog::new("a_streams_timeout_wakes_the_latest_waker");
    current_thread().block_on(async {
        let guarded = pin!(stream::pending::<()>().timeout(ms(600)));
        only_the_latest_waker_is_woken(guarded).await;
    });
}

#[test]
fn to_give_up_on_an_item_with_a_timeout_loses_nothing() {
    on_every_runtime(
        "to_give_up_on_an_item_with_a_timeout_loses_nothing",
        || async {
            let slow = waited_for([(ms(1), 0), (ms(1), 1), (ms(1), 2)]);
            let seen = collected_by_an_impatient(pin!(slow.timeout(HOUR))).await;
            assert_eq!(seen, [Ok(0), Ok(1), Ok(2)]);
            // If the wait began anew each time, it would never end.
            let silent = stream::pending::<()>().timeout(ms(2));
            let seen = collected_by_an_impatient(pin!(silent.take(1))).await;
            assert!(seen[0].is_err());
        },
    );
}

#[test]
fn a_stream_with_a_timeout_is_fused_and_let_go_of() {
    current_thread().block_on(async {
        let (inner, alive) = strict(1);
        let mut guarded = pin!(inner.timeout(us(1)));
        assert_eq!(guarded.size_hint(), (1, Some(3)));
        assert_eq!(guarded.next().await, Some(Ok(0)));
        assert_eq!(guarded.size_hint(), (0, Some(1)));
        assert!(!guarded.is_terminated());
        for _ in 0..3 {
            assert_eq!(guarded.next().await, None);
            assert!(guarded.is_terminated());
            assert_eq!(guarded.size_hint(), (0, Some(0)));
            sleep(us(10)).await;
        }
        assert_eq!(Arc::strong_count(&alive), 1);

        // The hint does not count a timeout that has been reported.
        let (sender, receiver) = futures::channel::oneshot::channel();
        let mut late = pin!(stream::once(receiver).timeout(us(1)));
        assert_eq!(late.size_hint(), (1, Some(3)));
        assert!(late.next().await.unwrap().is_err());
        assert_eq!(late.size_hint(), (1, Some(2)));
        sender.send(0).unwrap();
        assert_eq!(late.next().await, Some(Ok(Ok(0))));
        assert_eq!(late.size_hint(), (0, Some(1)));

        let unknown = stream::iter(0..).timeout(ms(1));
        assert_eq!(unknown.size_hint().1, None);
        let endless = stream::iter(0..usize::MAX).timeout(ms(1));
        assert_eq!(endless.size_hint(), (usize::MAX, None));
    });
}
