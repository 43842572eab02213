//! A future that is ready once, when a timer is due: polled by halves, moved while it waits, and
//! dropped.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::account::{Between, Moment};
use crate::board::Event;
use crate::keeper::Keeper;

pub(crate) struct Once<F> {
    pub(crate) keeper: Keeper,
    pub(crate) future: Pin<Box<F>>,
    /// When it is due, at the earliest.
    pub(crate) due: Moment,
    pub(crate) tolerance: i64,
    pub(crate) waiting: bool,
}

impl<F: Future<Output: Send> + Send + 'static> Once<F> {
    pub(crate) fn new(mut keeper: Keeper, future: F, due: Moment) -> Self {
        keeper.made(due, None);
        Self {
            keeper,
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
            self.keeper.ticked(Between::at(self.due), self.keeper.now());
        } else {
            self.wait();
        }
        polled
    }

    pub(crate) fn wait(&mut self) {
        self.waiting = true;
        self.keeper.note(Event::Waits(self.due + self.tolerance));
    }

    pub(crate) async fn poll_by_half(&mut self) -> Poll<F::Output> {
        poll_fn(|cx| Poll::Ready(self.poll(cx))).await
    }

    pub(crate) async fn ready(&mut self) -> F::Output {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Now and then dropped when it waits, or moved to another task that waits for it or polls it once;
    /// else waited for. `None` if it was dropped, or lost on a runtime that has gone.
    pub(crate) async fn run(mut self) -> (Option<Keeper>, Option<F::Output>) {
        let choice = self.keeper.dice.u8(..100);
        if choice < 30 {
            if let Poll::Ready(output) = self.poll_by_half().await {
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
        let runtime = self.keeper.elsewhere();
        let there = runtime.spawn(async move {
            let output = match choice {
                15..20 => self.poll_by_half().await,
                _ => Poll::Ready(self.ready().await),
            };
            (self, output)
        });
        match there.await {
            Ok((once, Poll::Ready(output))) => once.end(Some(output)),
            Ok((mut once, Poll::Pending)) => {
                let output = once.ready().await;
                once.end(Some(output))
            }
            Err(_) => (None, None),
        }
    }

    fn end(self, output: Option<F::Output>) -> (Option<Keeper>, Option<F::Output>) {
        drop(self.future);
        self.keeper.done(output.is_none());
        (Some(self.keeper), output)
    }
}
