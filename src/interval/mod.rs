//! `OsInterval`, `interval`, `interval_at` and `interval_aligned`.

mod aligned;
mod builder;

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::clock::wall;
use crate::driver::Entry;
use crate::precision::{Precision, TimerOptions};
use crate::schedule::{Rate, Rounding, Schedule};
use crate::{events, saturating};

pub use builder::IntervalBuilder;

/// Creates an [`OsInterval`] that ticks immediately and then every `period`.
///
/// This function is equivalent to [`interval_at`]`(Instant::now(), period)`. The interval delivers missed
/// ticks in a [burst](MissedTickBehavior::Burst);
/// [`set_missed_tick_behavior`](OsInterval::set_missed_tick_behavior) changes that. A `period` of more than
/// 30 years is clamped to 30 years.
///
/// # Panics
///
/// This function panics:
///
/// - If `period` is zero.
/// - Outside a tokio runtime, and in a runtime that has shut down.
/// - In a runtime without the driver that timers need. On most systems this is the I/O driver
///   ([`enable_io`](tokio::runtime::Builder::enable_io) or
///   [`enable_all`](tokio::runtime::Builder::enable_all)); see [the requirements](crate#requirements).
/// - If the operating system refuses the runtime's first timer, and the runtime has no time driver or the
///   system is Windows. The operating system refuses a timer if the process has no file descriptor left, for
///   example. Otherwise [`tokio::time::Sleep`] serves, with tokio's precision, until the operating system
///   accepts a timer. [`OsInterval::builder`] returns a refusal as an error.
/// - In a forked child, if the runtime is the parent's and has had a timer.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut interval = tokio_osinterval::interval(Duration::from_millis(2));
/// interval.tick().await; // Ticks immediately.
/// interval.tick().await; // Ticks 2 ms after the first tick.
/// interval.tick().await; // Ticks 4 ms after the first tick.
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn interval(period: Duration) -> OsInterval {
    let period = saturating::checked_period(period);
    let entry = Entry::current();
    // Read the clock last: creating the first driver takes a while.
    let schedule = Schedule::new(entry.now(), period, MissedTickBehavior::default());
    OsInterval { schedule, entry }
}

/// Creates an [`OsInterval`] that ticks at `start` and then every `period`.
///
/// If `start` is in the past, the first tick is late.
///
/// # Panics
///
/// This function panics if [`interval`] does.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let start = Instant::now() + Duration::from_millis(5);
/// let mut interval = tokio_osinterval::interval_at(start, Duration::from_millis(1));
/// assert_eq!(interval.tick().await, start);
/// assert_eq!(interval.tick().await, start + Duration::from_millis(1));
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> OsInterval {
    OsInterval {
        schedule: Schedule::new(start, period, MissedTickBehavior::default()),
        entry: Entry::current(),
    }
}

/// Creates an [`OsInterval`] that ticks at every multiple of `period` in wall-clock time.
///
/// With a period of one minute, it ticks at every full minute. Multiples are counted from 1970-01-01 00:00
/// UTC. The first tick is at the next multiple, at most one period from now.
///
/// # When the wall clock is set
///
/// This function reads the wall clock once. From then on the interval follows the clock of [`Instant`], which
/// cannot be set. Its ticks stay one period apart. If the wall clock is set, the ticks are off by that
/// difference until you call [`OsInterval::reset_aligned`]. A [`PeriodicInterval`](crate::PeriodicInterval)
/// on [`Clock::Realtime`](crate::Clock::Realtime) reports that the wall clock was set.
///
/// A paused clock does not pause the wall clock: the first tick comes at a different time in each run of a
/// test. Use [`interval_at`] in tests.
///
/// # Panics
///
/// This function panics if [`interval`] does.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut interval = tokio_osinterval::interval_aligned(Duration::from_millis(20));
/// interval.tick().await;
/// let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
/// // Prints 0, unless the machine is busy.
/// println!("{} ms into a period", since_1970.as_millis() % 20);
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn interval_aligned(period: Duration) -> OsInterval {
    let period = saturating::checked_period(period);
    interval_at(wall::next_multiple(Instant::now, period), period)
}

