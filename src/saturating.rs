//! Arithmetic on instants and durations that saturates instead of overflowing.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait: about 30 years, as in tokio. Far enough to mean "never", and near enough that no
/// operating system's clock overflows.
pub(crate) const FAR_FUTURE: Duration = Duration::from_secs(86_400 * 365 * 30);

/// Returns the instant `wait` after `now`. Limits `wait` to [`FAR_FUTURE`].
#[inline]
pub(crate) fn after(now: Instant, wait: Duration) -> Instant {
    add_or_stay(now, wait.min(FAR_FUTURE))
}

/// Returns `period`, limited to [`FAR_FUTURE`].
///
/// # Panics
///
/// If `period` is zero, with tokio's message.
#[track_caller]
pub(crate) fn checked_period(period: Duration) -> Duration {
    assert!(!period.is_zero(), "`period` must be non-zero.");
    period.min(FAR_FUTURE)
}

/// Returns the instant `wait` after `from`, or `from` if the clock cannot represent that.
///
/// On overflow, the clock reaches neither of the two in practice.
#[inline]
pub(crate) fn add_or_stay(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait).unwrap_or(from)
}

/// Returns the duration in nanoseconds. Saturates at 584 years.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    let secs = duration.as_secs().saturating_mul(1_000_000_000);
    secs.saturating_add(duration.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    #[test]
    fn far_future_is_as_far_as_in_tokio() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        let before = Instant::now();
        let never = tokio::time::sleep(Duration::MAX).deadline();
        let now = Instant::now();
        assert!((after(before, Duration::MAX)..=after(now, Duration::MAX)).contains(&never));
        assert_eq!(
            checked_period(Duration::MAX),
            after(now, Duration::MAX) - now
        );
    }

    #[test]
    fn large_durations_saturate() {
        let now = Instant::now();
        let wait = Duration::from_nanos(123_456_789_012);
        assert_eq!(after(now, wait), now + wait);
        assert_eq!(add_or_stay(now, wait), now + wait);
        assert_eq!(add_or_stay(now, Duration::MAX), now);
        assert_eq!(nanos(wait), 123_456_789_012);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX)), u64::MAX);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
