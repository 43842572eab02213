//! `Metrics`: observes the timers of one runtime.

use std::fmt;
use std::mem;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::driver::{self, Wakeups};
use crate::sys::TimerSource;

/// Returns the metrics of the current runtime's timers.
///
/// On Windows, without the feature `test-util`, all runtimes of the process share their timers. The metrics
/// are then those of the process.
///
/// # Panics
///
/// Panics outside a tokio runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let metrics = tokio_osinterval::metrics();
/// tokio_osinterval::interval(Duration::from_millis(1)).tick().await;
/// println!("{} wake-ups, at most {:?} late", metrics.wakeups(), metrics.take_max_lateness());
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn metrics() -> Metrics {
    Metrics {
        runtime: Handle::current(),
    }
}

/// The metrics of one runtime's timers.
///
/// Returned by [`metrics`]. They include [`OsInterval`](crate::OsInterval)s, sleeps, timeouts and
/// `DelayQueue`s, but no `PeriodicInterval`s.
///
/// The counts start with the runtime's first timer. If the operating system refuses timers, and with the
/// feature `test-util`, the counts may restart after the last timer was dropped.
///
/// Each method reads the current value and takes a lock to do so. That is cheap enough for once a second, but
/// not for every tick. Collecting the metrics costs the timers nothing: they count under locks that they
/// hold anyway.
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
    /// Returns the default value before the runtime's first timer.
    fn observe<T: Default>(&self, read: impl FnOnce(&mut Wakeups) -> T) -> T {
        driver::observe(&self.runtime, read).unwrap_or_default()
    }

    /// Returns the number of timers that are waiting now.
    ///
    /// A timer is waiting if it has been polled, and has neither fired nor been dropped since. A `DelayQueue`
    /// is one timer, or none if it is empty.
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

    /// Returns how often an alarm has woken the runtime for its timers.
    ///
    /// The alarm is a timer of the operating system, or tokio's timer in its place.
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
        self.observe(|wakeups| wakeups.counters().wakeups)
    }

    /// Returns how many of the [`wakeups`](Self::wakeups) came before any timer was due.
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
        self.observe(|wakeups| wakeups.counters().early)
    }

    /// Returns how many timers have fired.
    ///
    /// A timer fires when its task is woken at the deadline. A timer that is already due when it is polled does
    /// not count.
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
        self.observe(|wakeups| wakeups.counters().fired)
    }

    /// Returns the median lateness of the runtime's wake-ups.
    ///
    /// This is an estimate. It follows the last few dozen wake-ups and starts at 40 µs.
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
        Duration::from_nanos(self.observe(|wakeups| wakeups.lateness().median()))
    }

    /// Returns the 99th percentile of the lateness of the runtime's wake-ups, capped at five times the median.
    ///
    /// This is an estimate. A timer with [`Precision::Spin`](crate::Precision::Spin) is woken early by about
    /// this much, within its limits.
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
        Duration::from_nanos(self.observe(|wakeups| wakeups.lateness().p99()))
    }

    /// Returns the greatest lateness of a wake-up since the last call, and resets it to zero.
    ///
    /// All `Metrics` of the runtime share this value: a call through one resets it for all.
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
        Duration::from_nanos(
            self.observe(|wakeups| mem::take(&mut wakeups.counters().max_lateness)),
        )
    }

    /// Returns what fires the runtime's timers, or `None` before the runtime's first timer.
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
