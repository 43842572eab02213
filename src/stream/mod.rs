//! Streams and time: intervals as streams, and adapters that give any stream a deadline or a pace.
//!
//! The adapters are made by the methods of [`StreamTimeExt`]; the crate's root has the trait and the
//! two interval streams too. Which items are here depends on the features: `interval` and `sleep`
//! together bring the adapters, `interval` brings `IntervalStream`, `periodic` brings
//! `PeriodicStream`.

#[cfg(all(feature = "interval", feature = "sleep"))]
mod chunks_timeout;
#[cfg(all(feature = "interval", feature = "sleep"))]
mod ext;
#[cfg(all(feature = "interval", feature = "sleep"))]
mod fuse;
#[cfg(feature = "interval")]
mod interval;
#[cfg(feature = "periodic")]
mod periodic;
#[cfg(all(feature = "interval", feature = "sleep"))]
mod throttle;
#[cfg(all(feature = "interval", feature = "sleep"))]
mod timeout;
#[cfg(all(feature = "interval", feature = "sleep"))]
mod timeout_repeating;

#[cfg(all(feature = "interval", feature = "sleep"))]
pub use chunks_timeout::ChunksTimeout;
#[cfg(all(feature = "interval", feature = "sleep"))]
pub use ext::StreamTimeExt;
#[cfg(feature = "interval")]
pub use interval::IntervalStream;
#[cfg(feature = "periodic")]
pub use periodic::PeriodicStream;
#[cfg(all(feature = "interval", feature = "sleep"))]
pub use throttle::Throttle;
#[cfg(all(feature = "interval", feature = "sleep"))]
pub use timeout::Timeout;
#[cfg(all(feature = "interval", feature = "sleep"))]
pub use timeout_repeating::TimeoutRepeating;
