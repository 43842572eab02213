//! What fires timers, for whoever asks.

/// What fires the timers of a runtime.
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
    /// tokio's, since the operating system refuses: its error code. It is asked again from time to time.
    Refused(i32),
    /// tokio's, since the runtime's clock was paused or moved.
    PausedClock,
    /// The operating system's and tokio's together, under `test-util`.
    TestUtil,
    /// tokio's, since there is nothing else: without the feature `os-native`, or on such a system.
    Tokio,
}
