//! What a timer needs to know of its driver's state, without its lock. Numbers are nanoseconds.

use std::time::Duration;

use super::shard::NEVER;
use crate::saturating::nanos;
use crate::sync::{AtomicU64, Ordering, unchecked};
use crate::sys::Alarm;

/// Written under the driver's lock, and read without it: as seldom as can be.
#[derive(Debug)]
pub(super) struct Published {
    /// How long before its deadline a timer that spins is to be woken.
    lead: unchecked::AtomicU64,
    /// How much slack the timers of a crowd are threads_assigned.
    coalesce_slack: unchecked::AtomicU64,
    is_coalescing: unchecked::AtomicBool,
    /// No later than this an alarm fires, or its event is on its way.
    armed: AtomicU64,
    /// By when the driver should have been woken again.
    due: unchecked::AtomicU64,
    /// Whether there is an alarm to be set ahead.
    ahead: unchecked::AtomicBool,
    /// Whether an alarm that is left armed does harm now.
    is_exact: unchecked::AtomicBool,
    /// Whether the driver hears of the end of its runtime, whoever waits.
    hears_shutdown: unchecked::AtomicBool,
}

/// A driver that is late by less is not overdue. The kernel is late by some of that itself, and its event on its
/// way: whoever passed by before it would set an alarm again for the few that are due, and a crowd would do little
/// else. 100 µs.
const GRACE: u64 = 100_000;

/// No driver is later than that, or all its timers are.
pub(super) const FAR_AFTER_ARMED: Duration = Duration::from_millis(10);

impl Published {
    pub(super) fn new(lead: u64) -> Self {
        Self {
            lead: unchecked::AtomicU64::new(lead),
            coalesce_slack: unchecked::AtomicU64::new(0),
            is_coalescing: unchecked::AtomicBool::new(false),
            armed: AtomicU64::new(NEVER),
            due: unchecked::AtomicU64::new(NEVER),
            ahead: unchecked::AtomicBool::new(false),
            is_exact: unchecked::AtomicBool::new(false),
            hears_shutdown: unchecked::AtomicBool::new(Alarm::OUTLIVES_TIMERS),
        }
    }

    pub(super) fn lead(&self) -> u64 {
        self.lead.load(Ordering::Relaxed)
    }

    /// What is a little less is not told: alarms that were armed ahead would have to be armed anew.
    pub(super) fn set_lead(&self, lead: u64) {
        let told = self.lead();
        if lead > told || lead < told - told / 8 {
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

    /// Whether what is due then has to see to it that an alarm is set.
    ///
    /// It asks after it has made that known, with a fence between; and what may leave an alarm to fire later
    /// than it would have [says so](Self::clear_armed) before it looks at what is known. So one of them
    /// sees the other. Who only arms for what is earlier need not say so.
    pub(super) fn must_arm(&self, hard_deadline: u64) -> bool {
        hard_deadline < self.armed.load(Ordering::Relaxed)
    }

    /// Whether what is due then has not passed, unless the driver is late by more than anybody is.
    pub(super) fn is_far_after_armed(&self, moment: u64) -> bool {
        let armed = self.armed.load(Ordering::Relaxed);
        moment.saturating_sub(nanos(FAR_AFTER_ARMED)) > armed
    }

    /// Until [`set_armed`](Self::set_armed) everyone has to see to it that an alarm is set.
    pub(super) fn clear_armed(&self) {
        self.armed.store(NEVER, Ordering::Relaxed);
    }

    pub(super) fn set_armed(&self, armed: Option<u64>, ahead: bool) {
        self.armed.store(armed.unwrap_or(NEVER), Ordering::Relaxed);
        if ahead != self.can_arm_ahead() {
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }

    pub(super) fn can_arm_ahead(&self) -> bool {
        self.ahead.load(Ordering::Relaxed)
    }

    pub(super) fn hears_shutdown(&self) -> bool {
        self.hears_shutdown.load(Ordering::Relaxed)
    }

    /// Returns whether it no longer does.
    pub(super) fn set_hears_shutdown(&self, hears_shutdown: bool) -> bool {
        let listened = self.hears_shutdown();
        if hears_shutdown != listened {
            self.hears_shutdown.store(hears_shutdown, Ordering::Relaxed);
        }
        listened && !hears_shutdown
    }

    pub(super) fn is_exact(&self) -> bool {
        self.is_exact.load(Ordering::Relaxed)
    }

    pub(super) fn set_exact(&self, is_exact: bool) {
        if is_exact != self.is_exact() {
            self.is_exact.store(is_exact, Ordering::Relaxed);
        }
    }

    /// Whether the driver should have been woken [`GRACE`] ago, and has not been. Only one is told so.
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        due.saturating_add(GRACE) <= now
            && self
                .due
                .compare_exchange(due, NEVER, success, failure)
                .is_ok()
    }

    pub(super) fn set_due(&self, due: u64) {
        self.due.store(due, Ordering::Relaxed);
    }

    pub(super) fn lower_due(&self, hard_deadline: u64) {
        if hard_deadline < self.due.load(Ordering::Relaxed) {
            self.set_due(hard_deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_that_the_driver_is_overdue_and_nobody_before_it_is() {
        let published = Published::new(0);
        published.set_due(1_000);
        assert!(!published.is_overdue(1_000) && !published.is_overdue(1_000 + GRACE - 1));
        assert!(published.is_overdue(1_000 + GRACE) && !published.is_overdue(1_000 + GRACE));
        published.set_due(NEVER);
        assert!(!published.is_overdue(NEVER - 1));
    }

    #[test]
    fn a_lead_that_is_a_little_less_is_not_told() {
        let published = Published::new(800);
        for (lead, told) in [(801, 801), (702, 801), (700, 700), (700, 700), (701, 701)] {
            published.set_lead(lead);
            assert_eq!(published.lead(), told);
        }
    }
}
