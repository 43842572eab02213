//! Streams with a deadline or a pace.
#![cfg(feature = "stream")]

mod chunks_timeout;
mod throttle;
mod timeout;
mod timeout_repeating;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::task;
use crate::support::{Count, current_thread, ms, panic_of};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::stream::{self, Stream, StreamExt};
use tokio_osinterval::{StreamTimeExt, sleep};

const HOUR: Duration = Duration::from_secs(3600);

/// A stream of what `feed` sends, and of nothing after it.
fn fed<T, F>(feed: impl FnOnce(UnboundedSender<T>) -> F) -> UnboundedReceiver<T>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = unbounded();
    tokio::spawn(feed(sender));
    receiver
}

/// A stream of `items`, each of them after a wait.
fn waited_for<const N: usize>(items: [(Duration, u32); N]) -> impl Stream<Item = u32> {
    fed(async move |sender| {
        for (wait, item) in items {
            if !wait.is_zero() {
                sleep(wait).await;
            }
            if sender.unbounded_send(item).is_err() {
                return;
            }
        }
    })
}

/// A stream that panics when it is polled after its end, and tells when it is dropped.
struct Strict {
    items: std::vec::IntoIter<u32>,
    over: bool,
    _alive: Arc<()>,
}

/// One of `count` items, and what is held by nobody else once it is dropped.
fn strict(count: u32) -> (Strict, Arc<()>) {
    let alive = Arc::new(());
    let stream = Strict {
        items: (0..count).collect::<Vec<_>>().into_iter(),
        over: false,
        _alive: Arc::clone(&alive),
    };
    (stream, alive)
}

impl Stream for Strict {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        assert!(!self.over, "polled after its end");
        let item = self.items.next();
        self.over = item.is_none();
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

fn count() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

fn poll<S: Stream>(stream: Pin<&mut S>, waker: &Waker) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(waker))
}

/// That `stream`, which waits for its timer, wakes the latest waker, once, and no earlier one.
async fn only_the_latest_waker_is_woken<S: Stream>(mut stream: Pin<&mut S>) {
    let ((first, its), (latest, waker)) = (count(), count());
    assert!(poll(stream.as_mut(), &its).is_pending());
    assert!(poll(stream.as_mut(), &waker).is_pending());
    while latest.get() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((first.get(), latest.get()), (0, 1));
    assert!(poll(stream, &waker).is_ready());
}

/// All that `stream` has, although whoever waits for an item gives up again and again.
async fn collected_by_an_impatient<S: Stream>(mut stream: Pin<&mut S>) -> Vec<S::Item> {
    let mut items = Vec::new();
    loop {
        tokio::select! {
            biased;
            item = stream.next() => match item {
                Some(item) => items.push(item),
                None => return items,
            },
            () = sleep(Duration::from_micros(200)) => {}
        }
    }
}

/// A runtime whose clock stands still, but while nobody has anything to do.
#[cfg(feature = "test-util")]
fn paused() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

#[test]
#[cfg(feature = "test-util")]
fn what_a_stream_waits_for_does_not_begin_anew_with_each_poll() {
    use tokio::time::{Instant, advance};
    use tokio_osinterval::interval_at;

    /// That there is an item after 10 ms, although it is polled for before that, and `halfway` once.
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
        match stream.poll_next() {
            Poll::Ready(Some(item)) => item,
            _ => panic!("it was woken, and has nothing"),
        }
    }

    paused().block_on(async {
        let mut paced = Box::pin(stream::iter(0..2).throttle(ms(10)));
        assert_eq!(paced.next().await, Some(0));
        assert_eq!(check(paced, || ()).await, 1);

        let silent = stream::pending::<()>;
        assert!(check(silent().timeout(ms(10)), || ()).await.is_err());
        let ticks = interval_at(Instant::now() + ms(10), ms(10));
        let watched = silent().timeout_repeating(ticks);
        assert!(check(watched, || ()).await.is_err());

        // The time of a chunk is that of its first item.
        let (sender, receiver) = unbounded();
        sender.unbounded_send(0).unwrap();
        let chunks = receiver.chunks_timeout(3, ms(10));
        let send = || sender.unbounded_send(1).unwrap();
        assert_eq!(check(chunks, send).await, [0, 1]);
    });
}

#[test]
fn whatever_a_streams_duration_nothing_overflows() {
    current_thread().block_on(async {
        let stream = || stream::iter(0..3).chain(stream::pending());
        let mut paced = task::spawn(stream().throttle(Duration::MAX));
        assert_eq!(paced.poll_next(), Poll::Ready(Some(0)));
        assert!(paced.poll_next().is_pending());
        let mut guarded = task::spawn(stream().timeout(Duration::MAX));
        for n in 0..3 {
            assert_eq!(guarded.poll_next(), Poll::Ready(Some(Ok(n))));
        }
        assert!(guarded.poll_next().is_pending());
        let mut chunks = task::spawn(stream().chunks_timeout(usize::MAX, Duration::MAX));
        assert!(chunks.poll_next().is_pending());
    });
}

/// As tokio's timers, and so tokio-stream's adapters; a panic is blamed on the caller.
#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn adapters_of_streams_panic_at_the_caller() {
    let makes: [fn(); 2] = [
        || drop(stream::pending::<u32>().throttle(ms(1))),
        || drop(stream::pending::<u32>().timeout(ms(1))),
    ];
    for make in makes {
        let (message, file) = panic_of(make).expect("no runtime, and no panic");
        assert!(message.contains("Tokio 1.x runtime"), "{message}");
        assert_eq!(file, file!(), "{message}");
    }
    let (message, file) =
        panic_of(|| drop(stream::pending::<u32>().chunks_timeout(0, ms(1)))).expect("no panic");
    assert_eq!(message, "`max_size` must be non-zero.");
    assert_eq!(file, file!());
}

#[test]
fn adapters_of_streams_are_send_sync() {
    use tokio_osinterval::stream::{ChunksTimeout, Throttle, Timeout, TimeoutRepeating};

    fn check<T: Send + Sync + std::fmt::Debug>() {}
    type S = futures::stream::Pending<u32>;
    check::<Throttle<S>>();
    check::<Timeout<S>>();
    check::<TimeoutRepeating<S>>();
    check::<ChunksTimeout<S>>();
}
