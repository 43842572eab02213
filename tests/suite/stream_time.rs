//! `StreamTimeExt` gives streams a pace or a deadline.
#![cfg(feature = "stream")]

mod chunks_timeout;
mod throttle;
mod timeout;
mod timeout_repeating;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{
    CountingWaker, NO_RUNTIME, assert_panics_here, ms, on_current_thread, panic_message_here, task,
    us, yield_until,
};
use futures::channel::mpsc::unbounded;
use futures::stream::{self, Stream, StreamExt};
use tokio_osinterval::{StreamTimeExt, sleep};

/// Returns a stream that yields 0, 1 and 2, each a millisecond after the one before.
fn slow_stream() -> impl Stream<Item = u32> {
    let (sender, receiver) = unbounded();
    tokio::spawn(async move {
        for item in 0..3 {
            sleep(ms(1)).await;
            if sender.unbounded_send(item).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A stream that panics when it is polled after its end.
struct StrictStream {
    items: std::vec::IntoIter<u32>,
    ended: bool,
    _alive: Arc<()>,
}

/// Creates a strict stream of `count` items. Returns it and an `Arc` that it shares until it is dropped.
fn strict_stream(count: u32) -> (StrictStream, Arc<()>) {
    let alive = Arc::new(());
    let stream = StrictStream {
        items: (0..count).collect::<Vec<_>>().into_iter(),
        ended: false,
        _alive: Arc::clone(&alive),
    };
    (stream, alive)
}

impl Stream for StrictStream {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        assert!(!self.ended, "polled after its end");
        let item = self.items.next();
        self.ended = item.is_none();
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// Asserts that `stream`, which waits for its timer, wakes its latest waker once, and no earlier one.
async fn check_latest_waker<S: Stream>(mut stream: Pin<&mut S>) {
    let (first, latest) = (CountingWaker::new(), CountingWaker::new());
    let mut poll = |waker: &Waker| stream.as_mut().poll_next(&mut Context::from_waker(waker));
    assert!(poll(&first).is_pending());
    assert!(poll(&latest).is_pending());
    yield_until(|| latest.wakes() > 0).await;
    assert_eq!((first.wakes(), latest.wakes()), (0, 1));
    assert!(poll(&latest).is_ready());
}

/// Collects the items of `stream`. It cancels the wait for each item again and again.
async fn collect_impatiently<S: Stream>(mut stream: Pin<&mut S>) -> Vec<S::Item> {
    let mut items = Vec::new();
    loop {
        tokio::select! {
            biased;
            item = stream.next() => match item {
                Some(item) => items.push(item),
                None => return items,
            },
            () = sleep(us(200)) => {}
        }
    }
}

#[test]
#[cfg(feature = "test-util")]
fn repeated_polls_do_not_restart_a_wait() {
    use crate::support::paused;
    use tokio::time::{Instant, advance};
    use tokio_osinterval::interval_at;

    /// Expects an item after 10 ms, polls before that, and calls `halfway` once.
    async fn check<S: Stream>(stream: S, halfway: impl FnOnce()) -> S::Item {
        let mut stream = task::spawn(stream);
        assert!(stream.poll_next().is_pending());
        advance(ms(5)).await;
        halfway();
        assert!(stream.poll_next().is_pending());
        advance(ms(4)).await;
        assert!(stream.poll_next().is_pending());
        assert!(!stream.is_woken());
        advance(ms(1)).await;
        assert!(stream.is_woken());
        stream.next_now().expect("an item")
    }

    paused().block_on(async {
        let mut throttled = Box::pin(stream::iter(0..2).throttle(ms(10)));
        assert_eq!(throttled.next().await, Some(0));
        assert_eq!(check(throttled, || ()).await, 1);

        let silent = stream::pending::<()>;
        assert!(check(silent().timeout(ms(10)), || ()).await.is_err());
        let ticks = interval_at(Instant::now() + ms(10), ms(10));
        let repeating = silent().timeout_repeating(ticks);
        assert!(check(repeating, || ()).await.is_err());

        // The time of a chunk starts at its first item.
        let (sender, receiver) = unbounded();
        sender.unbounded_send(0).unwrap();
        let chunks = receiver.chunks_timeout(3, ms(10));
        let send = || sender.unbounded_send(1).unwrap();
        assert_eq!(check(chunks, send).await, [0, 1]);
    });
}

#[test]
fn longest_stream_durations_do_not_overflow() {
    on_current_thread(async {
        let stream = || stream::iter(0..3).chain(stream::pending());
        let mut throttled = task::spawn(stream().throttle(Duration::MAX));
        assert_eq!(throttled.next_now(), Some(0));
        assert!(throttled.poll_next().is_pending());
        let mut limited = task::spawn(stream().timeout(Duration::MAX));
        for n in 0..3 {
            assert_eq!(limited.next_now(), Some(Ok(n)));
        }
        assert!(limited.poll_next().is_pending());
        let mut chunks = task::spawn(stream().chunks_timeout(usize::MAX, Duration::MAX));
        assert!(chunks.poll_next().is_pending());
    });
}

#[test]
#[cfg_attr(
    process_wide_driver,
    ignore = "timers need no runtime: tests/alone/windows.rs"
)]
fn stream_adapters_panic_at_the_caller() {
    let stream = stream::pending::<u32>;
    assert_panics_here(NO_RUNTIME, || drop(stream().throttle(ms(1))));
    assert_panics_here(NO_RUNTIME, || drop(stream().timeout(ms(1))));
    let message = panic_message_here(|| drop(stream().chunks_timeout(0, ms(1))));
    assert_eq!(message, "`max_size` must be non-zero.");
}
