//! Loads that compete for the processor.

mod share;
mod tasks;
mod threads;

pub use tasks::Tasks;
pub use threads::Threads;
