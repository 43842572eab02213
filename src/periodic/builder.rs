//! `PeriodicBuilder`.

use std::io;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::PeriodicInterval;
use crate::clock::Clock;
use crate::clock::wall::Start;
use crate::saturating;
use crate::sys::{self, Periodic};

/// Sets up a [`PeriodicInterval`]; made by [`PeriodicInterval::builder`].
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
    /// If `period` is zero.
    #[track_caller]
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period: saturating::checked_period(period),
            clock: Clock::default(),
            start: Start::Default,
        }
    }

    /// The clock to go by. Without it: [`Clock::Monotonic`].
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

    /// When it expires for the first time. Without it: one period after it is built.
    ///
    /// `start` is told on the [`clock`](Self::clock) when the interval is built, as the two clocks
    /// stand to each other then. With one in the past, the expirations since then are reported at
    /// once.
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

    /// Has the first expiration be at the next multiple of the period of wall-clock time, counted
    /// from 1970-01-01 00:00 UTC: with a period of one minute, at a full minute. In place of a
    /// [`start`](Self::start).
    ///
    /// With [`Clock::Realtime`] they stay there when the wall clock is set. With the others, the wall
    /// clock is looked at once, when the interval is built.
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

    /// Makes the timer and starts it, in the current runtime.
    ///
    /// # Errors
    ///
    /// Outside a runtime, and in one that has shut down; in a runtime without the I/O driver, or,
    /// where it runs on [`tokio::time::Sleep`], without the time driver (tokio can be asked that
    /// only by running into its panic, which is caught here: the panic hook still runs, and a
    /// program that aborts on panic aborts); with [`io::ErrorKind::Unsupported`],
    /// if the system has no timer on the clock; with the operating system's errno, if it refuses the
    /// timer. A child that was forked off may drop what its parent made, and its ticks are errors there.
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
