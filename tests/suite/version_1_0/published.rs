//! Compiled with the published version 1.0.0.
#![allow(
    clippy::duplicate_mod,
    reason = "the same code is compiled with both versions"
)]

#[path = "interval.rs"]
mod interval;
#[path = "periodic.rs"]
mod periodic;

use seed as version;
