//! Values that a driver publishes for its timers, which read them without its lock. Numbers are nanoseconds.

use std::time::Duration;

use super::shard::NEVER;
use crate::saturating::nanos;
use crate::sync::{AtomicU64, Ordering, unchecked};
use crate::sys::Alarm;

/// Written under the driver's lock, but for `expected_wakeup`. Written as seldom as possible: a write costs
/// every reader a cache miss.
#[derive(Debug)]
pub(super) struct Published {
    /// How long before its deadline a spinning timer is woken.
    lead: unchecked::AtomicU64,
    /// The slack that dense timers get.
    coalesce_slack: unchecked::AtomicU64,
    is_coalescing: unchecked::AtomicBool,
    /// An alarm fires no later than this, or its wake-up is on its way.
    armed: AtomicU64,
    /// When the kernel should wake the driver next.
    expected_wakeup: unchecked::AtomicU64,
    /// True if an alarm is free to be armed ahead.
    can_arm_ahead: unchecked::AtomicBool,
    /// True if an alarm must not be left armed for a removed timer.
    is_exact: unchecked::AtomicBool,
    /// True if the runtime's shutdown reaches the driver even when no timer waits.
    hears_shutdown: unchecked::AtomicBool,
}

/// A driver that is late by less is not overdue. 100 µs.
///
/// The kernel itself is late by some of that, and its wake-up is on its way. If polls fired the driver
/// earlier, each would rearm an alarm for the few timers that are due, and dense timers would do little else.
const OVERDUE_AFTER: u64 = 100_000;

/// The driver is assumed to be at most this late. If it is later, so are all of its timers.
pub(super) const ASSUMED_DRIVER_LATENESS: Duration = Duration::from_millis(10);

impl Published {
    pub(super) fn new(lead: u64) -> Self {
        Self {
            lead: unchecked::AtomicU64::new(lead),
            coalesce_slack: unchecked::AtomicU64::new(0),
            is_coalescing: unchecked::AtomicBool::new(false),
            armed: AtomicU64::new(NEVER),
            expected_wakeup: unchecked::AtomicU64::new(NEVER),
            can_arm_ahead: unchecked::AtomicBool::new(false),
            is_exact: unchecked::AtomicBool::new(false),
            hears_shutdown: unchecked::AtomicBool::new(Alarm::OUTLIVES_TIMERS),
        }
    }

    pub(super) fn lead(&self) -> u64 {
        self.lead.load(Ordering::Relaxed)
    }

    /// Publishes `lead`, unless it is smaller by less than an eighth: an alarm that is armed ahead with the
    /// old lead would have to be rearmed.
    pub(super) fn set_lead(&self, lead: u64) {
        let current = self.lead();
        if lead > current || lead < current - current / 8 {
            self.lead.store(lead, Ordering::Relaxed);
        }
    }

    pub(super) fn coalesce_slack(&self) -> u64 {
        self.coalesce_slack.load(Ordering::Relaxed)
    }

    pub(super) fn is_coalescing(&self) -> bool {
        self.is_coalescing.load(Ordering::Relaxed)
    }

    pub(super) fn set_coalesce_slack(&self, slack: u64, is_coalescing: bool) {
        if (slack, is_coalescing) != (self.coalesce_slack(), self.is_coalescing()) {
            self.coalesce_slack.store(slack, Ordering::Relaxed);
            self.is_coalescing.store(is_coalescing, Ordering::Relaxed);
        }
    }

    /// Returns `true` if no alarm fires by `hard_deadline`, so that the caller must arm one.
    ///
    /// The caller first lowers its shard's bounds, then issues a fence, then calls this. Code that may leave
    /// an alarm firing later than before calls [`clear_armed`](Self::clear_armed), issues a fence, and then
    /// reads the bounds. So at least one of the two sees the other. Code that only arms for an earlier
    /// time need not call `clear_armed`.
    pub(super) fn must_arm(&self, hard_deadline: u64) -> bool {
        hard_deadline < self.armed.load(Ordering::Relaxed)
    }

    /// Returns `true` if `deadline` is so far after an armed alarm that it has not passed, unless the driver
    /// is later than [`ASSUMED_DRIVER_LATENESS`].
    pub(super) fn is_far_after_armed(&self, deadline: u64) -> bool {
        let armed = self.armed.load(Ordering::Relaxed);
        deadline.saturating_sub(nanos(ASSUMED_DRIVER_LATENESS)) > armed
    }

    /// Makes every caller of [`must_arm`](Self::must_arm) arm an alarm, until
    /// [`set_armed`](Self::set_armed).
    pub(super) fn clear_armed(&self) {
        self.armed.store(NEVER, Ordering::Relaxed);
    }

    pub(super) fn set_armed(&self, armed: Option<u64>, can_arm_ahead: bool) {
        self.armed.store(armed.unwrap_or(NEVER), Ordering::Relaxed);
        if can_arm_ahead != self.can_arm_ahead() {
            self.can_arm_ahead.store(can_arm_ahead, Ordering::Relaxed);
        }
    }

    pub(super) fn can_arm_ahead(&self) -> bool {
        self.can_arm_ahead.load(Ordering::Relaxed)
    }

    pub(super) fn hears_shutdown(&self) -> bool {
        self.hears_shutdown.load(Ordering::Relaxed)
    }

    /// Returns `true` if the value changes from `true` to `false`.
    pub(super) fn set_hears_shutdown(&self, hears_shutdown: bool) -> bool {
        let before = self.hears_shutdown();
        if hears_shutdown != before {
            self.hears_shutdown.store(hears_shutdown, Ordering::Relaxed);
        }
        before && !hears_shutdown
    }

    pub(super) fn is_exact(&self) -> bool {
        self.is_exact.load(Ordering::Relaxed)
    }

    pub(super) fn set_exact(&self, is_exact: bool) {
        if is_exact != self.is_exact() {
            self.is_exact.store(is_exact, Ordering::Relaxed);
        }
    }

    /// Returns `true` if the kernel is late by [`OVERDUE_AFTER`] or more. Of several callers only one gets
    /// `true`.
    pub(super) fn take_overdue(&self, now: u64) -> bool {
        let expected = self.expected_wakeup.load(Ordering::Relaxed);
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        expected.saturating_add(OVERDUE_AFTER) <= now
            && self
                .expected_wakeup
                .compare_exchange(expected, NEVER, success, failure)
                .is_ok()
    }

    pub(super) fn set_expected_wakeup(&self, hard_deadline: u64) {
        self.expected_wakeup.store(hard_deadline, Ordering::Relaxed);
    }

    pub(super) fn lower_expected_wakeup(&self, hard_deadline: u64) {
        if hard_deadline < self.expected_wakeup.load(Ordering::Relaxed) {
            self.set_expected_wakeup(hard_deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overdue_driver_is_taken_once_and_not_before_the_limit() {
        let published = Published::new(0);
        published.set_expected_wakeup(1_000);
        assert!(!published.take_overdue(1_000));
        assert!(!published.take_overdue(1_000 + OVERDUE_AFTER - 1));
        assert!(published.take_overdue(1_000 + OVERDUE_AFTER));
        assert!(!published.take_overdue(1_000 + OVERDUE_AFTER));
        published.set_expected_wakeup(NEVER);
        assert!(!published.take_overdue(NEVER - 1));
    }

    #[test]
    fn slightly_smaller_lead_is_not_published() {
        let published = Published::new(800);
        for (lead, expected) in [(801, 801), (702, 801), (700, 700), (700, 700), (701, 701)] {
            published.set_lead(lead);
            assert_eq!(published.lead(), expected);
        }
    }
}
