//! Detects deadlines that lie closer together than the kernel can wake, so that their wake-ups are coalesced.
//! Pure. Numbers are nanoseconds.

/// The kernel as the detector sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    pub(super) median_lateness: u64,
    /// True if the driver arms an alarm for the wake-up after the next.
    pub(super) arms_ahead: bool,
}

/// Detects timers so dense that the driver would arm the next alarm as soon as the kernel has woken it,
/// again and again.
#[derive(Debug, Default)]
pub(super) struct CoalesceDetector {
    /// The timestamp of the last wake-up with due timers.
    last: u64,
    /// The number of close wake-ups in a row, up to [`STREAK`](Self::STREAK).
    streak: u32,
    active: bool,
}

impl CoalesceDetector {
    /// Coalescing starts after this many close wake-ups in a row, if as many upcoming deadlines are as close.
    const STREAK: u32 = 16;
    /// The cap on the lateness that is attributed to the kernel. A busy runtime may have caused the rest.
    const MAX_KERNEL_LATENESS: u64 = 100_000;
    /// The most slack that coalescing adds.
    const MAX_SLACK: u64 = 200_000;

    /// Records a wake-up at `now`. Returns the slack that timers get, or 0 if they need not coalesce.
    ///
    /// `any_due` is true if there were due timers. `due_within(n, time)` returns `true` if `n` more timers
    /// are due within `time`.
    ///
    /// The slack is three times the kernel's lateness. Wake-ups are then that far apart, and the median tick
    /// is late by half of it: little more than that of a lone timer.
    pub(super) fn update(
        &mut self,
        now: u64,
        any_due: bool,
        kernel: Kernel,
        mut due_within: impl FnMut(usize, u64) -> bool,
    ) -> u64 {
        let lateness = kernel.median_lateness.min(Self::MAX_KERNEL_LATENESS);
        // The gap that ends coalescing is much larger than the gap that starts it.
        let max_gap = if self.active {
            6 * lateness
        } else {
            lateness + lateness / 2
        };
        if any_due {
            let gap = now.saturating_sub(self.last);
            self.last = now;
            if gap > max_gap {
                self.streak = 0;
            } else if self.streak < Self::STREAK {
                self.streak += 1;
            }
        }
        let has_streak = self.streak == Self::STREAK && (any_due || self.active);
        self.active = has_streak
            && due_within(1, max_gap)
            && due_within(Self::STREAK as usize, u64::from(Self::STREAK) * max_gap);
        // A driver that does not arm ahead arms the next alarm when it wakes, and the kernel's lateness adds
        // to the gap once more.
        let factor = if kernel.arms_ahead { 3 } else { 2 };
        if self.active {
            (factor * lateness).min(Self::MAX_SLACK)
        } else {
            0
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.active
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KERNEL: Kernel = Kernel {
        median_lateness: 40_000,
        arms_ahead: true,
    };

    /// Answers `due_within` for `count` timers whose deadlines are `gap` apart.
    fn upcoming(count: usize, gap: u64) -> impl Fn(usize, u64) -> bool {
        move |n, time| count >= n && gap * n as u64 <= time
    }

    #[test]
    fn coalescing_begins_and_ends() {
        const STREAK: u32 = CoalesceDetector::STREAK;
        let mut detector = CoalesceDetector::default();
        let mut now = 0;
        let mut update = |gap, times, due_within: &dyn Fn(usize, u64) -> bool| {
            let mut slack = 0;
            for _ in 0..times {
                now += gap;
                slack = detector.update(now, true, KERNEL, due_within);
            }
            slack
        };
        let (dense, few) = (upcoming(1000, 10_000), upcoming(15, 10_000));
        let sparse = upcoming(1000, 61_000);
        assert_eq!(update(1_000_000, 100, &dense), 0, "wake-ups far apart");
        assert_eq!(update(45_000, 100, &few), 0, "few timers");
        assert_eq!(update(45_000, 100, &sparse), 0, "deadlines far apart");
        assert_eq!(update(1_000_000, 1, &dense), 0);
        assert_eq!(update(45_000, STREAK - 1, &dense), 0, "not yet");
        assert_eq!(update(45_000, 1, &upcoming(16, 60_000)), 120_000);
        assert_eq!(update(120_000, 100, &dense), 120_000, "coalesced wake-ups");
        assert_eq!(update(1_000_000, 1, &dense), 0, "ended by a gap");
        assert_eq!(update(100_000, 100, &dense), 0, "wake-ups 100 µs apart");
        assert_eq!(update(45_000, STREAK, &dense), 120_000);
        assert_eq!(update(120_000, 9, &upcoming(16, 240_000)), 120_000);
        assert_eq!(update(45_000, 1, &few), 0, "ended by removed timers");

        assert_eq!(update(45_000, STREAK, &dense), 120_000);
        let none = |_, _| false;
        let slack = detector.update(now, false, KERNEL, &dense);
        assert_eq!(slack, 120_000, "no timer is due");
        let slack = detector.update(now, false, KERNEL, none);
        assert_eq!(slack, 0, "ended by removed timers");
        let slack = detector.update(now, false, KERNEL, &dense);
        assert_eq!(slack, 0, "no timer is due");
        let one_alarm = Kernel {
            arms_ahead: false,
            ..KERNEL
        };
        let slack = detector.update(now, true, one_alarm, &dense);
        assert_eq!(slack, 80_000, "not armed ahead");
    }

    #[test]
    fn many_timers_due_at_one_distant_time_do_not_coalesce() {
        let mut detector = CoalesceDetector::default();
        let due_at_once = |_, time| time >= 900_000;
        for n in 0..100 {
            assert_eq!(detector.update(n * 45_000, true, KERNEL, due_at_once), 0);
        }
    }

    /// Counting upcoming deadlines takes time.
    #[test]
    fn upcoming_deadlines_are_counted_only_after_a_streak() {
        let mut detector = CoalesceDetector::default();
        let counted = |_, _| panic!("counted");
        for n in 0..100 {
            detector.update(n * 1_000_000, true, KERNEL, counted);
        }
        for n in 0..u64::from(CoalesceDetector::STREAK) - 1 {
            detector.update(100_000_000 + n, true, KERNEL, counted);
        }
    }

    proptest! {
        /// Even if a busy runtime is late by seconds.
        #[test]
        fn coalesce_slack_is_bounded(
            wakeups in prop::collection::vec(
                (0_u64..10_000_000, any::<u64>(), any::<[bool; 3]>()),
                0..500,
            ),
        ) {
            let mut detector = CoalesceDetector::default();
            let mut now = 0;
            for (gap, median_lateness, [any_due, arms_ahead, is_dense]) in wakeups {
                now += gap;
                let kernel = Kernel { median_lateness, arms_ahead };
                let slack = detector.update(now, any_due, kernel, |_, _| is_dense);
                prop_assert!(slack <= CoalesceDetector::MAX_SLACK);
                prop_assert!(slack == 0 || is_dense);
                prop_assert_eq!(slack > 0, detector.is_active() && median_lateness > 0);
            }
        }
    }
}
