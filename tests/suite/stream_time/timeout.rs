//! `timeout` yields one error before each late item.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::{check_latest_waker, collect_impatiently, slow_stream, strict_stream};
use crate::support::{HOUR, ms, on_current_thread, on_every_runtime, task, us};
use futures::channel::mpsc::unbounded;
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{FutureExt, StreamTimeExt, sleep};

#[test]
fn no_stream_timeout_is_early() {
    on_every_runtime(async || {
        for limit in [us(100), us(700), ms(2)] {
            for _ in 0..5 {
                let (sender, receiver) = unbounded();
                // The time starts when the stream is created, and then at each item.
                let mut began = Instant::now();
                let mut limited = pin!(receiver.timeout(limit));
                for n in 0..3 {
                    assert!(limited.next().await.unwrap().is_err());
                    assert!(began.elapsed() >= limit);
                    began = Instant::now();
                    sender.unbounded_send(n).unwrap();
                    assert_eq!(limited.next().await, Some(Ok(n)));
                }
            }
        }
    });
}

#[test]
fn late_item_follows_one_error() {
    on_every_runtime(async || {
        let (sender, receiver) = unbounded();
        let mut limited = pin!(receiver.timeout(us(500)));
        for n in 0..3 {
            assert!(limited.next().await.unwrap().is_err());
            // There is no second error, however late the item is.
            assert!(FutureExt::timeout(limited.next(), ms(3)).await.is_err());
            sender.unbounded_send(n).unwrap();
            assert_eq!(limited.next().await, Some(Ok(n)));
        }
    });
}

#[test]
fn ready_item_wins_over_an_elapsed_timeout() {
    on_current_thread(async {
        let (sender, receiver) = unbounded();
        let mut limited = task::spawn(receiver.timeout(ms(1)));
        sender.unbounded_send(7).unwrap();
        sleep(ms(2)).await;
        assert_eq!(limited.next_now(), Some(Ok(7)));
        // The item restarts the timeout.
        sleep(ms(2)).await;
        assert!(limited.next_now().unwrap().is_err());
        assert!(limited.poll_next().is_pending());
        sleep(ms(2)).await;
        assert!(limited.poll_next().is_pending(), "one error only");
    });
}

#[test]
fn stream_timeout_of_zero_elapses_at_once() {
    on_current_thread(async {
        let mut limited = task::spawn(stream::iter(0..2).timeout(Duration::ZERO));
        assert_eq!(limited.next_now(), Some(Ok(0)));
        assert_eq!(limited.next_now(), Some(Ok(1)));
        assert_eq!(limited.next_now(), None);
        let mut silent = task::spawn(stream::pending::<()>().timeout(Duration::ZERO));
        assert!(silent.next_now().unwrap().is_err());
        assert!(silent.poll_next().is_pending());
    });
}

#[test]
fn stream_timeout_wakes_only_the_latest_waker() {
    on_current_thread(async {
        check_latest_waker(pin!(stream::pending::<()>().timeout(ms(600)))).await;
    });
}

#[test]
fn canceled_wait_with_a_timeout_loses_no_item() {
    on_every_runtime(async || {
        let limited = pin!(slow_stream().timeout(HOUR));
        assert_eq!(collect_impatiently(limited).await, [Ok(0), Ok(1), Ok(2)]);
        // If each cancellation restarted the wait, it would never end.
        let silent = stream::pending::<()>().timeout(ms(2));
        let items = collect_impatiently(pin!(silent.take(1))).await;
        assert!(items[0].is_err());
    });
}

#[test]
fn ended_stream_with_a_timeout_is_fused_and_dropped() {
    on_current_thread(async {
        let (inner, alive) = strict_stream(1);
        let mut limited = pin!(inner.timeout(us(1)));
        assert_eq!(limited.size_hint(), (1, Some(3)));
        assert_eq!(limited.next().await, Some(Ok(0)));
        assert_eq!(limited.size_hint(), (0, Some(1)));
        assert!(!limited.is_terminated());
        for _ in 0..3 {
            assert_eq!(limited.next().await, None);
            assert!(limited.is_terminated());
            assert_eq!(limited.size_hint(), (0, Some(0)));
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
