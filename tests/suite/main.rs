//! The promises that tests can check beside each other in one process. tests/README.md lists them.

#[path = "../support/mod.rs"]
mod support;

mod aligned;
mod auto_traits;
mod cancel_safety;
mod clocks;
mod delay_queue;
mod fairness;
mod far_future;
mod future_ext;
mod metrics;
mod missed_ticks;
mod never_early;
mod os_timer;
mod panics;
mod paused;
mod periodic;
mod precision;
mod rates;
mod runtimes;
mod sleep;
mod stream;
mod stream_time;
mod tolerance;
mod version_1_0;
mod wakers;
