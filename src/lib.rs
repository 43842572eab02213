//! Intervals, sleeps and timeouts for tokio on the operating system's own timers: drop-in, as
//! precise as the kernel, and any number of them on two kernel timers at most.
//!
//! ```
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut interval = tokio_osinterval::interval(Duration::from_micros(500));
//! for _ in 0..4 {
//!     let deadline = interval.tick().await;
//!     println!("late by {:?}", deadline.elapsed());
//! }
//! # }
//! ```
//!
//! tokio's timers are a wheel that turns once a millisecond. An `OsInterval` ticks when the
//! kernel's timer fires: the runtime's reactor is told of it as of any other event (on Windows a
//! thread of the system's pool is), and wakes the task, with no thread and no task of its own in
//! between. It has the methods of
//! [`tokio::time::Interval`], and [`time`] has the names of [`tokio::time`], so that changing the
//! import is the whole migration.
//!
//! # Platforms
//!
//! | system | mechanism | precision |
//! | --- | --- | --- |
//! | Linux, Android | `timerfd` | the kernel's: tens of microseconds |
//! | macOS, iOS, tvOS, watchOS, visionOS | kqueue, absolute | the kernel's |
//! | FreeBSD | kqueue, nanoseconds | the kernel's |
//! | NetBSD, OpenBSD, DragonFly | kqueue, milliseconds | the kernel's tick: 10 ms by default |
//! | Windows | a waitable timer of high resolution, else the thread pool's | about 0.5 ms; before Windows 10 1803 15 ms |
//! | every other, and without the feature `os-native` | `tokio::time::Sleep` | tokio's: 1 ms, and 15 ms on Windows |
//!
//! Only Linux has been run on the real system so far: PLATFORMS.md says how each is checked.
//!
//! # Closer still, and cheaper
//!
//! With `Precision::Spin` the kernel is asked a little early, and the task looks at the clock for
//! the rest: the median lateness on Linux is then well below a microsecond, for some tens of
//! microseconds of processor time a tick.
//!
//! A tolerance (`set_tolerance`) lets a timer be late by so much, to share wake-ups with others: a
//! thousand timers that tolerate a millisecond cost about what tokio's do.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use std::time::Duration;
//! use tokio_osinterval::{OsInterval, Precision, sleep};
//!
//! let mut precise = OsInterval::builder(Duration::from_millis(1))
//!     .precision(Precision::Spin)
//!     .build()?;
//! precise.tick().await;
//! sleep(Duration::from_micros(700)).with_precision(Precision::Spin).await;
//! sleep(Duration::from_millis(5)).with_tolerance(Duration::from_millis(1)).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Differences from tokio
//!
//! | | tokio | here |
//! | --- | --- | --- |
//! | resolution | 1 ms | the kernel's |
//! | missed tick | later than 5 ms, whatever the period | later than the period, or than 5 ms if the period is longer, counted from the end of its tolerance: below 5 ms, `Skip` and `Delay` do what their names say |
//! | needs | the time driver | the I/O driver; on Windows none; without `os-native` the time driver; with `test-util` the time driver besides (a `PeriodicInterval` on `Clock::Monotonic`: that alone) |
//! | kernel refuses a timer | cannot happen | tokio's timer serves until the kernel agrees; `build()` returns the errno. Without the time driver, and on Windows, the first timer panics |
//! | a child that was forked off | may use what it inherits | has timers in runtimes of its own; those that it inherits it may drop, and its parent keeps them |
//! | runtime has shut down | every poll panics | a poll that would have to wait panics; so does making an interval. On Windows, without `test-util`, both go on |
//! | a waker that panics | unwinds through the reactor | is reported by the panic hook, and goes no further (unless panics abort) |
//! | `DelayQueue` | in tokio-util; deadlines are rounded up to 1 ms; a `timeout` that overflows panics | deadlines are kept to the nanosecond, equal ones expire in the order of insertion; a `timeout` of more than 30 years is taken for 30 years; a waker is not kept once a value has expired |
//! | beyond tokio | | `set_period`, `missed_ticks`, `set_precision`, `set_tolerance`, `interval_aligned`, `reset_aligned`, `OsInterval::builder`, `PeriodicInterval` |
//!
//! # Testing with a paused clock
//!
//! With the feature `test-util`, for dev-dependencies, timers follow `tokio::time::pause`,
//! `advance`, `resume`, `start_paused` and the jumps of a paused clock. If tokio's own `test-util` is on
//! and this crate's is off, a clock that is paused is followed as soon as a timer of the runtime begins to
//! wait; if none does, whoever waited before the pause panics when the operating system's timer fires, with a
//! message that names the feature. The wall clock cannot be paused, and neither can `Clock::Boottime`.
//!
//! # Features
//!
//! | feature | default | |
//! | --- | --- | --- |
//! | `interval` | yes | `OsInterval`, `interval`, `interval_at`, `interval_aligned` |
//! | `sleep` | yes | `Sleep`, `sleep`, `sleep_until`, `Timeout`, `timeout`, `timeout_at`, `FutureExt` |
//! | `stream` | | `IntervalStream`, `PeriodicStream`; with `interval` and `sleep`, `StreamTimeExt`: `throttle`, `timeout`, `timeout_repeating`, `chunks_timeout`; a `DelayQueue` is a `Stream` |
//! | `hyper` | | `OsTimer`, the timer of hyper 1 |
//! | `delay-queue` | | `DelayQueue` |
//! | `os-native` | yes | the operating system's timers; without it, everything runs on `tokio::time::Sleep` |
//! | `periodic` | | `PeriodicInterval` |
//! | `tracing` | | a missed tick of an `OsInterval` is an event of `tracing`, level DEBUG; a timer that the kernel refuses is one, level WARN, and that it serves again, level INFO; timers that are fired late, most often since the runtime is busy, are one, level WARN, once in a second |
//! | `test-util` | | timers follow tokio's paused clock |
//! | `full` | | everything except `test-util` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

