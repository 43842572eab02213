//! The promises that tests can check beside each other in one process. TESTING.md lists them.

#[path = "../support/mod.rs"]
mod support;

mod aligned;
mod auto_traits;
mod cancel_safety;
mod clocks;
mod delay_queue;
mod fairness;
mod far_future;
mod metrics;
mod missed_ticks;
mod never_early;
mod panics;
mod paused;
mod periodic;
mod precision;
mod rates;
mod runtimes;
mod sleep;
mod stream;
mod tolerance;
mod wakers;
