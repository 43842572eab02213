//! `PeriodicInterval`, an interval whose expirations are counted.

mod builder;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Clock;
use crate::sys::Periodic;

pub use builder::PeriodicBuilder;

/// How often a [`PeriodicInterval`] has expired since the previous [`tick`](PeriodicInterval::tick).
///
/// # Examples
///
/// ```
/// use tokio_osinterval::Expirations;
///
/// fn missed(expirations: Expirations) -> Expirations {
///     expirations - 1
/// }
/// assert_eq!(missed(1), 0);
/// ```
pub type Expirations = u64;

/// An interval on a kernel timer of its own, which counts its expirations.
///
/// [`tick`](Self::tick) returns how many periods have passed since the previous tick. Use this type if you
/// must know how many periods your work has missed. Otherwise [`OsInterval`](crate::OsInterval) is cheaper:
/// it shares its kernel timers with the other timers of the runtime and needs no file descriptor of its own.
///
/// # Implementation
///
/// - On Linux and Android the kernel restarts the timer
///   ([timerfd_create(2)](https://man7.org/linux/man-pages/man2/timerfd_create.2.html); `timerfd_read` in
///   `fs/timerfd.c`).
/// - On Apple's systems the kernel restarts the timer (`filt_timerprocess` in XNU's `bsd/kern/kern_event.c`),
///   unless you set a [start](PeriodicBuilder::start).
/// - On Apple's systems with a start, on the BSDs and on Windows, each tick arms a one-shot timer again, and
///   counts by the clock. XNU's periodic timers take no start, those of the BSDs do not keep time, and those
///   of Windows lack the resolution.
/// - On other systems, without the feature `os-native`, and with the feature `test-util`, the interval runs
///   on [`tokio::time::Sleep`] and counts in the same way. With `test-util` it follows tokio's clock, unless
///   it has [another clock](Clock).
///
/// # Precision
///
/// An expiration is never early, and stays in phase with its start on its clock. Its lateness is that of the
/// kernel's timer, or of [`tokio::time::Sleep`] where the interval runs on that.
///
/// XNU rounds a period up to whole ticks of `mach_absolute_time`. On Apple silicon a tick is 125/3 ns
/// (`mach_timebase_info`), so a period is at most 41 ns too long. A whole number of microseconds is exact.
///
/// # Runtimes
///
/// An interval belongs to the runtime that was current when it was built. It expires only while that runtime
/// runs. After the runtime has shut down, [`tick`](Self::tick) returns an error. On Windows, without the
/// feature `test-util`, an interval outlives its runtime.
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
    /// Creates an interval that expires every `period`, for the first time one period from now.
    ///
    /// A `period` of more than 30 years is clamped to 30 years.
    ///
    /// # Panics
    ///
    /// This function panics if `period` is zero.
    ///
    /// # Errors
    ///
    /// This function returns an error if [`PeriodicBuilder::build`] does.
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

    /// Returns a builder, which sets the clock and the start of an interval.
    ///
    /// # Panics
    ///
    /// This function panics if `period` is zero.
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

    /// Returns the period.
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

    /// Returns the clock that this interval follows.
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

    /// Waits until the timer has expired, and returns how often it has expired since the previous call.
    ///
    /// The result is at least 1. A result of more than 1 means that periods were missed.
    ///
    /// # Errors
    ///
    /// This method returns an error:
    ///
    /// - If the kernel reports one. The error has the errno.
    /// - If the runtime of this interval has shut down.
    /// - In a forked child, if the parent built the interval.
    /// - With [`Clock::Realtime`], if the wall clock was set: [`ClockWasSet`](crate::error::ClockWasSet). The
    ///   interval continues after this error.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If you drop the future, the next call returns the expirations that it
    /// would have returned.
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

    /// Polls for expirations.
    ///
    /// After `Poll::Pending`, the waker of the latest call is woken at the next expiration. This method takes
    /// part in tokio's [cooperative budget](tokio::task::coop#cooperative-scheduling).
    ///
    /// # Errors
    ///
    /// This method returns an error if [`tick`](Self::tick) does.
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
