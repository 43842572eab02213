//! `PeriodicStream`, the expirations of a `PeriodicInterval`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::periodic::{Expirations, PeriodicInterval};

/// A [`Stream`] of the numbers of expirations of a [`PeriodicInterval`].
///
/// The stream never ends, not even after an error. Its items are the values that [`PeriodicInterval::tick`]
/// returns.
///
/// # Errors
///
/// An item is an error if [`PeriodicInterval::tick`] returns one.
///
/// # Cancel safety
///
/// Dropping a future that waits for the next item loses no expiration.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use futures::StreamExt;
/// use tokio_osinterval::{PeriodicInterval, PeriodicStream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut counts = PeriodicStream::new(PeriodicInterval::new(Duration::from_millis(1))?);
/// while let Some(expirations) = counts.next().await {
///     assert!(expirations? >= 1);
/// #   break;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct PeriodicStream {
    interval: PeriodicInterval,
}

impl PeriodicStream {
    /// Creates a stream of the expirations of `interval`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::StreamExt;
    /// use tokio_osinterval::{PeriodicInterval, PeriodicStream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut ticks = PeriodicStream::new(PeriodicInterval::new(Duration::from_millis(1))?);
    /// assert!(ticks.next().await.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(interval: PeriodicInterval) -> Self {
        Self { interval }
    }

    /// Returns the interval. No expiration is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::{PeriodicInterval, PeriodicStream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let stream = PeriodicStream::new(PeriodicInterval::new(Duration::from_millis(1))?);
    /// assert!(stream.into_inner().tick().await? >= 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> PeriodicInterval {
        self.interval
    }
}

impl Stream for PeriodicStream {
    type Item = io::Result<Expirations>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.interval.poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedStream for PeriodicStream {
    fn is_terminated(&self) -> bool {
        false
    }
}

impl AsRef<PeriodicInterval> for PeriodicStream {
    fn as_ref(&self) -> &PeriodicInterval {
        &self.interval
    }
}

impl AsMut<PeriodicInterval> for PeriodicStream {
    fn as_mut(&mut self) -> &mut PeriodicInterval {
        &mut self.interval
    }
}
