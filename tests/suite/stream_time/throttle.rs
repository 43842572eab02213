//! `throttle` keeps items a duration apart.

use std::pin::pin;
use std::time::Duration;

use super::{check_latest_waker, collect_impatiently, strict_stream};
use crate::support::{HOUR, ms, on_current_thread, on_every_runtime, task, us};
use futures::channel::mpsc::unbounded;
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::StreamTimeExt;

#[test]
fn no_throttled_item_is_early() {
    on_every_runtime(async || {
        for apart in [us(100), us(700), ms(2)] {
            // Each item holds the time at which it was polled. The delay starts no earlier.
            let items = stream::iter(0..5).map(|n| (n, Instant::now()));
            let mut throttled = pin!(items.throttle(apart));
            let mut last: Option<Instant> = None;
            for n in 0..5 {
                let (item, now) = throttled.next().await.unwrap();
                assert_eq!(item, n);
                if let Some(last) = last.replace(now) {
                    assert!(now - last >= apart, "{:?} < {apart:?}", now - last);
                }
            }
            assert_eq!(throttled.next().await, None);
            assert!(last.unwrap().elapsed() >= apart, "the end is delayed, too");
        }
    });
}

#[test]
fn throttle_does_not_delay_the_first_item_or_a_late_one() {
    on_current_thread(async {
        let (sender, receiver) = unbounded();
        let mut throttled = task::spawn(receiver.throttle(ms(2)));
        assert!(throttled.poll_next().is_pending());
        sender.unbounded_send(0).unwrap();
        assert!(throttled.is_woken());
        assert_eq!(throttled.next_now(), Some(0));
        // The delay is over before the next item is sent.
        std::thread::sleep(ms(3));
        assert!(throttled.poll_next().is_pending());
        sender.unbounded_send(1).unwrap();
        assert_eq!(throttled.next_now(), Some(1));
    });
}

#[test]
fn throttled_stream_is_not_polled_during_a_delay() {
    on_current_thread(async {
        let mut polls = 0;
        let counted = stream::poll_fn(|_| {
            polls += 1;
            std::task::Poll::Ready(Some(()))
        });
        let mut throttled = task::spawn(counted.throttle(HOUR));
        assert_eq!(throttled.next_now(), Some(()));
        for _ in 0..10 {
            assert!(throttled.poll_next().is_pending());
        }
        drop(throttled);
        assert_eq!(polls, 1);
    });
}

#[test]
fn throttle_of_zero_delays_nothing() {
    on_current_thread(async {
        let mut throttled = task::spawn(stream::iter(0..1000).throttle(Duration::ZERO));
        for n in 0..1000 {
            assert_eq!(throttled.next_now(), Some(n));
        }
        assert_eq!(throttled.next_now(), None);
    });
}

#[test]
fn throttle_wakes_only_the_latest_waker() {
    on_current_thread(async {
        let mut throttled = pin!(stream::repeat(()).throttle(ms(600)));
        throttled.next().await;
        check_latest_waker(throttled.as_mut()).await;
    });
}

#[test]
fn canceled_wait_for_a_throttled_item_loses_no_item() {
    on_every_runtime(async || {
        let throttled = pin!(stream::iter(0..5).throttle(ms(1)));
        assert_eq!(collect_impatiently(throttled).await, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn throttle_forwards_the_size_hint_and_the_end() {
    on_current_thread(async {
        let mut throttled = pin!(stream::iter(0..2).fuse().throttle(us(1)));
        assert_eq!(throttled.size_hint(), (2, Some(2)));
        throttled.next().await;
        assert_eq!(throttled.size_hint(), (1, Some(1)));
        throttled.next().await;
        assert!(!throttled.is_terminated());
        assert_eq!(throttled.next().await, None);
        assert!(throttled.is_terminated());

        let (inner, _alive) = strict_stream(2);
        let mut throttled = Box::new(inner.throttle(HOUR));
        assert_eq!(throttled.get_ref().size_hint(), (2, Some(2)));
        assert_eq!(throttled.get_mut().next().await, Some(0));
        assert_eq!(throttled.into_inner().next().await, Some(1));
    });
}
