//! The clocks that a `PeriodicInterval` can go by.

pub(crate) mod paired;
pub(crate) mod wall;

use std::error::Error;
use std::fmt;
use std::io;

/// The clock that a [`PeriodicInterval`](crate::PeriodicInterval) goes by.
///
/// A system that has no timer on a clock says so when the interval is built, with
/// [`io::ErrorKind::Unsupported`].
///
/// | clock | Linux, Android | elsewhere, and without `os-native` |
/// | --- | --- | --- |
/// | `Monotonic` | `CLOCK_MONOTONIC` | [`tokio::time::Instant`]'s |
/// | `Boottime` | `CLOCK_BOOTTIME` | unsupported |
/// | `Realtime` | `CLOCK_REALTIME`, with `TFD_TIMER_CANCEL_ON_SET` | unsupported |
///
/// Under `test-util` only `Monotonic` follows a paused clock: the others are the world's.
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
    /// Counts steadily, whatever the wall clock is set to: [`Instant`](tokio::time::Instant)'s. It
    /// stands still while the system is suspended, where `Instant` does.
    #[default]
    Monotonic,
    /// As `Monotonic`, but counts while the system is suspended, too: the expirations of that time
    /// are reported after it. It does not wake the system.
    Boottime,
    /// The time of day. When somebody sets it, [`tick`](crate::PeriodicInterval::tick) returns
    /// [`ClockWasSet`](crate::error::ClockWasSet).
    Realtime,
}

/// The wall clock was set while a [`PeriodicInterval`](crate::PeriodicInterval) went by it.
///
/// A leap second sets it as well, and a suspend, over which it jumps; slewing, as NTP does all day,
/// does not.
///
/// The interval goes on, by the clock as it is now: it expires next at the first moment to come
/// that is a whole number of periods from its start, be that past or still to come. Only a
/// [`start`](crate::PeriodicBuilder::start) that is an instant still to come is waited for.
/// Expirations that had not been asked for by then are not reported any more: by which clock would
/// they count? A tick that is asked for at that very moment may still count by the new one.
///
/// [`PeriodicInterval::tick`](crate::PeriodicInterval::tick) returns it as an [`io::Error`], once
/// for each time that it finds the clock set.
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
    /// Whether this is what `error` says.
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
