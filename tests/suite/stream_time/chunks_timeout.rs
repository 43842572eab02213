//! Chunks of a size, or what has come in a time.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use super::{
    HOUR, collected_by_an_impatient, count, only_the_latest_waker_is_woken, poll, strict,
    waited_for,
};
use crate::support::task;
use crate::support::task::{assert_pending, assert_ready_eq};
use crate::support::{Watchdog, current_thread, ms, on_every_runtime, us};
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{StreamTimeExt, sleep};

#[test]
fn a_chunk_that_is_not_full_is_never_early() {
    on_every_runtime("a_chunk_that_is_not_full_is_never_early", || async {
        for limit in [us(100), us(700), ms(2)] {
            let (sender, receiver) = futures::channel::mpsc::unbounded();
            let mut chunks = pin!(receiver.chunks_timeout(3, limit));
            for n in 0..5 {
                // Not from the end of the last chunk, but from the first item of this.
                sleep(limit / 2).await;
                let began = Instant::now();
                sender.unbounded_send(n).unwrap();
                sender.unbounded_send(n + 1).unwrap();
                assert_eq!(chunks.next().await, Some(vec![n, n + 1]));
                assert!(began.elapsed() >= limit);
            }
        }
    });
}

#[test]
fn a_chunk_that_is_full_comes_at_once_and_none_is_empty() {
    current_thread().block_on(async {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut chunks = task::spawn(receiver.chunks_timeout(3, HOUR));
        for n in 0..7 {
            sender.unbounded_send(n).unwrap();
        }
        assert_ready_eq!(chunks.poll_next(), Some(vec![0, 1, 2]));
        assert_ready_eq!(chunks.poll_next(), Some(vec![3, 4, 5]));
        assert_pending!(chunks.poll_next());
        drop(sender);
        assert_ready_eq!(chunks.poll_next(), Some(vec![6]));

        let stream = stream::iter([0]).chain(stream::pending());
        let mut chunks = task::spawn(stream.chunks_timeout(3, Duration::ZERO));
        assert_ready_eq!(chunks.poll_next(), Some(vec![0]));
        assert_pending!(chunks.poll_next());
        sleep(ms(1)).await;
        assert!(!chunks.is_woken());
        assert_pending!(chunks.poll_next());
    });
}

#[test]
#[cfg(feature = "test-util")]
fn a_full_chunk_leaves_no_timer_behind() {
    super::paused().block_on(async {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut chunks = task::spawn(receiver.chunks_timeout(2, ms(2)));
        sender.unbounded_send(0).unwrap();
        assert_pending!(chunks.poll_next());
        sender.unbounded_send(1).unwrap();
        assert_ready_eq!(chunks.poll_next(), Some(vec![0, 1]));
        assert_pending!(chunks.poll_next());
        sleep(ms(4)).await;
        assert!(!chunks.is_woken());
    });
}

#[test]
fn chunks_in_no_time_are_what_is_ready() {
    let _watchdog = Watchdog::new("chunks_in_no_time_are_what_is_ready");
    current_thread().block_on(async {
        let stream = stream::iter(0..3).chain(stream::pending());
        let mut chunks = task::spawn(stream.chunks_timeout(5, Duration::ZERO));
        assert_ready_eq!(chunks.poll_next(), Some(vec![0, 1, 2]));
        assert_pending!(chunks.poll_next());
    });
}

#[test]
fn a_chunk_wakes_the_latest_waker() {
    let _watchdog = Watchdog::new("a_chunk_wakes_the_latest_waker");
    current_thread().block_on(async {
        let stream = stream::iter([7]).chain(stream::pending());
        only_the_latest_waker_is_woken(pin!(stream.chunks_timeout(2, ms(600)))).await;
    });
}

#[test]
fn to_give_up_on_a_chunk_loses_nothing() {
    on_every_runtime("to_give_up_on_a_chunk_loses_nothing", || async {
        let slow = waited_for([(ms(1), 0), (ms(1), 1), (ms(1), 2)]);
        let seen = collected_by_an_impatient(pin!(slow.chunks_timeout(2, HOUR))).await;
        assert_eq!(seen, [vec![0, 1], vec![2]]);
        // If the wait began anew each time, it would never end.
        let silent = stream::iter([0]).chain(stream::pending());
        let chunks = silent.chunks_timeout(2, ms(2));
        assert_eq!(collected_by_an_impatient(pin!(chunks.take(1))).await, [[0]]);
    });
}

#[test]
fn what_is_left_of_a_chunk_can_be_taken() {
    current_thread().block_on(async {
        let (_, waker) = count();
        let stream = stream::iter(0..3).chain(stream::pending());
        let mut chunks = pin!(stream.chunks_timeout(5, HOUR));
        assert!(poll(chunks.as_mut(), &waker).is_pending());
        assert_eq!(Pin::as_mut(&mut chunks).into_remainder(), [0, 1, 2]);
        assert!(poll(chunks.as_mut(), &waker).is_pending());
        assert!(chunks.into_remainder().is_empty());
    });
}

#[test]
fn chunks_are_fused_and_the_stream_is_let_go_of() {
    current_thread().block_on(async {
        let (inner, alive) = strict(5);
        let mut chunks = pin!(inner.chunks_timeout(3, HOUR));
        assert_eq!(chunks.size_hint(), (2, Some(5)));
        assert_eq!(chunks.next().await, Some(vec![0, 1, 2]));
        assert_eq!(chunks.size_hint(), (1, Some(2)));
        // The end cuts the last one short, and nobody waits for it.
        assert_eq!(chunks.next().await, Some(vec![3, 4]));
        for _ in 0..3 {
            assert_eq!(chunks.next().await, None);
            assert!(chunks.is_terminated());
            assert_eq!(chunks.size_hint(), (0, Some(0)));
        }
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn the_hint_counts_the_chunk_that_has_begun() {
    current_thread().block_on(async {
        let (_, waker) = count();
        let (sender, receiver) = futures::channel::oneshot::channel();
        let stream = stream::iter([0]).chain(stream::once(async { receiver.await.unwrap() }));
        let mut chunks = pin!(stream.chunks_timeout(2, HOUR));
        assert!(poll(chunks.as_mut(), &waker).is_pending());
        assert_eq!(chunks.size_hint(), (1, Some(2)));
        assert!(!chunks.is_terminated());
        sender.send(1).unwrap();
        assert_eq!(chunks.next().await, Some(vec![0, 1]));
        assert_eq!(chunks.next().await, None);
    });
}
