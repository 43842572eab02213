//! `PeriodicStream`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::periodic::{Expirations, PeriodicInterval};

/// A [`PeriodicInterval`] as a [`Stream`] of the expirations that it counts, without end.
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
    /// A stream of `interval`.
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

    /// The interval again, with no tick lost.
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
