//! Spans of time that no clock overflows on.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait that anything here asks for, tokio's own limit (about 30 years): far enough to
/// mean "never", near enough that no operating system's clock overflows.
pub(crate) const FAR_FUTURE: Duration = Duration::from_secs(86_400 * 365 * 30);

/// The instant `wait` from now, or as far ahead as tokio would go.
pub(crate) fn after(now: Instant, wait: Duration) -> Instant {
    later(now, wait.min(FAR_FUTURE))
}

/// # Panics
///
/// As tokio does, if `period` is zero.
#[track_caller]
pub(crate) fn checked_period(period: Duration) -> Duration {
    assert!(!period.is_zero(), "`period` must be non-zero.");
    period.min(FAR_FUTURE)
}

/// An instant that the clock cannot express is one that it will never reach: any other that it
/// will never reach does as well.
pub(crate) fn later(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait).unwrap_or(from)
}

/// Saturates, but not before 584 years.
pub(crate) fn nanos(span: Duration) -> u64 {
    let secs = span.as_secs().saturating_mul(1_000_000_000);
    secs.saturating_add(span.subsec_nanos().into())
}
