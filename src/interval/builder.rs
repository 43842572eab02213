//! `IntervalBuilder`, the options of an interval.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{OsInterval, aligned};
use crate::clock::wall::Start;
use crate::driver::Entry;
use crate::precision::{Precision, TimerOptions};
use crate::schedule::{Rate, Rounding, Schedule};

/// A builder for an [`OsInterval`], returned by [`OsInterval::builder`].
///
/// A builder can be cloned to build several intervals with the same options.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_osinterval::{MissedTickBehavior, OsInterval};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let builder = OsInterval::builder(Duration::from_millis(1))
///     .missed_tick_behavior(MissedTickBehavior::Skip);
/// let mut first = builder.clone().build()?;
/// let mut second = builder.build()?;
/// first.tick().await;
/// second.tick().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct IntervalBuilder {
    period: Duration,
    rate: Rate,
    start: Start,
    missed_tick_behavior: MissedTickBehavior,
    options: TimerOptions,
}

impl IntervalBuilder {
    /// # Panics
    ///
    /// Panics if `period` is zero.
    #[track_caller]
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period,
            rate: Rate::new(1, period),
            start: Start::Default,
            missed_tick_behavior: MissedTickBehavior::default(),
            options: TimerOptions::default(),
        }
    }

    /// Sets the number of ticks in every period, evenly spread: an exact [rate](OsInterval::rate). Default:
    /// 1.
    ///
    /// # Panics
    ///
    /// This method panics if `ticks` is zero, and if there is more than one tick in a nanosecond.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::OsInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// // 29.97 frames a second.
    /// let mut frames = OsInterval::builder(Duration::from_secs(1001)).ticks(30_000).build()?;
    /// frames.tick().await;
    /// assert_eq!(frames.period(), Duration::from_nanos(33_366_667));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ticks(mut self, ticks: u64) -> Self {
        self.rate = Rate::new(ticks, self.period);
        self
    }

    /// Sets the deadline of the first tick. Default: the time at which the interval is built.
    ///
    /// If `start` is in the past, the first tick is late. This replaces
    /// [`align_to_wall_clock`](Self::align_to_wall_clock).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    /// use tokio_osinterval::OsInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let start = Instant::now() + Duration::from_millis(1);
    /// let mut interval = OsInterval::builder(Duration::from_secs(1)).start(start).build()?;
    /// assert_eq!(interval.tick().await, start);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(mut self, start: Instant) -> Self {
        self.start = Start::At(start);
        self
    }

    /// Sets the deadline of the first tick to the next multiple of the period in wall-clock time.
    ///
    /// See [`interval_aligned`](crate::interval_aligned). This replaces a [`start`](Self::start).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::OsInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let full_seconds = OsInterval::builder(Duration::from_secs(1))
    ///     .align_to_wall_clock()
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn align_to_wall_clock(mut self) -> Self {
        self.start = Start::Aligned;
        self
    }

    /// Sets what happens after a missed tick. Default: [`Burst`](MissedTickBehavior::Burst).
    ///
    /// See [`set_missed_tick_behavior`](OsInterval::set_missed_tick_behavior).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{MissedTickBehavior, OsInterval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let interval = OsInterval::builder(Duration::from_secs(1))
    ///     .missed_tick_behavior(MissedTickBehavior::Delay)
    ///     .build()?;
    /// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Delay);
    /// # Ok(())
    /// # }
    /// ```
    pub fn missed_tick_behavior(mut self, behavior: MissedTickBehavior) -> Self {
        self.missed_tick_behavior = behavior;
        self
    }

    /// Sets how close to their deadlines the ticks are. Default: [`Precision::Kernel`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{OsInterval, Precision};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let interval = OsInterval::builder(Duration::from_millis(1))
    ///     .precision(Precision::Spin)
    ///     .build()?;
    /// assert_eq!(interval.precision(), Precision::Spin);
    /// # Ok(())
    /// # }
    /// ```
    pub fn precision(mut self, precision: Precision) -> Self {
        self.options.set_precision(precision);
        self
    }

    /// Sets the longest time for which the interval may spin before a tick, with [`Precision::Spin`].
    /// Default: 200 µs.
    ///
    /// See [`set_spin_limit`](OsInterval::set_spin_limit).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{OsInterval, Precision};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut interval = OsInterval::builder(Duration::from_millis(1))
    ///     .precision(Precision::Spin)
    ///     .spin_limit(Duration::from_micros(50))
    ///     .build()?;
    /// interval.tick().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spin_limit(mut self, limit: Duration) -> Self {
        self.options.set_spin_limit(limit);
        self
    }

    /// Sets how late a tick may be in order to share a wake-up with other timers. Default: zero.
    ///
    /// See [`set_tolerance`](OsInterval::set_tolerance).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::OsInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let interval = OsInterval::builder(Duration::from_millis(20))
    ///     .tolerance(Duration::from_millis(1))
    ///     .build()?;
    /// assert_eq!(interval.tolerance(), Duration::from_millis(1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.options.set_tolerance(tolerance);
        self
    }

    /// Builds the interval, in the current runtime.
    ///
    /// # Errors
    ///
    /// This method returns an error:
    ///
    /// - Outside a tokio runtime, and in a runtime that has shut down.
    /// - In a runtime without the driver that timers need; see [the requirements](crate#requirements). tokio
    ///   reports a missing driver only by a panic, which this method catches. The panic hook runs, and a
    ///   program that aborts on panic aborts.
    /// - If the operating system refuses the runtime a timer. The error has the operating system's errno.
    ///   This method asks the operating system again even if it has refused before.
    /// - In a forked child, if the runtime is the parent's and has had a timer.
    ///
    /// If the operating system refuses a timer after the interval was built, [`tokio::time::Sleep`] serves in
    /// a runtime with the time driver.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::OsInterval;
    ///
    /// let outside_a_runtime = OsInterval::builder(Duration::from_secs(1)).build();
    /// assert!(outside_a_runtime.is_err());
    /// ```
    pub fn build(self) -> io::Result<OsInterval> {
        let mut entry = Entry::try_current()?;
        entry.configure(|options| *options = self.options);
        let start = match self.start {
            Start::Default => (entry.now(), Rounding::EXACT),
            Start::At(start) => (start, Rounding::EXACT),
            Start::Aligned => aligned::next_tick(|| entry.now(), self.rate),
        };
        Ok(OsInterval {
            schedule: Schedule::with_rate(start, self.rate, self.missed_tick_behavior),
            entry,
        })
    }
}
