//! Compiled with this version.
#![allow(
    clippy::duplicate_mod,
    reason = "the same code is compiled with both versions"
)]

#[path = "interval.rs"]
mod interval;
#[path = "periodic.rs"]
mod periodic;

use tokio_osinterval as version;