mod clock;
#[cfg(feature = "delay-queue")]
pub mod delay_queue;
mod driver;
#[cfg_attr(feature = "tracing", path = "events/tracing.rs")]
#[cfg_attr(not(feature = "tracing"), path = "events/silent.rs")]
mod events;
mod future_ext;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod interval;
mod metrics;
#[cfg(feature = "hyper")]
mod os_timer;
mod panics;
mod periodic;
mod precision;
mod saturating;
mod schedule;
mod sleep;
#[cfg(feature = "stream")]
pub mod stream;
mod sync;
#[allow(
    unsafe_code,
    reason = "the one place that talks to the operating system"
)]
mod sys;
pub mod time;
mod timeout;

pub use clock::Clock;
#[cfg(feature = "delay-queue")]
#[doc(inline)]
pub use delay_queue::DelayQueue;
pub use future_ext::FutureExt;
pub use interval::{IntervalBuilder, OsInterval, interval, interval_aligned, interval_at};
pub use metrics::{Metrics, metrics};
#[cfg(feature = "hyper")]
pub use os_timer::OsTimer;
pub use periodic::{Expirations, PeriodicBuilder, PeriodicInterval};
pub use precision::Precision;
pub use sleep::{Sleep, sleep, sleep_until};
#[cfg(feature = "stream")]
pub use stream::{IntervalStream, PeriodicStream, StreamTimeExt};
pub use sys::TimerSource;
pub use timeout::{Timeout, timeout, timeout_at};
pub use tokio::time::MissedTickBehavior;

/// Errors of this crate's own.
///
/// # Examples
///
/// See the errors themselves; each can become an [`io::Error`](std::io::Error):
///
/// ```
/// # use tokio_osinterval as _;
/// fn as_io(elapsed: tokio_osinterval::error::Elapsed) -> std::io::Error {
///     elapsed.into()
/// }
/// ```
pub mod error {
    pub use crate::clock::ClockWasSet;
    pub use crate::timeout::Elapsed;
}
