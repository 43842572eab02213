//! Intervals, sleeps and timeouts for tokio on the operating system's own timers.
//!
//! This crate has the API of [`tokio::time`]. tokio's timers have a resolution of one millisecond. The timers
//! of this crate have the resolution of the kernel.
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
//! # Why
//!
//! tokio rounds each deadline up to the next millisecond. That is too coarse for a control loop at 1 kHz, for
//! audio and video frames, for paced packets, or for a timeout of 300 µs.
//!
//! Lateness and processor time of an interval of 1 ms, measured on one machine (Linux 6.18, two virtual
//! cores; `cargo bench --features full --bench precision`):
//!
//! | | median lateness | processor time per tick |
//! | --- | --- | --- |
//! | `tokio::time::interval` | 1.5 ms | 20 µs |
//! | this crate, [`Precision::Kernel`] (the default) | 23 µs | 12 µs |
//! | this crate, [`Precision::Spin`] | 0.1 µs | 77 µs |
//!
//! Lateness depends on the machine and on its load. A timer is never early.
//!
//! # How it works
//!
//! All timers of a runtime wait in one driver, which arms at most two kernel timers for them: on Linux two
//! `timerfd` descriptors. The runtime's I/O driver watches these descriptors, so an expiry reaches the task
//! as any other I/O event does. There is no background thread and no background task. On Windows one kernel
//! timer serves the whole process, and a thread of the system's thread pool wakes the tasks.
//!
//! Two settings trade lateness for processor time:
//!
//! - [`Precision::Spin`] asks the kernel to wake the task a little early. The task then reads the clock until
//!   the deadline, and yields to other tasks in between.
//! - A tolerance ([`OsInterval::set_tolerance`], [`Sleep::with_tolerance`]) lets a timer be late in order to
//!   share a wake-up with other timers.
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
//! Beyond the API of tokio there are exact rates ([`OsInterval::rate`]), ticks at full seconds of wall-clock
//! time ([`interval_aligned`]), a changeable period ([`OsInterval::set_period`]), a count of skipped ticks
//! ([`OsInterval::missed_ticks`]), constructors that return errors ([`OsInterval::builder`]), a timer that
//! counts its expirations ([`PeriodicInterval`]), and [`metrics`].
//!
//! # When not to use it
//!
//! - **Your periods are many milliseconds long** and a lateness of one or two milliseconds does no harm. Use
//!   [`tokio::time`].
//! - **You have very many timers without a tolerance.** Wake-ups dominate the cost. Ten thousand intervals of
//!   100 ms take 5.7 µs of processor time per tick, and 0.8 µs on tokio's wheel. With a tolerance of 1 ms they
//!   cost about as much as on tokio's wheel (`cargo bench --features full --bench scale`).
//! - **Your target has no backend**, such as WebAssembly. Timers then run on [`tokio::time::Sleep`] and are
//!   no more precise than tokio's.
//! - **Your target is NetBSD, OpenBSD or DragonFly.** Their kernels fire timers at ticks of 10 ms by default.
//! - **You need hard real time.** A timer is never early. How late it is depends on the kernel, the machine
//!   and the tasks of the runtime.
//! - **Your runtime is busy.** While tasks keep every worker busy, tokio checks I/O and timers only once in
//!   61 polls, or less often. A precise kernel timer does not help then. A smaller [`event_interval`] does.
//!
//! # Requirements
//!
//! A timer belongs to the runtime that is current when you create it. Any executor may poll it. The runtime
//! needs a driver:
//!
//! | system and features | driver | how to enable it |
//! | --- | --- | --- |
//! | Linux, Android, Apple's systems, the BSDs | I/O | [`enable_io`] or [`enable_all`] |
//! | Windows | none | |
//! | other systems, or without the feature `os-native` | time | [`enable_time`] or [`enable_all`] |
//! | with the feature `test-util` | time, and those above | [`enable_all`] |
//!
//! `#[tokio::main]` and `#[tokio::test]` enable both drivers. Under `test-util`, a [`PeriodicInterval`] on
//! [`Clock::Monotonic`] needs the time driver alone.
//!
//! If the kernel refuses a timer, [`tokio::time::Sleep`] serves in its place until the kernel accepts one.
//! That needs the time driver, too, and does not happen on Windows.
//!
//! This crate needs Rust 1.85 and tokio 1.54.
//!
//! # Moving from tokio
//!
//! Replace `use tokio::time` with `use tokio_osinterval::time`. In most programs nothing else changes. These
//! points may need more:
//!
//! - The runtime needs the I/O driver; see [Requirements](#requirements).
//! - The types are this crate's own. Code that names tokio's types does not accept them: tokio-stream's
//!   `IntervalStream`, for example, takes tokio's `Interval`. This crate has an `IntervalStream` of its own
//!   (feature `stream`).
//! - Tests that pause tokio's clock need the feature `test-util` of this crate.
//!
//! The timers of other crates have counterparts here:
//!
//! | other crate | this crate | feature |
//! | --- | --- | --- |
//! | `tokio_util::future::FutureExt` | [`FutureExt`] | |
//! | `tokio_util::time::DelayQueue` | `DelayQueue` | `delay-queue` |
//! | `tokio_stream::wrappers::IntervalStream` | `IntervalStream` | `stream` |
//! | `tokio_stream::StreamExt::{throttle, timeout, …}` | `StreamTimeExt` | `stream` |
//! | `hyper_util::rt::TokioTimer` | `OsTimer` | `hyper` |
//!
//! # Differences from tokio
//!
//! | | tokio | this crate |
//! | --- | --- | --- |
//! | resolution | One millisecond. | The kernel's; see [Platforms](#platforms). |
//! | driver | The runtime needs the time driver. | The runtime needs the I/O driver. |
//! | missed tick | A tick is missed if it is more than 5 ms late. | A tick is missed if its lateness exceeds its tolerance plus its period, or plus 5 ms if the period is longer. |
//! | refused timer | The kernel has no timer to refuse. | tokio's timer serves until the kernel accepts one. |
//! | runtime shut down | Every poll panics. | A poll that has to wait panics. |
//! | forked child | The child may use a timer that it inherits. | The child may only drop a timer that it inherits. |
//! | waker that panics | The panic unwinds through the reactor. | The panic hook reports the panic, which ends there. |
//! | `DelayQueue` | tokio-util rounds deadlines up to a millisecond. | Deadlines are kept to the nanosecond. |
//!
//! In detail:
//!
//! - **Missed tick.** [`MissedTickBehavior::Skip`] and [`MissedTickBehavior::Delay`] do what their names say
//!   for periods below 5 ms, too. With tokio they behave as [`MissedTickBehavior::Burst`] there, unless a
//!   tick is more than 5 ms late.
//! - **Refused timer.** [`IntervalBuilder::build`] returns the errno. In a runtime without the time driver,
//!   and on Windows, the first timer panics if it is refused.
//! - **Runtime shut down.** Creating an interval panics, too. On Windows, without `test-util`, neither
//!   panics, because no timer needs its runtime there.
//! - **Forked child.** The parent keeps a timer that its child drops. In the child, waiting for an inherited
//!   timer panics. The child may create timers in a runtime of its own.
//! - **Waker that panics.** If panics abort, the process aborts.
//! - **`DelayQueue`.** Values with equal deadlines expire in the order of insertion. A timeout of more than
//!   30 years is clamped to 30 years, where tokio-util panics if it overflows. The queue keeps no waker after
//!   a value has expired.
//!
//! # Platforms
//!
//! | system | mechanism | precision |
//! | --- | --- | --- |
//! | Linux, Android | [`timerfd`][timerfd], absolute, on `CLOCK_MONOTONIC` | the kernel's: tens of microseconds, as measured on x86-64 Linux |
//! | macOS, iOS, tvOS, watchOS, visionOS | [`kqueue`][xnu], absolute, in mach time | the kernel's; not measured |
//! | FreeBSD | [`kqueue`][freebsd], relative, in nanoseconds | the kernel's; not measured |
//! | NetBSD, OpenBSD, DragonFly | `kqueue` ([NetBSD][netbsd], [OpenBSD][openbsd], [DragonFly][dragonfly]), relative, in milliseconds | the kernel's tick, 10 ms by default; not measured |
//! | Windows 10 1803 and later | a [high-resolution waitable timer][waitable] | nominally 0.5 ms; not measured |
//! | Windows before 10 1803 | a [timer of the thread pool][pool] | nominally 15.6 ms; not measured |
//! | every other system, and without the feature `os-native` | [`tokio::time::Sleep`] | tokio's: 1 ms, and 15 ms on Windows |
//!
//! Only Linux has run on a real system so far. Windows is tested under Wine, and kqueue on stand-ins.
//! `PLATFORMS.md` in the source package describes what each kernel does, and how each backend is tested.
//!
//! [timerfd]: https://man7.org/linux/man-pages/man2/timerfd_create.2.html
//! [xnu]: https://github.com/apple-oss-distributions/xnu/blob/main/bsd/kern/kern_event.c
//! [freebsd]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
//! [netbsd]: https://man.netbsd.org/kqueue.2
//! [openbsd]: https://man.openbsd.org/kqueue.2
//! [dragonfly]: https://man.dragonflybsd.org/?command=kqueue&section=2
//! [waitable]: https://learn.microsoft.com/en-us/windows/win32/api/synchapi/nf-synchapi-createwaitabletimerexw
//! [pool]: https://learn.microsoft.com/en-us/windows/win32/api/threadpoolapiset/nf-threadpoolapiset-createthreadpooltimer
//!
//! # Testing with a paused clock
//!
//! With the feature `test-util`, timers follow tokio's clock: `pause`, `advance`, `resume`, `start_paused`,
//! and the jumps of a paused clock when every task waits. Enable the feature for dev-dependencies only:
//! timers then need tokio's time driver.
//!
//! ```
//! # #[cfg(not(feature = "test-util"))]
//! # fn main() {}
//! # #[cfg(feature = "test-util")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::time::Duration;
//! use tokio_osinterval::time::{Instant, sleep};
//!
//! // In a function with the attribute `#[tokio::test(start_paused = true)]`:
//! let before = Instant::now();
//! sleep(Duration::from_secs(3600)).await; // Returns immediately: the clock jumps by an hour.
//! assert!(before.elapsed() >= Duration::from_secs(3600));
//! # }
//! ```
//!
//! If the feature `test-util` of tokio is enabled and that of this crate is not, timers follow a paused clock
//! as soon as one timer of the runtime begins to wait. If none does, a timer that has waited since before the
//! pause panics when the kernel's timer fires. The message names the feature. (On Windows, timers then belong
//! to their runtime, as with `test-util`.)
//!
//! [`Clock::Boottime`], [`Clock::Realtime`] and the wall clock of [`interval_aligned`] are never paused.
//!
//! # Features
//!
//! | feature | default | effect |
//! | --- | --- | --- |
//! | `os-native` | yes | Timers are the operating system's. Without it, all timers run on [`tokio::time::Sleep`]. |
//! | `delay-queue` | | Adds `DelayQueue`. |
//! | `stream` | | Adds `IntervalStream`, `PeriodicStream` and `StreamTimeExt`, and makes `DelayQueue` a `Stream`. |
//! | `hyper` | | Adds `OsTimer`, a timer for hyper 1. |
//! | `tracing` | | Emits `tracing` events for missed, refused and late timers. |
//! | `test-util` | | Timers follow tokio's paused clock. |
//! | `full` | | Enables everything except `test-util`. |
//!
//! The features `interval`, `sleep` and `periodic` have no effect. Their names are kept for compatibility.
//!
//! With `tracing`, events have the target `tokio_osinterval`:
//!
//! | event | level |
//! | --- | --- |
//! | An [`OsInterval`] missed a tick. | DEBUG |
//! | The kernel refused a timer. | WARN |
//! | The kernel accepts timers again. | INFO |
//! | tokio's clock was paused or moved, and tokio's timer serves. | DEBUG |
//! | Timers fired late, usually because the runtime is busy; at most once per second. | WARN |
//!
//! [`tokio::time`]: https://docs.rs/tokio/1/tokio/time/index.html
//! [`tokio::time::Sleep`]: https://docs.rs/tokio/1/tokio/time/struct.Sleep.html
//! [`enable_all`]: https://docs.rs/tokio/1/tokio/runtime/struct.Builder.html#method.enable_all
//! [`enable_io`]: https://docs.rs/tokio/1/tokio/runtime/struct.Builder.html#method.enable_io
//! [`enable_time`]: https://docs.rs/tokio/1/tokio/runtime/struct.Builder.html#method.enable_time
//! [`event_interval`]: https://docs.rs/tokio/1/tokio/runtime/struct.Builder.html#method.event_interval

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

mod clock;
#[cfg(feature = "delay-queue")]
pub mod delay_queue;
mod driver;
#[cfg_attr(feature = "tracing", path = "events/tracing.rs")]
#[cfg_attr(not(feature = "tracing"), path = "events/disabled.rs")]
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
    reason = "the only module that calls the operating system"
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
#[doc(inline)]
pub use stream::{IntervalStream, PeriodicStream, StreamTimeExt};
pub use sys::TimerSource;
pub use timeout::{Timeout, timeout, timeout_at};
pub use tokio::time::MissedTickBehavior;

/// The error types of this crate.
///
/// Functions that return an [`io::Error`](std::io::Error) document when they do so. `Elapsed` and
/// `ClockWasSet` convert into an [`io::Error`](std::io::Error).
///
/// # Examples
///
/// ```
/// use std::io;
/// use tokio_osinterval::error::{ClockWasSet, Elapsed};
///
/// fn into_io_error(elapsed: Elapsed) -> io::Error {
///     elapsed.into()
/// }
///
/// let error = io::Error::from(io::ErrorKind::TimedOut);
/// assert!(!ClockWasSet::is(&error));
/// ```
pub mod error {
    pub use crate::clock::ClockWasSet;
    pub use crate::timeout::Elapsed;
}
