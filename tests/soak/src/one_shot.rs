//! A sleep or a timeout: polled by half, moved while it waits, dropped or awaited.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::history::Event;
use crate::owner::Owner;
use crate::schedule::{TimeRange, Timestamp};

pub(crate) struct OneShot<F> {
    pub(crate) owner: Owner,
    pub(crate) future: Pin<Box<F>>,
    /// The earliest time at which it may complete.
    pub(crate) due: Timestamp,
    pub(crate) tolerance: i64,
    pub(crate) waiting: bool,
}

impl<F: Future<Output: Send> + Send + 'static> OneShot<F> {
    pub(crate) fn new(mut owner: Owner, future: F, due: Timestamp) -> Self {
        owner.created(due, None);
        Self {
            owner,
            future: Box::pin(future),
            due,
            tolerance: 0,
            waiting: false,
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        let polled = self.future.as_mut().poll(cx);
        if polled.is_ready() {
            self.waiting = false;
            self.owner.ticked(TimeRange::at(self.due), self.owner.now());
        } else {
            self.record_wait();
        }
        polled
    }

    pub(crate) fn record_wait(&mut self) {
        self.waiting = true;
        self.owner.record(Event::Waits(self.due + self.tolerance));
    }

    pub(crate) async fn poll_once(&mut self) -> Poll<F::Output> {
        poll_fn(|cx| Poll::Ready(self.poll(cx))).await
    }

    pub(crate) async fn ready(&mut self) -> F::Output {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Awaits it, drops it while it waits, or moves it to another task that polls it once or awaits it.
    /// Returns the owner unless the other task was lost, and the output unless it was dropped.
    pub(crate) async fn run(mut self) -> (Option<Owner>, Option<F::Output>) {
        let choice = self.owner.rng.u8(..100);
        if choice < 30 {
            if let Poll::Ready(output) = self.poll_once().await {
                return self.end(Some(output));
            }
        }
        if choice < 15 {
            return self.end(None);
        }
        if choice >= 25 {
            let output = self.ready().await;
            return self.end(Some(output));
        }
        let runtime = self.owner.move_elsewhere();
        let task = runtime.spawn(async move {
            let output = match choice {
                15..20 => self.poll_once().await,
                _ => Poll::Ready(self.ready().await),
            };
            (self, output)
        });
        match task.await {
            Ok((one_shot, Poll::Ready(output))) => one_shot.end(Some(output)),
            Ok((mut one_shot, Poll::Pending)) => {
                let output = one_shot.ready().await;
                one_shot.end(Some(output))
            }
            Err(_) => (None, None),
        }
    }

    fn end(self, output: Option<F::Output>) -> (Option<Owner>, Option<F::Output>) {
        drop(self.future);
        self.owner.ended(output.is_none());
        (Some(self.owner), output)
    }
}
