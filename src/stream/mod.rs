//! Streams and time: intervals as streams, and adapters that give any stream a deadline or a pace.
//!
//! The methods of `StreamTimeExt` make the adapters, `Throttle`, `Timeout`, `TimeoutRepeating` and `ChunksTimeout`. It
//! and the two streams of intervals are at the crate's root as well. `IntervalStream` needs the
//! feature `interval`, `PeriodicStream` needs `periodic`, and all else needs `interval` and `sleep`.
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
//! // Four ticks at a time, or what there is after 10 ms.
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
