//! The promises that tests can check beside each other in one process. TESTING.md lists them.

#[path = "../support/mod.rs"]
mod support;

mod aligned;
mod auto_traits;
mod cancel_safety;
mod clocks;
mod fairness;
mod far_future;
mod future_ext;
mod missed_ticks;
mod never_early;
mod os_timer;
mod panics;
mod paused;
mod periodic;
mod precision;
mod runtimes;
mod sleep;
mod stream;
mod stream_time;
mod tolerance;
mod wakers;
