//! From ticks to figures. No clock and no timer: what is fed in decides what comes out.

mod accounts;
mod record;
mod timeline;

use accounts::Accounts;
pub use record::{Cost, Record, Round};
pub use timeline::Timeline;

/// One firing of a timer, in nanoseconds since the round began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// What it fired for, by the timer's own word; the earliest, if it fired for more than one.
    pub deadline: u64,
    /// When its consumer noticed.
    pub seen: u64,
    /// Whether that was before it.
    pub early: bool,
}

/// A deadline that has come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Since the round began.
    pub deadline: u64,
    /// How late it was served, or was seen not to be served.
    pub lateness: u64,
}
