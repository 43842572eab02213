//! `PeriodicBuilder`, the options of a `PeriodicInterval`.

use std::io;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::PeriodicInterval;
use crate::clock::Clock;
use crate::clock::wall::Start;
use crate::saturating;
use crate::sys::{self, Periodic};

/// A builder for a [`PeriodicInterval`], returned by [`PeriodicInterval::builder`].
///
/// A builder can be cloned to build several intervals with the same options.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_osinterval::{Clock, PeriodicInterval};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let minutes = PeriodicInterval::builder(Duration::from_secs(60))
///     .clock(Clock::Monotonic)
///     .align_to_wall_clock()
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PeriodicBuilder {
    period: Duration,
    clock: Clock,
    start: Start,
}

impl PeriodicBuilder {
    /// # Panics
    ///
    /// Panics if `period` is zero.
    #[track_caller]
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period: saturating::checked_period(period),
            clock: Clock::default(),
            start: Start::Default,
        }
    }

    /// Sets the clock that the interval follows. Default: [`Clock::Monotonic`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{Clock, PeriodicInterval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let interval = PeriodicInterval::builder(Duration::from_secs(1))
    ///     .clock(Clock::Monotonic)
    ///     .build()?;
    /// assert_eq!(interval.clock(), Clock::Monotonic);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the time of the first expiration. Default: one period after the interval is built.
    ///
    /// [`build`](Self::build) converts `start` to the [`clock`](Self::clock) of the interval. It compares the
    /// two clocks once. If `start` is in the past, the first tick returns the expirations since `start`
    /// immediately. This replaces [`align_to_wall_clock`](Self::align_to_wall_clock).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let start = Instant::now() + Duration::from_millis(2);
    /// let mut interval = PeriodicInterval::builder(Duration::from_secs(1)).start(start).build()?;
    /// interval.tick().await?;
    /// assert!(Instant::now() >= start);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(mut self, start: Instant) -> Self {
        self.start = Start::At(start);
        self
    }

    /// Sets the time of the first expiration to the next multiple of the period in wall-clock time.
    ///
    /// With a period of one minute, this is a full minute. Multiples are counted from 1970-01-01 00:00 UTC.
    /// This replaces a [`start`](Self::start).
    ///
    /// With [`Clock::Realtime`], expirations stay at the multiples when the wall clock is set. With the other
    /// clocks, [`build`](Self::build) reads the wall clock once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut full_seconds = PeriodicInterval::builder(Duration::from_secs(1))
    ///     .align_to_wall_clock()
    ///     .build()?;
    /// full_seconds.tick().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn align_to_wall_clock(mut self) -> Self {
        self.start = Start::Aligned;
        self
    }

    /// Builds the interval and starts its timer, in the current runtime.
    ///
    /// # Errors
    ///
    /// This method returns an error:
    ///
    /// - Outside a tokio runtime, and in a runtime that has shut down.
    /// - In a runtime without the I/O driver, or, where the interval runs on [`tokio::time::Sleep`], without
    ///   the time driver; see [the requirements](crate#requirements). tokio reports a missing driver
    ///   only by a panic, which this method catches. The panic hook runs, and a program that aborts on panic
    ///   aborts.
    /// - If the system has no timer on the clock. The error has the kind [`io::ErrorKind::Unsupported`].
    /// - If the operating system refuses the timer. The error has the operating system's errno.
    ///
    /// A forked child may drop an interval that its parent built. In the child, ticks of such an interval
    /// return errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// let outside_a_runtime = PeriodicInterval::builder(Duration::from_secs(1)).build();
    /// assert!(outside_a_runtime.is_err());
    /// ```
    #[track_caller]
    pub fn build(self) -> io::Result<PeriodicInterval> {
        let Self {
            period,
            clock,
            start,
        } = self;
        Handle::try_current().map_err(io::Error::other)?;
        let timer = sys::catch_disabled(|| Periodic::new(clock, start, period))?;
        Ok(PeriodicInterval {
            timer,
            period,
            clock,
        })
    }
}
