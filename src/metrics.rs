//! `Metrics`: what the timers of one runtime have done.

use std::fmt;
use std::mem;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::driver::{self, Wakeups};
use crate::sys::TimerSource;

/// The metrics of the timers of the current runtime. On Windows, without `test-util`, of all in the process:
/// its runtimes share them.
///
/// # Panics
///
/// Outside a tokio runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let metrics = tokio_osinterval::metrics();
/// # #[cfg(feature = "interval")]
/// tokio_osinterval::interval(Duration::from_millis(1)).tick().await;
/// println!("{} wake-ups, {:?} late at the most", metrics.wakeups(), metrics.take_max_lateness());
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn metrics() -> Metrics {
    Metrics {
        runtime: Handle::current(),
    }
}

/// What the timers of one runtime have done: [`OsInterval`](crate::OsInterval)s, sleeps and timeouts, but no
/// `PeriodicInterval`s. Made by [`metrics`].
///
/// Counts begin with the runtime's first timer. If the operating system refuses timers, and under `test-util`, they may
/// begin again with the next timer after the last one was dropped. Each method looks up what it returns when it is called, and
/// takes a lock for that: cheap enough for once in a second, and not for each tick. What is counted is
/// counted under locks that are held anyway, so that nothing becomes slower for it.
///
/// Any number of tasks may ask, as of [`tokio::runtime::RuntimeMetrics`]: it changes nothing, and what has happened
/// within some time is the difference of two counts. The exception is
/// [`take_max_lateness`](Self::take_max_lateness), which is for one of them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let metrics = tokio_osinterval::metrics();
/// println!("{metrics:?}");
/// # }
/// ```
#[derive(Clone)]
pub struct Metrics {
    runtime: Handle,
}

impl Metrics {
    /// Nothing, before the first timer.
    fn observe<T: Default>(&self, what: impl FnOnce(&mut Wakeups) -> T) -> T {
        driver::observe(&self.runtime, what).unwrap_or_default()
    }

    /// How many timers wait at present: those that have been polled and have neither fired nor been dropped. A
    /// `DelayQueue` is one, if there is anything in it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert_eq!(tokio_osinterval::metrics().waiting(), 0);
    /// # }
    /// ```
    #[must_use]
    pub fn waiting(&self) -> usize {
        driver::waiting(&self.runtime)
    }

    /// How often a timer of the operating system, or tokio's in its place, has woken the runtime for its timers.
    ///
    /// Timers that are found overdue when another is polled are fired without a wake-up.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// println!("{} wake-ups", tokio_osinterval::metrics().wakeups());
    /// # }
    /// ```
    #[must_use]
    pub fn wakeups(&self) -> u64 {
        self.observe(|wakeups| wakeups.tally().wakeups)
    }

    /// How many of [`wakeups`](Self::wakeups) came before the moment that they had been asked for. One that finds
    /// nobody due, since that timer was dropped or moved, is not early.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// println!("{} early", tokio_osinterval::metrics().early_wakeups());
    /// # }
    /// ```
    #[must_use]
    pub fn early_wakeups(&self) -> u64 {
        self.observe(|wakeups| wakeups.tally().early)
    }

    /// How many timers have fired: their tasks were woken at the deadline. One that is found due when it is polled
    /// has not.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// println!("{} fired", tokio_osinterval::metrics().fired());
    /// # }
    /// ```
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.observe(|wakeups| wakeups.tally().fired)
    }

    /// How late the runtime is woken, in the median, as learned from its wake-ups.
    ///
    /// It is an estimate that follows the last dozens of wake-ups, and begins with 40 µs. Before the runtime's first
    /// timer it is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// println!("{:?}", tokio_osinterval::metrics().median_lateness());
    /// # }
    /// ```
    #[must_use]
    pub fn median_lateness(&self) -> Duration {
        Duration::from_nanos(self.observe(|wakeups| wakeups.lateness().usual()))
    }

    /// How late the runtime is woken in the 99th percentile, but no more than five times the median: so early
    /// is a timer woken that spins.
    ///
    /// An estimate as that of [`median_lateness`](Self::median_lateness), which begins with 100 µs.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// println!("{:?}", tokio_osinterval::metrics().p99_lateness());
    /// # }
    /// ```
    #[must_use]
    pub fn p99_lateness(&self) -> Duration {
        Duration::from_nanos(self.observe(|wakeups| wakeups.lateness().most()))
    }

    /// How late the runtime was woken at the most since the last call; zero if it was not.
    ///
    /// To call it is to begin anew, for all [`Metrics`] of the runtime: of two tasks that call it, each is told a
    /// part. Have one call it, once in so long, and hand on what it is told.
    ///
    /// It is zero where timers follow a clock that can be paused, which jumps and is late by as much: where the
    /// [source](Self::source) is [`TestUtil`](TimerSource::TestUtil), [`PausedClock`](TimerSource::PausedClock) or
    /// [`Tokio`](TimerSource::Tokio).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// println!("{:?}", tokio_osinterval::metrics().take_max_lateness());
    /// # }
    /// ```
    #[must_use]
    pub fn take_max_lateness(&self) -> Duration {
        Duration::from_nanos(self.observe(|wakeups| mem::take(&mut wakeups.tally().largest)))
    }

    /// What fires the runtime's timers; `None` before its first.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert_eq!(tokio_osinterval::metrics().source(), None);
    /// # }
    /// ```
    #[must_use]
    pub fn source(&self) -> Option<TimerSource> {
        self.observe(|wakeups| Some(wakeups.source()))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("waiting", &self.waiting())
            .field("wakeups", &self.wakeups())
            .field("early_wakeups", &self.early_wakeups())
            .field("fired", &self.fired())
            .field("median_lateness", &self.median_lateness())
            .field("p99_lateness", &self.p99_lateness())
            .field("source", &self.source())
            .finish_non_exhaustive()
    }
}