/// An interval on the operating system's timers.
///
/// [`interval`], [`interval_at`], [`interval_aligned`], [`OsInterval::rate`] and [`IntervalBuilder::build`]
/// create intervals. An interval has the methods of [`tokio::time::Interval`], with the same semantics. All
/// intervals of a runtime share at most two kernel timers. Another interval costs some bytes and no file
/// descriptor.
///
/// # Precision
///
/// A tick is never early. Its lateness depends on the kernel and on the runtime. The kernel adds some tens of
/// microseconds on Linux; see [the crate's documentation](crate#platforms) for other systems. A task that
/// does not yield delays a tick as it delays any other event. So does a runtime with more work than threads.
///
/// [`Precision::Spin`] avoids the kernel's part of the lateness. Among very many timers,
/// [`Precision::Kernel`] adds some lateness of its own.
///
/// # Runtimes
///
/// An interval belongs to the runtime that was current when it was created. It ticks only while that runtime
/// runs. Any executor may poll it. After its runtime has shut down, the next poll that has to wait panics, as
/// for tokio's timers. On Windows, without the feature `test-util`, an interval outlives its runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_osinterval::{MissedTickBehavior, OsInterval, interval};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut control: OsInterval = interval(Duration::from_millis(1));
/// control.set_missed_tick_behavior(MissedTickBehavior::Skip);
/// for _ in 0..3 {
///     let deadline = control.tick().await;
///     println!("late by {:?}", deadline.elapsed());
/// }
/// # }
/// ```
pub struct OsInterval {
    schedule: Schedule,
    entry: Entry,
}

impl OsInterval {
    /// Creates an interval that ticks `ticks` times in every `per`, evenly spread, and for the first time
    /// immediately.
    ///
    /// The period of a rate is often not a whole number of nanoseconds. An interval of 1/60 s as a
    /// [`Duration`], for example, drifts by 1.7 ms in a day. A rate does not drift: tick number `k` is due
    /// `per * k / ticks` after the first tick, rounded up to the next nanosecond, even after years.
    /// [`IntervalBuilder::ticks`] combines a rate with other settings.
    ///
    /// | rate | `ticks` | `per` |
    /// | --- | --- | --- |
    /// | video at 59.94 frames a second | 60,000 | 1,001 s |
    /// | video at 29.97 frames a second | 30,000 | 1,001 s |
    /// | audio in blocks of 64 frames at 48 kHz | 750 | 1 s |
    /// | audio in blocks of 64 frames at 44.1 kHz | 11,025 | 16 s |
    /// | MIDI clock at 128 beats a minute | 24 × 128 | 60 s |
    ///
    /// Every [`reset`](Self::reset) method, and a tick that [`MissedTickBehavior::Delay`] moves, restarts the
    /// count at the new deadline. [`MissedTickBehavior::Skip`] keeps the count.
    ///
    /// # Panics
    ///
    /// This function panics if `ticks` or `per` is zero, if there is more than one tick in a nanosecond, and
    /// if [`interval`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::OsInterval;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// // Three ticks in every 10 ms.
    /// let mut interval = OsInterval::rate(3, Duration::from_millis(10));
    /// let first = interval.tick().await;
    /// for _ in 0..2 {
    ///     interval.tick().await;
    /// }
    /// assert_eq!(interval.tick().await, first + Duration::from_millis(10));
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn rate(ticks: u64, per: Duration) -> Self {
        let rate = Rate::new(ticks, per);
        let entry = Entry::current();
        let start = (entry.now(), Rounding::EXACT);
        let schedule = Schedule::with_rate(start, rate, MissedTickBehavior::default());
        Self { schedule, entry }
    }

