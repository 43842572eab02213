//! With this version.
#![allow(
    clippy::duplicate_mod,
    reason = "the same code is compiled with both versions"
)]

#[cfg(feature = "interval")]
#[path = "interval.rs"]
mod interval;
#[cfg(feature = "periodic")]
#[path = "periodic.rs"]
mod periodic;

use tokio_osinterval as version;
