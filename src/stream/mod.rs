//! Intervals as streams, and adapters that add deadlines to streams or limit their pace.
//!
//! [`IntervalStream`] and [`PeriodicStream`] are intervals as streams. The methods of [`StreamTimeExt`]
//! return the adapters [`Throttle`], [`Timeout`], [`TimeoutRepeating`] and [`ChunksTimeout`].
//! `IntervalStream`, `PeriodicStream` and `StreamTimeExt` are at the crate's root as well.
//!
//! # Examples
//!
//! ```
//! use std::pin::pin;
//! use std::time::Duration;
//!
//! use futures::StreamExt;
//! use tokio_osinterval::interval;
//! use tokio_osinterval::stream::{IntervalStream, StreamTimeExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // A batch has four ticks, or fewer if 10 ms pass before the fourth.
//! let ticks = IntervalStream::new(interval(Duration::from_millis(1))).take(8);
//! let mut batches = pin!(ticks.chunks_timeout(4, Duration::from_millis(10)));
//! while let Some(deadlines) = batches.next().await {
//!     println!("{} ticks", deadlines.len());
//! }
//! # }
//! ```

mod chunks_timeout;
mod ext;
mod fuse;
mod interval;
mod periodic;
mod throttle;
mod timeout;
mod timeout_repeating;

pub use chunks_timeout::ChunksTimeout;
pub use ext::StreamTimeExt;
pub use interval::IntervalStream;
pub use periodic::PeriodicStream;
pub use throttle::Throttle;
pub use timeout::Timeout;
pub use timeout_repeating::TimeoutRepeating;
