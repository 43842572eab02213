//! `IntervalBuilder`.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{OsInterval, aligned};
use crate::clock::wall::Start;
use crate::driver::Entry;
use crate::precision::{Precision, TimerOptions};
use crate::schedule::{Rate, Rounding, Schedule};

/// Sets up an [`OsInterval`]; made by [`OsInterval::builder`].
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
/// let mut one = builder.clone().build()?;
/// let mut another = builder.build()?;
/// one.tick().await;
/// another.tick().await;
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
    /// If `period` is zero.
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

    /// Spreads so many ticks evenly over every period, in place of one: an exact [rate](OsInterval::rate).
    ///
    /// # Panics
    ///
    /// If `ticks` is zero, or if there are more ticks than nanoseconds.
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

    /// When the first tick is due. Without it: at once, when the interval is built.
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

    /// Has the first tick be due at the next multiple of the period of wall-clock time, as with
    /// [`interval_aligned`](crate::interval_aligned); in place of a [`start`](Self::start).
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

    /// What happens after a missed tick: see
    /// [`set_missed_tick_behavior`](OsInterval::set_missed_tick_behavior). Without it:
    /// [`Burst`](MissedTickBehavior::Burst).
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

    /// How close to their deadlines its ticks are. Without it: [`Precision::Kernel`].
    ///
    /// # Examples
    ///
    /// See [`Precision`], and:
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

    /// For how long it may keep looking at the clock before each tick, with [`Precision::Spin`]:
    /// never for more than half the period. Without it: 200 µs.
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

    /// How late a tick may be so as to share a wake-up with other timers: see
    /// [`set_tolerance`](OsInterval::set_tolerance). Without it: not at all later than need be.
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

    /// Makes the interval, in the current runtime.
    ///
    /// # Errors
    ///
    /// Where [`interval`](crate::interval) would panic: outside a runtime, and in one that has shut
    /// down; in a runtime that lacks the driver that is needed (tokio can be asked that only by
    /// running into its panic, which is caught here: the panic hook still runs, and a program that
    /// aborts on panic aborts). And with the operating system's errno, if it refuses the runtime a
    /// timer: it is asked again, if it has refused before. What it refuses later is served by
    /// [`tokio::time::Sleep`], where the runtime has the time driver.
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
