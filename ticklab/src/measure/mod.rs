//! Turns ticks into figures. The module has neither a clock nor a timer: the result depends on the input
//! alone.

mod accounts;
mod record;
mod timeline;

use accounts::Accounts;
pub use record::{Cost, Record, Round};
pub use timeline::Timeline;

/// One firing of a timer, in nanoseconds since the round began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The deadline that the timer reports; the earliest, if it fired for more than one.
    pub deadline: u64,
    /// When the consumer saw the tick.
    pub seen: u64,
    /// `true` if the consumer saw the tick before its deadline.
    pub early: bool,
}

/// A deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Nanoseconds since the round began.
    pub deadline: u64,
    /// How late the deadline was served, or was seen to be missed.
    pub lateness: u64,
}
