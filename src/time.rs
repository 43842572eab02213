//! The mirror of [`tokio::time`], on the operating system's timers.
//!
//! Changing `use tokio::time` to `use tokio_osinterval::time` is the whole migration of code that
//! uses the names below. The types are this crate's own, so an `Interval` is not one that
//! tokio-stream takes: in its place there are `IntervalStream` and `StreamTimeExt`. What differs is listed in the
//! [crate's documentation](crate#differences-from-tokio).
//!
//! ```
//! use tokio_osinterval::time::{self, Duration};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut interval = time::interval(Duration::from_millis(1));
//! interval.tick().await;
//! # }
//! ```

pub use std::time::Duration;
pub use tokio::time::Instant;

#[cfg(feature = "delay-queue")]
#[doc(inline)]
pub use crate::delay_queue::{self, DelayQueue};
pub use crate::future_ext::FutureExt;
pub use crate::interval::{OsInterval as Interval, interval, interval_at};
pub use crate::sleep::{Sleep, sleep, sleep_until};
#[cfg(feature = "stream")]
pub use crate::stream::StreamTimeExt;
pub use crate::timeout::{Timeout, timeout, timeout_at};
pub use tokio::time::MissedTickBehavior;

/// The errors of timers: those of [`tokio::time::error`] that this crate's can have.
///
/// # Examples
///
/// ```
/// use tokio_osinterval::time::{self, Duration, error::Elapsed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let late: Result<(), Elapsed> =
///     time::timeout(Duration::from_millis(1), std::future::pending()).await;
/// assert!(late.is_err());
/// # }
/// ```
pub mod error {
    pub use crate::timeout::Elapsed;
}

#[cfg(feature = "test-util")]
pub use tokio::time::{advance, pause, resume};
