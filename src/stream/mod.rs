//! Intervals as streams.

#[cfg(feature = "interval")]
mod interval;
#[cfg(feature = "periodic")]
mod periodic;

#[cfg(feature = "interval")]
pub use interval::IntervalStream;
#[cfg(feature = "periodic")]
pub use periodic::PeriodicStream;