    /// Returns a builder, which sets every option of an interval.
    ///
    /// [`IntervalBuilder::build`] returns an error where [`interval`] panics.
    ///
    /// # Panics
    ///
    /// This function panics if `period` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{MissedTickBehavior, OsInterval};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut interval = OsInterval::builder(Duration::from_millis(1))
    ///     .missed_tick_behavior(MissedTickBehavior::Skip)
    ///     .build()?;
    /// interval.tick().await;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn builder(period: Duration) -> IntervalBuilder {
        IntervalBuilder::new(period)
    }

    /// Waits for the next tick, and returns its deadline.
    ///
    /// The deadline has passed when this method returns. The difference to the current time is the tick's
    /// lateness.
    ///
    /// # Panics
    ///
    /// This method panics if the tick is not due and the runtime of this interval has shut down.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If you drop the future, the next call waits for the same tick.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(1));
    /// for _ in 0..3 {
    ///     let deadline = interval.tick().await;
    ///     assert!(Instant::now() >= deadline);
    /// }
    /// # }
    /// ```
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick.
    ///
    /// Returns `Poll::Ready` with the deadline of the tick if that has passed.
    ///
    /// After `Poll::Pending`, the waker of `cx` is woken when the tick is due. It is woken earlier if the
    /// task has used up its [cooperative budget](tokio::task::coop#cooperative-scheduling). The interval
    /// keeps only the waker of the latest call, and no waker after `Poll::Ready`.
    ///
    /// # Panics
    ///
    /// This method panics if [`tick`](Self::tick) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(1));
    /// poll_fn(|cx| interval.poll_tick(cx)).await;
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let (deadline, period) = (self.schedule.deadline(), self.schedule.step());
        let now = ready!(self.entry.poll_elapsed(cx, deadline, period));
        let tick = self.schedule.tick(now, self.entry.options().missed_grace());
        if let Some(missed) = tick.missed {
            events::missed(missed);
        }
        Poll::Ready(tick.deadline)
    }

    /// Moves the next tick to one period from now.
    ///
    /// This method and the other `reset` methods ignore the [`MissedTickBehavior`]. A task that waits in
    /// [`tick`](Self::tick) is woken at the new deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let period = Duration::from_millis(2);
    /// let mut interval = tokio_osinterval::interval(period);
    /// let before = Instant::now();
    /// interval.reset();
    /// assert!(interval.tick().await >= before + period);
    /// # }
    /// ```
    pub fn reset(&mut self) {
        self.reset_after(self.schedule.period());
    }

    /// Moves the next tick to now. Later ticks follow every period.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_secs(3600));
    /// interval.tick().await;
    /// interval.reset_immediately();
    /// interval.tick().await; // Ticks immediately, not after an hour.
    /// # }
    /// ```
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// Moves the next tick to `after` from now. Later ticks follow every period.
    ///
    /// If `after` is more than 30 years, it is clamped to 30 years.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_secs(3600));
    /// interval.reset_after(Duration::from_millis(1));
    /// interval.tick().await;
    /// # }
    /// ```
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(saturating::after(self.entry.now(), after));
    }

    /// Moves the next tick to `deadline`. Later ticks follow every period.
    ///
    /// If `deadline` is in the past, the next tick is late.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_secs(3600));
    /// let deadline = Instant::now() + Duration::from_millis(1);
    /// interval.reset_at(deadline);
    /// assert_eq!(interval.tick().await, deadline);
    /// # }
    /// ```
    pub fn reset_at(&mut self, deadline: Instant) {
        self.schedule.set_deadline(deadline);
        self.entry.reset(deadline, self.schedule.step());
    }

    /// Moves the next tick to the next multiple of the period in wall-clock time. Later ticks follow every
    /// period.
    ///
    /// This method reads the wall clock once; see [`interval_aligned`]. After the wall clock was set back,
    /// the next tick may repeat a multiple that has already had a tick.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval_aligned(Duration::from_millis(5));
    /// for n in 0..20 {
    ///     interval.tick().await;
    ///     if n % 10 == 9 {
    ///         interval.reset_aligned(); // The wall clock may have been set.
    ///     }
    /// }
    /// # }
    /// ```
    pub fn reset_aligned(&mut self) {
        let now = || self.entry.now();
        match self.schedule.rate() {
            None => self.reset_at(wall::next_multiple(now, self.period())),
            Some(rate) => {
                let (deadline, rounded) = aligned::next_tick(now, rate);
                self.schedule.set_rounded_deadline(deadline, rounded);
                self.entry.reset(deadline, self.schedule.step());
            }
        }
    }

    /// Returns what happens after a missed tick.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::MissedTickBehavior;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let interval = tokio_osinterval::interval(Duration::from_secs(1));
    /// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
    /// # }
    /// ```
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.schedule.behavior()
    }

    /// Sets what happens after a missed tick.
    ///
    /// A tick is missed if its lateness exceeds its [tolerance](Self::set_tolerance) plus its period, or plus
    /// 5 ms if the period is longer. tokio's threshold is 5 ms for every period: its `Skip` and `Delay`
    /// behave as `Burst` while a tick is less late than that. Here they do what their names say for short
    /// periods, too.
    ///
    /// With the feature `tracing`, a missed tick is an event of the target `tokio_osinterval` and the level
    /// DEBUG. Its fields are `period`, `lateness`, and `behind`: how many more deadlines had passed by then.
    /// A burst is one event, at its first tick.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::MissedTickBehavior;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(1));
    /// interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    /// let first = interval.tick().await;
    /// std::thread::sleep(Duration::from_micros(3500));
    /// interval.tick().await; // The tick of 1 ms, which is late. Those of 2 and 3 ms are skipped.
    /// assert!(interval.tick().await >= first + Duration::from_millis(4));
    /// # }
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.schedule.set_behavior(behavior);
    }

    /// Returns how many ticks this interval has skipped because they were missed.
    ///
    /// [`Burst`](MissedTickBehavior::Burst) delivers every tick, late or not, and skips none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::MissedTickBehavior;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(1));
    /// interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    /// interval.tick().await;
    /// std::thread::sleep(Duration::from_micros(3500));
    /// interval.tick().await; // The tick of 1 ms. Those of 2 and 3 ms are skipped.
    /// assert!(interval.missed_ticks() >= 2);
    /// # }
    /// ```
    #[must_use]
    pub fn missed_ticks(&self) -> u64 {
        self.schedule.skipped()
    }

    /// Returns the period. That of a [rate](Self::rate) is rounded up to the next nanosecond.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let interval = tokio_osinterval::interval(Duration::from_secs(1));
    /// assert_eq!(interval.period(), Duration::from_secs(1));
    /// # }
    /// ```
    #[must_use]
    pub fn period(&self) -> Duration {
        self.schedule.period()
    }

    /// Sets the period, from the next tick on.
    ///
    /// The next tick keeps its deadline. The tick after it is due one new period later, so the tempo changes
    /// without a jump. Use [`set_rate`](Self::set_rate) for a period that is not a whole number of
    /// nanoseconds.
    ///
    /// A `period` of more than 30 years is clamped to 30 years.
    ///
    /// # Panics
    ///
    /// This method panics if `period` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(2));
    /// let first = interval.tick().await;
    /// interval.set_period(Duration::from_millis(1));
    /// assert_eq!(interval.tick().await, first + Duration::from_millis(2));
    /// assert_eq!(interval.tick().await, first + Duration::from_millis(3));
    /// # }
    /// ```
    #[track_caller]
    pub fn set_period(&mut self, period: Duration) {
        self.schedule.set_period(period);
    }

    /// Sets a [rate](Self::rate) of `ticks` in every `per`, from the next tick on.
    ///
    /// The next tick keeps its deadline, as with [`set_period`](Self::set_period). Later ticks are counted
    /// from that deadline.
    ///
    /// # Panics
    ///
    /// This method panics if `ticks` or `per` is zero, and if there is more than one tick in a nanosecond.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(2));
    /// let first = interval.tick().await;
    /// interval.set_rate(3, Duration::from_millis(10));
    /// let next = interval.tick().await;
    /// assert_eq!(next, first + Duration::from_millis(2));
    /// for _ in 0..2 {
    ///     interval.tick().await;
    /// }
    /// assert_eq!(interval.tick().await, next + Duration::from_millis(10));
    /// # }
    /// ```
    #[track_caller]
    pub fn set_rate(&mut self, ticks: u64, per: Duration) {
        self.schedule.set_rate(Rate::new(ticks, per));
    }

    /// Returns how close to their deadlines the ticks are.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::Precision;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let interval = tokio_osinterval::interval(Duration::from_secs(1));
    /// assert_eq!(interval.precision(), Precision::Kernel);
    /// # }
    /// ```
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.entry.options().precision()
    }

    /// Sets how close to their deadlines the ticks are, from the next tick on.
    ///
    /// The change affects a task that waits in [`tick`](Self::tick) already.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::Precision;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(1));
    /// interval.set_precision(Precision::Spin);
    /// interval.tick().await;
    /// # }
    /// ```
    pub fn set_precision(&mut self, precision: Precision) {
        self.set_options(|options| options.set_precision(precision));
    }

    /// Returns the longest time for which the interval may spin before a tick, with [`Precision::Spin`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let interval = tokio_osinterval::interval(Duration::from_secs(1));
    /// assert_eq!(interval.spin_limit(), Duration::from_micros(200));
    /// # }
    /// ```
    #[must_use]
    pub fn spin_limit(&self) -> Duration {
        self.entry.options().spin_limit()
    }

    /// Sets the longest time for which the interval may spin before a tick, with [`Precision::Spin`].
    ///
    /// It never spins for longer than half the period. A `limit` of more than 30 years is clamped to 30
    /// years. The change affects a task that waits in [`tick`](Self::tick) already.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::Precision;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_millis(1));
    /// interval.set_precision(Precision::Spin);
    /// interval.set_spin_limit(Duration::from_micros(50));
    /// interval.tick().await;
    /// # }
    /// ```
    pub fn set_spin_limit(&mut self, limit: Duration) {
        self.set_options(|options| options.set_spin_limit(limit));
    }

    /// Returns how late a tick may be in order to share a wake-up with other timers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let interval = tokio_osinterval::interval(Duration::from_secs(1));
    /// assert_eq!(interval.tolerance(), Duration::ZERO);
    /// # }
    /// ```
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.entry.options().tolerance()
    }

    /// Sets how late a tick may be in order to share a wake-up with other timers.
    ///
    /// The driver wakes the task between the deadline and `tolerance` after it. A tick that shares its
    /// wake-up with no other timer is late by the whole tolerance, plus the lateness of the kernel. Keep the
    /// tolerance well below the period.
    ///
    /// A wake-up costs some tens of microseconds of processor time. If many timers each tolerate a
    /// millisecond, there is about one wake-up per millisecond at most.
    ///
    /// The threshold of a [missed tick](Self::set_missed_tick_behavior) begins at the end of the tolerance.
    /// With [`Precision::Spin`] a tolerance has no effect. A `tolerance` of more than 30 years is clamped to
    /// 30 years. The change affects a task that waits in [`tick`](Self::tick) already.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut statistics = tokio_osinterval::interval(Duration::from_millis(20));
    /// statistics.set_tolerance(Duration::from_millis(1));
    /// statistics.tick().await;
    /// # }
    /// ```
    pub fn set_tolerance(&mut self, tolerance: Duration) {
        self.set_options(|options| options.set_tolerance(tolerance));
    }

    fn set_options(&mut self, set: impl FnOnce(&mut TimerOptions)) {
        self.entry.configure(set);
        let schedule = &self.schedule;
        (self.entry).apply_options(schedule.deadline(), schedule.step());
    }
}

impl fmt::Debug for OsInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsInterval")
            .field("deadline", &self.schedule.deadline())
            .field("period", &self.period())
            .field("missed_tick_behavior", &self.missed_tick_behavior())
            .field("missed_ticks", &self.missed_ticks())
            .field("precision", &self.precision())
            .field("spin_limit", &self.spin_limit())
            .field("tolerance", &self.tolerance())
            .finish_non_exhaustive()
    }
}
