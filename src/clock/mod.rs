//! The clocks of a `PeriodicInterval`, and helpers to read clocks.

pub(crate) mod paired;
pub(crate) mod wall;

use std::error::Error;
use std::fmt;
use std::io;

/// The clock of a [`PeriodicInterval`](crate::PeriodicInterval).
///
/// Set it with [`PeriodicBuilder::clock`](crate::PeriodicBuilder::clock).
/// [`build`](crate::PeriodicBuilder::build) returns an error of the kind [`io::ErrorKind::Unsupported`] if
/// the system has no timer on the clock.
///
/// | clock | Linux, Android | elsewhere, and without `os-native` |
/// | --- | --- | --- |
/// | `Monotonic` | `CLOCK_MONOTONIC` | [`tokio::time::Instant`]'s |
/// | `Boottime` | `CLOCK_BOOTTIME` | unsupported |
/// | `Realtime` | `CLOCK_REALTIME`, with `TFD_TIMER_CANCEL_ON_SET` | unsupported |
///
/// With the feature `test-util`, `Monotonic` follows tokio's paused clock. Pausing does not affect
/// `Boottime` and `Realtime`.
///
/// Source: [timerfd_create(2)](https://man7.org/linux/man-pages/man2/timerfd_create.2.html).
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
/// use std::time::Duration;
/// use tokio_osinterval::{Clock, PeriodicInterval};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let period = Duration::from_millis(1);
/// let interval = match PeriodicInterval::builder(period).clock(Clock::Boottime).build() {
///     Err(error) if error.kind() == ErrorKind::Unsupported => PeriodicInterval::new(period),
///     built => built,
/// };
/// assert!(interval?.tick().await? >= 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The clock of [`Instant`](tokio::time::Instant). Setting the wall clock does not affect it. It stops
    /// while the system is suspended, if `Instant` does.
    #[default]
    Monotonic,
    /// Like `Monotonic`, but also counts the time during which the system is suspended. The expirations of
    /// that time are reported after the system has resumed. The interval does not wake the system.
    Boottime,
    /// The wall clock. When the wall clock is set, [`tick`](crate::PeriodicInterval::tick) returns
    /// [`ClockWasSet`](crate::error::ClockWasSet).
    Realtime,
}

/// The error that the wall clock was set while a [`PeriodicInterval`](crate::PeriodicInterval) used it.
///
/// [`PeriodicInterval::tick`](crate::PeriodicInterval::tick) returns it as an [`io::Error`], once for each
/// time that it finds the clock set. Use [`ClockWasSet::is`] to recognize it.
///
/// A leap second sets the clock as well. So does a suspend, over which the clock jumps. Slewing, which NTP
/// does all the time, does not.
///
/// The interval continues by the new time. It next expires at the first time to come that is a whole number
/// of periods from its start, whether the start is in the past or in the future. It waits for its start only
/// if [`start`](crate::PeriodicBuilder::start) set one that is still in the future. Expirations that were not
/// reported before the clock was set are dropped, because neither time counts them correctly. A tick that you
/// request while the clock is being set may still be counted by the new time.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use tokio_osinterval::error::ClockWasSet;
/// use tokio_osinterval::{Clock, PeriodicInterval};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut minutes = PeriodicInterval::builder(Duration::from_secs(60))
///     .clock(Clock::Realtime)
///     .align_to_wall_clock()
///     .build()?;
/// loop {
///     match minutes.tick().await {
///         Ok(_) => println!("a full minute"),
///         Err(error) if ClockWasSet::is(&error) => println!("what is the time now?"),
///         Err(error) => return Err(error),
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockWasSet;

impl ClockWasSet {
    /// Returns `true` if `error` is a `ClockWasSet`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use tokio_osinterval::error::ClockWasSet;
    ///
    /// let error = io::Error::other("anything else");
    /// assert!(!ClockWasSet::is(&error));
    /// ```
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(|inner| inner.downcast_ref::<Self>().is_some())
    }
}

impl fmt::Display for ClockWasSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the wall clock was set")
    }
}

impl Error for ClockWasSet {}

impl From<ClockWasSet> for io::Error {
    fn from(error: ClockWasSet) -> Self {
        Self::other(error)
    }
}
