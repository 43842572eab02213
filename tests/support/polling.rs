//! Polls timers by hand, with wakers that the test observes.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::time::Instant;
use tokio_osinterval::OsInterval;

/// A waker that counts its wake-ups and its clones.
pub(crate) struct CountingWaker {
    count: Arc<WakeCount>,
    waker: Waker,
}

#[derive(Default)]
struct WakeCount(AtomicUsize);

impl CountingWaker {
    pub(crate) fn new() -> Self {
        let count = Arc::new(WakeCount::default());
        let waker = Waker::from(Arc::clone(&count));
        Self { count, waker }
    }

    /// Returns how often this waker or a clone of it was woken.
    pub(crate) fn wakes(&self) -> usize {
        self.count.0.load(Ordering::SeqCst)
    }

    /// Returns the number of clones, which are those that timers hold.
    pub(crate) fn clones(&self) -> usize {
        // `count` and `waker` are the other two.
        Arc::strong_count(&self.count) - 2
    }
}

impl Deref for CountingWaker {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.waker
    }
}

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls `future` once, with the waker of this task, and drops it.
pub(crate) async fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Polls a tick of `interval` once, with `waker`.
#[track_caller]
pub(crate) fn poll_tick(interval: &mut OsInterval, waker: &Waker) -> Poll<Instant> {
    interval.poll_tick(&mut Context::from_waker(waker))
}

/// Polls `interval`, whose tick must not be due, with `waker`.
#[track_caller]
pub(crate) fn start_waiting(interval: &mut OsInterval, waker: &Waker) {
    assert!(poll_tick(interval, waker).is_pending());
}

/// Lets the runtime run until `condition` returns `true`.
pub(crate) async fn yield_until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}
