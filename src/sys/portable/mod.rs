//! Any system: `tokio::time::Sleep`, and so its precision, about a millisecond.

mod alarm;
#[cfg(runtime_clock)]
mod periodic;

pub(crate) use alarm::Alarm;
#[cfg(runtime_clock)]
#[allow(unused_imports, reason = "which of them is used is up to the features")]
pub(crate) use periodic::Periodic;
