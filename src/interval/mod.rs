//! `OsInterval`, and the functions that make one.

mod aligned;
mod builder;

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::driver::Entry;
use crate::precision::Precision;
use crate::schedule::{Rate, RoundedUp, Schedule};
use crate::{events, span, wall};

pub use builder::IntervalBuilder;

/// An interval that ticks at once and then every `period`.
///
/// The same as [`interval_at`]`(Instant::now(), period)`. Missed ticks are made up for in a
/// [burst](MissedTickBehavior::Burst), unless
/// [`set_missed_tick_behavior`](OsInterval::set_missed_tick_behavior) says otherwise. A `period` of
/// more than 30 years is taken for 30 years.
///
/// # Panics
///
/// - If `period` is zero.
/// - Outside a tokio runtime, and in one that has shut down.
/// - In a runtime without the I/O driver
///   ([`enable_io`](tokio::runtime::Builder::enable_io) or
///   [`enable_all`](tokio::runtime::Builder::enable_all)). Where there is no native timer, and
///   without the feature `os-native`, it is the time driver
///   ([`enable_time`](tokio::runtime::Builder::enable_time)) instead; with the feature `test-util`
///   that one besides. On Windows no driver is needed, unless by `test-util`.
/// - In a runtime without the time driver, and on Windows, if this is the runtime's first timer and the
///   operating system refuses it, as it does when the process has no file descriptor left. Elsewhere
///   [`tokio::time::Sleep`] serves until it agrees, with tokio's precision. [`OsInterval::builder`] returns
///   a refusal as an error.
/// - In a child that was forked off, if the runtime is its parent's and has had a timer.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut interval = tokio_osinterval::interval(Duration::from_millis(2));
/// interval.tick().await; // at once
/// interval.tick().await; // 2 ms after that
/// interval.tick().await; // 4 ms after the first
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn interval(period: Duration) -> OsInterval {
    let period = span::checked_period(period);
    let entry = Entry::current();
    // The clock is read last: to make the first driver takes a while.
    let schedule = Schedule::new(entry.now(), period, MissedTickBehavior::default());
    OsInterval { schedule, entry }
}

/// An interval that ticks at `start` and then every `period`.
///
/// A `start` in the past is a tick that is late already.
///
/// # Panics
///
/// As [`interval`] does.
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

/// An interval that ticks at every multiple of `period` of wall-clock time: with a period of one
/// minute, at every full minute.
///
/// Multiples are counted from 1970-01-01 00:00 UTC. The first tick is the next one to come, at most
/// one period away.
///
/// # When the clock is set
///
/// The wall clock is looked at once, here. From then on the interval goes by the clock of
/// [`Instant`], which nobody can set: its ticks stay one period apart, and are off by as much as the
/// wall clock is set. [`OsInterval::reset_aligned`] looks again. To be told when the wall clock is
/// set there is `Clock::Realtime`, for a `PeriodicInterval`.
///
/// Under a paused clock it is the real wall clock that is looked at all the same, so that the first
/// tick comes at another time in each run: tests do better with [`interval_at`].
///
/// # Panics
///
/// As [`interval`] does.
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
/// println!("{} ms into a period", since_1970.as_millis() % 20); // 0, unless the machine is busy
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn interval_aligned(period: Duration) -> OsInterval {
    let period = span::checked_period(period);
    interval_at(wall::next_multiple(Instant::now, period), period)
}

