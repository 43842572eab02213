//! Items that are at least so far apart.

use std::pin::pin;
use std::time::Duration;

use super::{HOUR, collected_by_an_impatient, only_the_latest_waker_is_woken, strict};
use crate::support::task;
use crate::support::task::{assert_pending, assert_ready_eq};
use crate::support::{Watchdog, current_thread, ms, on_every_runtime, us};
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::StreamTimeExt;

#[test]
fn items_are_never_closer_than_throttled() {
    on_every_runtime("items_are_never_closer_than_throttled", || async {
        for apart in [us(100), us(700), ms(2)] {
            // When each was asked for: the pause is counted from a moment no earlier than that.
            let items = stream::iter(0..5).map(|n| (n, Instant::now()));
            let mut paced = pin!(items.throttle(apart));
            let mut last: Option<Instant> = None;
            for n in 0..5 {
                let (item, now) = paced.next().await.unwrap();
                assert_eq!(item, n);
                if let Some(last) = last.replace(now) {
                    assert!(now - last >= apart, "{:?} < {apart:?}", now - last);
                }
            }
            assert_eq!(paced.next().await, None);
            assert!(last.unwrap().elapsed() >= apart, "so is the end");
        }
    });
}

#[test]
fn the_first_item_is_not_throttled_nor_is_the_wait_for_a_late_one() {
    current_thread().block_on(async {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut paced = task::spawn(receiver.throttle(ms(2)));
        assert_pending!(paced.poll_next());
        sender.unbounded_send(0).unwrap();
        assert!(paced.is_woken());
        assert_ready_eq!(paced.poll_next(), Some(0));
        // Its pause is over before it comes.
        std::thread::sleep(ms(3));
        assert_pending!(paced.poll_next());
        sender.unbounded_send(1).unwrap();
        assert_ready_eq!(paced.poll_next(), Some(1));
    });
}

#[test]
fn while_it_is_throttled_a_stream_is_not_polled() {
    current_thread().block_on(async {
        let mut polls = 0;
        let counted = stream::poll_fn(|_| {
            polls += 1;
            std::task::Poll::Ready(Some(()))
        });
        let mut paced = task::spawn(counted.throttle(HOUR));
        assert_ready_eq!(paced.poll_next(), Some(()));
        for _ in 0..10 {
            assert_pending!(paced.poll_next());
        }
        drop(paced);
        assert_eq!(polls, 1);
    });
}

#[test]
fn a_throttle_of_zero_passes_everything_through() {
    current_thread().block_on(async {
        let mut paced = task::spawn(stream::iter(0..1000).throttle(Duration::ZERO));
        for n in 0..1000 {
            assert_ready_eq!(paced.poll_next(), Some(n));
        }
        assert_ready_eq!(paced.poll_next(), None);
    });
}

#[test]
fn a_throttled_stream_wakes_the_latest_waker() {
    let _watchdog = Watchdog::new("a_throttled_stream_wakes_the_latest_waker");
    current_thread().block_on(async {
        let mut paced = pin!(stream::repeat(()).throttle(ms(600)));
        paced.next().await;
        only_the_latest_waker_is_woken(paced.as_mut()).await;
    });
}

#[test]
fn to_give_up_on_a_throttled_item_loses_nothing() {
    on_every_runtime("to_give_up_on_a_throttled_item_loses_nothing", || async {
        let paced = pin!(stream::iter(0..5).throttle(ms(1)));
        assert_eq!(collected_by_an_impatient(paced).await, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_throttle_hands_on_hint_and_end() {
    current_thread().block_on(async {
        let mut paced = pin!(stream::iter(0..2).fuse().throttle(us(1)));
        assert_eq!(paced.size_hint(), (2, Some(2)));
        paced.next().await;
        assert_eq!(paced.size_hint(), (1, Some(1)));
        paced.next().await;
        assert!(!paced.is_terminated());
        assert_eq!(paced.next().await, None);
        assert!(paced.is_terminated());

        let (inner, _alive) = strict(2);
        let mut paced = Box::new(inner.throttle(HOUR));
        assert_eq!(paced.get_ref().size_hint(), (2, Some(2)));
        assert_eq!(paced.get_mut().next().await, Some(0));
        assert_eq!(paced.into_inner().next().await, Some(1));
    });
}
