//! `chunks_timeout` yields full chunks, and after a time partial ones.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::{check_latest_waker, collect_impatiently, slow_stream, strict_stream};
use crate::support::{HOUR, ms, on_current_thread, on_every_runtime, task, us};
use futures::channel::mpsc::unbounded;
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{StreamTimeExt, sleep};

#[test]
fn no_partial_chunk_is_early() {
    on_every_runtime(async || {
        for limit in [us(100), us(700), ms(2)] {
            let (sender, receiver) = unbounded();
            let mut chunks = pin!(receiver.chunks_timeout(3, limit));
            for n in 0..5 {
                // The time starts at the first item of a chunk, not at the end of the last chunk.
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
fn full_chunk_is_immediate_and_no_chunk_is_empty() {
    on_current_thread(async {
        let (sender, receiver) = unbounded();
        let mut chunks = task::spawn(receiver.chunks_timeout(3, HOUR));
        for n in 0..7 {
            sender.unbounded_send(n).unwrap();
        }
        assert_eq!(chunks.next_now(), Some(vec![0, 1, 2]));
        assert_eq!(chunks.next_now(), Some(vec![3, 4, 5]));
        assert!(chunks.poll_next().is_pending());
        drop(sender);
        assert_eq!(chunks.next_now(), Some(vec![6]));

        let stream = stream::iter([0]).chain(stream::pending());
        let mut chunks = task::spawn(stream.chunks_timeout(3, Duration::ZERO));
        assert_eq!(chunks.next_now(), Some(vec![0]));
        assert!(chunks.poll_next().is_pending());
        sleep(ms(1)).await;
        assert!(!chunks.is_woken());
        assert!(chunks.poll_next().is_pending());
    });
}

#[test]
#[cfg(feature = "test-util")]
fn full_chunk_leaves_no_timer() {
    crate::support::paused().block_on(async {
        let (sender, receiver) = unbounded();
        let mut chunks = task::spawn(receiver.chunks_timeout(2, ms(2)));
        sender.unbounded_send(0).unwrap();
        assert!(chunks.poll_next().is_pending());
        sender.unbounded_send(1).unwrap();
        assert_eq!(chunks.next_now(), Some(vec![0, 1]));
        assert!(chunks.poll_next().is_pending());
        sleep(ms(4)).await;
        assert!(!chunks.is_woken());
    });
}

#[test]
fn chunk_with_zero_duration_has_what_is_ready() {
    on_current_thread(async {
        let stream = stream::iter(0..3).chain(stream::pending());
        let mut chunks = task::spawn(stream.chunks_timeout(5, Duration::ZERO));
        assert_eq!(chunks.next_now(), Some(vec![0, 1, 2]));
        assert!(chunks.poll_next().is_pending());
    });
}

#[test]
fn chunk_wakes_only_the_latest_waker() {
    on_current_thread(async {
        let stream = stream::iter([7]).chain(stream::pending());
        check_latest_waker(pin!(stream.chunks_timeout(2, ms(600)))).await;
    });
}

#[test]
fn canceled_wait_for_a_chunk_loses_no_item() {
    on_every_runtime(async || {
        let chunks = pin!(slow_stream().chunks_timeout(2, HOUR));
        assert_eq!(collect_impatiently(chunks).await, [vec![0, 1], vec![2]]);
        // If each cancellation restarted the wait, it would never end.
        let silent = stream::iter([0]).chain(stream::pending());
        let chunks = silent.chunks_timeout(2, ms(2));
        assert_eq!(collect_impatiently(pin!(chunks.take(1))).await, [[0]]);
    });
}

#[test]
fn into_remainder_returns_the_partial_chunk() {
    on_current_thread(async {
        let cx = &mut Context::from_waker(Waker::noop());
        let stream = stream::iter(0..3).chain(stream::pending());
        let mut chunks = pin!(stream.chunks_timeout(5, HOUR));
        assert!(chunks.as_mut().poll_next(cx).is_pending());
        assert_eq!(Pin::as_mut(&mut chunks).into_remainder(), [0, 1, 2]);
        assert!(chunks.as_mut().poll_next(cx).is_pending());
        assert!(chunks.into_remainder().is_empty());
    });
}

#[test]
fn ended_chunks_are_fused_and_drop_the_stream() {
    on_current_thread(async {
        let (inner, alive) = strict_stream(5);
        let mut chunks = pin!(inner.chunks_timeout(3, HOUR));
        assert_eq!(chunks.size_hint(), (2, Some(5)));
        assert_eq!(chunks.next().await, Some(vec![0, 1, 2]));
        assert_eq!(chunks.size_hint(), (1, Some(2)));
        // The end of the stream completes the last chunk at once.
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
fn size_hint_counts_the_partial_chunk() {
    on_current_thread(async {
        let cx = &mut Context::from_waker(Waker::noop());
        let (sender, receiver) = futures::channel::oneshot::channel();
        let stream = stream::iter([0]).chain(stream::once(async { receiver.await.unwrap() }));
        let mut chunks = pin!(stream.chunks_timeout(2, HOUR));
        assert!(chunks.as_mut().poll_next(cx).is_pending());
        assert_eq!(chunks.size_hint(), (1, Some(2)));
        assert!(!chunks.is_terminated());
        sender.send(1).unwrap();
        assert_eq!(chunks.next().await, Some(vec![0, 1]));
        assert_eq!(chunks.next().await, None);
    });
}