/// Ticks at a fixed period, as precisely as the operating system's own timer.
///
/// It has the methods of [`tokio::time::Interval`] with their meaning; made by [`interval`],
/// [`interval_at`] or [`OsInterval::builder`]. All intervals of a runtime share two kernel timers at most: a
/// further one costs some bytes and no file descriptor.
///
/// # Precision
///
/// A tick is never early. How late it is, is up to the kernel and to the runtime: a task that does
/// not yield, or more work than the runtime has threads for, delays it as it would any other
/// event. What the kernel contributes is some tens of microseconds on Linux. [`Precision::Spin`] does
/// without it; among very many timers [`Precision::Kernel`] adds a little.
///
/// # Runtimes
///
/// An interval belongs to the runtime that was current when it was made: that one must run for it
/// to tick. It may be polled anywhere, by any executor. Once its runtime has shut down, the next
/// poll that would have to wait panics, as tokio's timers do.
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
    /// An interval that ticks `ticks` times in every `per`, evenly spread, for the first time at once.
    ///
    /// The ticks of many rates lie no whole number of nanoseconds apart: an interval of 1/60 s, as a
    /// [`Duration`], has drifted by 1.7 ms after a day. Here the deadline of tick number `k` is the first one
    /// plus `per * k / ticks`, exactly, rounded up to the next nanosecond, also after years.
    /// [`IntervalBuilder::ticks`] sets a rate with everything else, [`set_rate`](Self::set_rate) another one later.
    /// What it is can be asked for as a [`period`](Self::period), rounded up to the next nanosecond.
    ///
    /// | rate | `ticks` | `per` |
    /// | --- | --- | --- |
    /// | video at 59.94 frames a second | 60,000 | 1,001 s |
    /// | video at 29.97 frames a second | 30,000 | 1,001 s |
    /// | audio in blocks of 64 frames at 48 kHz | 750 | 1 s |
    /// | audio in blocks of 64 frames at 44.1 kHz | 11,025 | 16 s |
    /// | MIDI clock at 128 beats a minute | 24 × 128 | 60 s |
    ///
    /// A [`reset`](Self::reset) of any kind, and a tick that [`MissedTickBehavior::Delay`] moves, begins
    /// anew: the ticks that follow are counted from that deadline. [`MissedTickBehavior::Skip`] keeps to the
    /// rate.
    ///
    /// # Panics
    ///
    /// If `ticks` or `per` is zero, or if there are more ticks than nanoseconds. Otherwise as [`interval`].
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
        let start = (entry.now(), RoundedUp::NOT);
        let schedule = Schedule::of_rate(start, rate, MissedTickBehavior::default());
        Self { schedule, entry }
    }

    /// Everything that can be set; and what refuses a timer is an error there, in place of a panic.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
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

    /// Waits for the next tick; returns its deadline, which has passed by then, if only just.
    ///
    /// # Panics
    ///
    /// If the tick is not due and the runtime of this interval has shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no tick: the next call waits for the same one.
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
    /// On `Pending`, the waker of `cx` is woken when the tick is due, or asked to try again because
    /// the task has used up its
    /// [cooperative budget](tokio::task::coop#cooperative-scheduling). Only the waker of the latest
    /// call is kept, and none after `Ready`.
    ///
    /// # Panics
    ///
    /// As [`tick`](Self::tick) does.
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
        let tick = self.schedule.tick(now, self.entry.aims_at().patience());
        if let Some(missed) = tick.missed {
            events::missed(missed);
        }
        Poll::Ready(tick.deadline)
    }

    /// The next tick: one period from now.
    ///
    /// Like its siblings, it leaves aside what the [`MissedTickBehavior`] would have done, and a
    /// task that waits in [`tick`](Self::tick) goes on waiting, for the new deadline.
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

    /// The next tick: at once.
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
    /// interval.tick().await; // not an hour later
    /// # }
    /// ```
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// The next tick: `after` from now, and from then on every period again.
    ///
    /// More than 30 years are taken for 30 years.
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
        self.reset_at(span::after(self.entry.now(), after));
    }

    /// The next tick: at `deadline`, and from then on every period again.
    ///
    /// A `deadline` in the past is a tick that is late already.
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
        self.entry.postpone(deadline, self.schedule.step());
    }

    /// The next tick: at the next multiple of the period of wall-clock time, as the wall clock
    /// stands now, and from then on every period again.
    ///
    /// See [`interval_aligned`]. Called when the wall clock has just been set back, it aims at a
    /// multiple that there was a tick for already.
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
    ///         interval.reset_aligned(); // in case the clock was set
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
                self.entry.postpone(deadline, self.schedule.step());
            }
        }
    }

    /// What happens after a missed tick.
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

    /// Sets what happens after a missed tick: one that is later than the period, or than 5 ms if
    /// the period is longer, after its [tolerance](Self::set_tolerance).
    ///
    /// tokio's threshold is 5 ms whatever the period, so that below it `Skip` and `Delay` behave as
    /// `Burst`. Here they do what their names say.
    ///
    /// With the feature `tracing` a missed tick is an event of the target `tokio_osinterval`, level
    /// DEBUG, with its `period`, its `lateness`, and how many more deadlines had passed by then:
    /// `behind`. A burst is one event, at its first tick.
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
    /// interval.tick().await; // late, the one of 1 ms
    /// assert!(interval.tick().await >= first + Duration::from_millis(4));
    /// # }
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.schedule.set_behavior(behavior);
    }

    /// How many ticks were passed over, since this interval was made, because they were missed.
    ///
    /// [`Burst`](MissedTickBehavior::Burst) delivers every tick, if late, and so counts none.
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
    /// interval.tick().await; // the one of 1 ms; those of 2 and 3 ms are passed over
    /// assert!(interval.missed_ticks() >= 2);
    /// # }
    /// ```
    #[must_use]
    pub fn missed_ticks(&self) -> u64 {
        self.schedule.missed()
    }

    /// The period; that of a [rate](Self::rate) rounded up to the next nanosecond.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut interval = tokio_osinterval::interval(Duration::from_secs(1));
    /// assert_eq!(interval.period(), Duration::from_secs(1));
    /// interval.set_rate(30_000, Duration::from_secs(1001));
    /// assert_eq!(interval.period(), Duration::from_nanos(33_366_667));
    /// # }
    /// ```
    #[must_use]
    pub fn period(&self) -> Duration {
        self.schedule.period()
    }

    /// Sets the period from the next tick on: that one keeps its deadline, and the one after it
    /// follows the new period later. So a tempo changes without a jump. [`set_rate`](Self::set_rate) sets one
    /// that is no whole number of nanoseconds.
    ///
    /// More than 30 years are taken for 30 years.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
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

    /// Sets a [rate](Self::rate) in place of the period, from the next tick on, as
    /// [`set_period`](Self::set_period) does: that tick keeps its deadline, and those after it are counted from
    /// there.
    ///
    /// # Panics
    ///
    /// If `ticks` or `per` is zero, or if there are more ticks than nanoseconds.
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

    /// How close to their deadlines its ticks are.
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
        self.entry.aims_at().precision()
    }

    /// Sets how close to their deadlines its ticks are, from the next one on. A task that waits in
    /// [`tick`](Self::tick) goes on waiting, in the new way.
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
        self.entry.aim(|aim| aim.set_precision(precision));
        let schedule = &self.schedule;
        (self.entry).aim_anew(schedule.deadline(), schedule.step());
    }

    /// For how long it may keep looking at the clock before a tick.
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
        self.entry.aims_at().spin_limit()
    }

    /// Sets for how long it may keep looking at the clock before a tick, with [`Precision::Spin`]:
    /// never for more than half the period. More than 30 years are taken for 30 years.
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
        self.entry.aim(|aim| aim.set_spin_limit(limit));
        let schedule = &self.schedule;
        (self.entry).aim_anew(schedule.deadline(), schedule.step());
    }

    /// How late a tick may be so as to share a wake-up with other timers.
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
        self.entry.aims_at().tolerance()
    }

    /// Sets how late a tick may be so as to share a wake-up with other timers: it is woken for between
    /// its deadline and `tolerance` after it. With no other to share with that is at the end, so
    /// that a lone tick is late by all of the tolerance, and by what the kernel adds: keep it well
    /// below the period. A task that waits in [`tick`](Self::tick) goes on waiting, in the new way.
    ///
    /// A wake-up costs some tens of microseconds of processor time. Among many timers each of which
    /// tolerates a millisecond, there is at most about one a millisecond. How late a tick is, is
    /// counted from the end of its tolerance when it comes to whether it was missed. With
    /// [`Precision::Spin`] a tolerance has no effect. More than 30 years are taken for 30 years.
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
        self.entry.aim(|aim| aim.set_tolerance(tolerance));
        let schedule = &self.schedule;
        (self.entry).aim_anew(schedule.deadline(), schedule.step());
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
