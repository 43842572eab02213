//! The names of [`tokio::time`], for timers of the operating system.
//!
//! To move from tokio, replace `use tokio::time` with `use tokio_osinterval::time`. The runtime needs the I/O
//! driver ([requirements](crate#requirements)), and the types are this crate's own: code that names tokio's
//! `Interval`, such as tokio-stream's `IntervalStream`, does not accept [`Interval`]. Use this crate's
//! `IntervalStream` and `StreamTimeExt` there. [Differences from tokio](crate#differences-from-tokio) lists
//! what behaves differently.
//!
//! # Examples
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
//!
//! [`tokio::time`]: https://docs.rs/tokio/1/tokio/time/index.html

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

/// The errors of [`tokio::time::error`](https://docs.rs/tokio/1/tokio/time/error/index.html) that the timers
/// of this crate return.
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
