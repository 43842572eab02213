//! With 1.0.0, as it was published.
#![allow(
    clippy::duplicate_mod,
    reason = "the same code is compiled with both versions"
)]

#[path = "interval.rs"]
mod interval;
#[path = "periodic.rs"]
mod periodic;

use seed as version;
