//! Tests that run side by side in one process. tests/README.md lists the promises that they check.

#[path = "../support/mod.rs"]
mod support;

mod aligned;
mod busy_runtime;
mod cancel_safety;
mod clocks;
mod delay_queue;
mod fairness;
mod far_future;
mod foreign_code;
mod metrics;
mod missed_ticks;
mod misuse;
mod never_early;
mod os_timer;
mod paused_clock;
mod periodic;
mod precision;
mod rates;
mod resets;
mod runtimes;
mod shutdown;
mod spin;
mod stream;
mod stream_time;
mod timeout;
mod tolerance;
mod traits;
mod version_1_0;
mod wakers;
