//! A `DelayQueue` as a stream of expired values.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{DelayQueue, Expired};

/// The stream ends when the queue is empty, and continues when a value is inserted.
impl<T> Stream for DelayQueue<T> {
    type Item = Expired<T>;

    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_expired(cx)
    }
}
