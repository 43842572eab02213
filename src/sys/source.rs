//! `TimerSource`, a metric.

/// The timers that serve a runtime.
///
/// Returned by [`Metrics::source`](crate::Metrics::source).
///
/// # Examples
///
/// ```
/// use tokio_osinterval::TimerSource;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// if let Some(TimerSource::Refused(errno)) = tokio_osinterval::metrics().source() {
///     println!("the operating system refuses timers: {}", std::io::Error::from_raw_os_error(errno));
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimerSource {
    /// The operating system's timers.
    OperatingSystem,
    /// tokio's timers: the operating system refuses to provide one, with this error code. It is asked again from
    /// time to time.
    Refused(i32),
    /// tokio's timers: the runtime's clock was paused or moved.
    PausedClock,
    /// The operating system's and tokio's timers together, under the feature `test-util`.
    TestUtil,
    /// tokio's timers: the feature `os-native` is off, or this crate does not support the operating system's.
    Tokio,
}
