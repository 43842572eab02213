//! `PeriodicInterval`: the kernel keeps the schedule, and counts.

mod builder;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Clock;
use crate::sys::Periodic;

pub use builder::PeriodicBuilder;

/// How often a [`PeriodicInterval`] has expired since it was last asked.
///
/// # Examples
///
/// ```
/// use tokio_osinterval::Expirations;
///
/// fn overrun(expirations: Expirations) -> Expirations {
///     expirations - 1
/// }
/// assert_eq!(overrun(1), 0);
/// ```
pub type Expirations = u64;

/// A timer of its own in the kernel that reports how often it has expired.
///
/// For work that must know how many periods it has overrun: what is missed is counted, not lost.
/// Where that is not the question, `OsInterval` is cheaper, as it shares its kernel timer and needs
/// no file descriptor of its own.
///
/// The kernel restarts it by itself on Linux, Android and Apple's systems. Elsewhere, where those of
/// the kernel do not keep time, and on Apple's if it has a [start](PeriodicBuilder::start) of its own, it is
/// set anew by each tick, with the counts of the clock.
///
/// Without the feature `os-native`, with `test-util` and on systems that have no native timer it
/// runs on [`tokio::time::Sleep`], with the same counts: under `test-util` it follows tokio's
/// clock, unless it goes by [another](Clock).
///
/// # Precision
///
/// Never early, in phase with its start for ever, by the clock that it goes by, and as late as the
/// kernel's timer, or as [`tokio::time::Sleep`] where it runs on that. Apple's kernels round a period
/// up to their clock's next tick: on Apple silicon by at most 41 ns, and a whole number of
/// microseconds not at all.
///
/// # Runtimes
///
/// It belongs to the runtime that was current when it was made: that one must run for it to expire.
/// Once that has shut down, [`tick`](Self::tick) returns an error. (On Windows it goes on.)
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_osinterval::PeriodicInterval;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut interval = PeriodicInterval::new(Duration::from_millis(1))?;
/// for _ in 0..3 {
///     let expirations = interval.tick().await?;
///     println!("{} missed", expirations - 1);
/// }
/// # Ok(())
/// # }
/// ```
pub struct PeriodicInterval {
    timer: Periodic,
    period: Duration,
    clock: Clock,
}

impl PeriodicInterval {
    /// Starts a timer that expires every `period`, for the first time one period from now.
    ///
    /// A `period` of more than 30 years is taken for 30 years.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    ///
    /// # Errors
    ///
    /// As [`PeriodicBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut interval = PeriodicInterval::new(Duration::from_millis(1))?;
    /// let expirations = interval.tick().await?;
    /// assert!(expirations >= 1);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn new(period: Duration) -> io::Result<Self> {
        Self::builder(period).build()
    }

    /// Everything that can be set.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
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
    #[track_caller]
    pub fn builder(period: Duration) -> PeriodicBuilder {
        PeriodicBuilder::new(period)
    }

    /// The period.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let interval = PeriodicInterval::new(Duration::from_secs(1))?;
    /// assert_eq!(interval.period(), Duration::from_secs(1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The clock it goes by.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{Clock, PeriodicInterval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let interval = PeriodicInterval::new(Duration::from_secs(1))?;
    /// assert_eq!(interval.clock(), Clock::Monotonic);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Waits until the timer has expired; returns how often it has since the last call, at least
    /// once.
    ///
    /// # Errors
    ///
    /// The kernel's, with its errno; after the runtime has shut down; and, with
    /// [`Clock::Realtime`], [`ClockWasSet`](crate::error::ClockWasSet), after which it goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the kernel goes on counting.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut interval = PeriodicInterval::new(Duration::from_millis(1))?;
    /// std::thread::sleep(Duration::from_micros(3500));
    /// assert!(interval.tick().await? >= 3);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn tick(&mut self) -> io::Result<Expirations> {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for expirations; on `Pending`, the waker of the latest call is woken at the next.
    ///
    /// Takes part in tokio's [cooperative budget](tokio::task::coop#cooperative-scheduling).
    ///
    /// # Errors
    ///
    /// As [`tick`](Self::tick).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::time::Duration;
    /// use tokio_osinterval::PeriodicInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut interval = PeriodicInterval::new(Duration::from_millis(1))?;
    /// let expirations = poll_fn(|cx| interval.poll_tick(cx)).await?;
    /// assert!(expirations >= 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Expirations>> {
        self.timer.poll(cx)
    }
}

impl fmt::Debug for PeriodicInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeriodicInterval")
            .field("period", &self.period)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
