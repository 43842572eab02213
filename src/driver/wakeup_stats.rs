//! What a driver learns from its own wake-ups about the machine it runs on. Pure: numbers are
//! nanoseconds.

/// How late the kernel wakes.
#[derive(Debug)]
pub(crate) struct Lateness {
    median: u64,
    p99: u64,
}

impl Lateness {
    /// Neither estimate leaves these bounds.
    const MIN: u64 = 2_000;
    const MAX: u64 = 10_000_000;
    /// So many times the median may be spent on being woken before the deadline. What is later still
    /// is not the kernel's doing, and would cost each tick more than it saves one in a hundred.
    const MAX_P99_TO_MEDIAN: u64 = 5;

    pub(super) fn new() -> Self {
        Self {
            median: 40_000,
            p99: 100_000,
        }
    }

    /// An estimate of the median.
    pub(crate) fn median(&self) -> u64 {
        self.median
    }

    /// An estimate of the 99th percentile, or of as much of it as is worth its price.
    pub(crate) fn p99(&self) -> u64 {
        self.p99
    }

    pub(super) fn record(&mut self, lateness: u64) {
        self.median = Self::step_quantile(self.median, lateness, 1);
        let worth = self.median * Self::MAX_P99_TO_MEDIAN;
        self.p99 = if self.p99 > worth {
            Self::step_quantile(self.p99, 0, 4)
        } else {
            Self::step_quantile(self.p99, lateness, 99)
        };
    }

    /// Each wake-up that was later than the estimate raises it by a step, and each other lowers it
    /// by one `fall`th of that: it stands still where one in `fall + 1` is later. The step is in
    /// proportion, so that it finds its way from any machine to any other.
    fn step_quantile(estimate: u64, lateness: u64, fall: u64) -> u64 {
        let step = estimate / 13;
        let next = if lateness > estimate {
            estimate + step
        } else {
            estimate - step / fall
        };
        next.clamp(Self::MIN, Self::MAX)
    }
}

/// What a detector has to know of its kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelLateness {
    /// How late it is.
    pub(super) median: u64,
    /// Whether it is asked ahead.
    pub(super) is_ahead: bool,
}

/// Whether timers are so active that the kernel, which is late by some time whatever it is asked for,
/// is asked for the next as soon as it has woken, again and again.
#[derive(Debug, Default)]
pub(super) struct CoalesceDetector {
    last: u64,
    close_wakeups: u32,
    active: bool,
}

impl CoalesceDetector {
    /// After so many wake-ups one close_wakeups upon the other it is a detector, if as many more are to come as
    /// close_wakeups.
    const WAKEUPS: u32 = 16;
    /// The kernel's part of a lateness that a busy runtime may have added to.
    const MAX_KERNEL_LATENESS: u64 = 100_000;
    /// The p99 that anyone is made to wait.
    const MAX: u64 = 200_000;

    /// Woken at `now`, if for `anybody`; `close_wakeups` tells whether so many more are due within some time.
    /// Returns how much later the timers of a detector may be woken, so as to be woken together: three times
    /// as late as the kernel is. So far apart are the wake-ups then, and in the median a tick is half of
    /// that late, little more than a lone one.
    pub(super) fn woken(
        &mut self,
        now: u64,
        anybody: bool,
        kernel: KernelLateness,
        mut close_wakeups: impl FnMut(usize, u64) -> bool,
    ) -> u64 {
        let median = kernel.median.min(Self::MAX_KERNEL_LATENESS);
        // It ends when they are much further apart than where it begins.
        let far = if self.active {
            6 * median
        } else {
            median + median / 2
        };
        if anybody {
            let apart = now.saturating_sub(self.last);
            self.last = now;
            if apart > far {
                self.close_wakeups = 0;
            } else if self.close_wakeups < Self::WAKEUPS {
                self.close_wakeups += 1;
            }
        }
        let begins_or_goes_on = self.close_wakeups == Self::WAKEUPS && (anybody || self.active);
        self.active = begins_or_goes_on
            && close_wakeups(1, far)
            && close_wakeups(Self::WAKEUPS as usize, u64::from(Self::WAKEUPS) * far);
        // The next is asked for when the driver wakes, if it has not been asked for ahead: as late as the
        // kernel is once more.
        let times = if kernel.is_ahead { 3 } else { 2 };
        if self.active {
            (times * median).min(Self::MAX)
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

    proptest! {
        #[test]
        fn the_estimates_are_bounded(lateness in prop::collection::vec(any::<u64>(), 0..2000)) {
            let bounds = Lateness::MIN..=Lateness::MAX;
            let mut late = Lateness::new();
            for nanos in lateness {
                late.record(nanos);
                prop_assert!(bounds.contains(&late.median()) && bounds.contains(&late.p99()));
            }
        }

        /// And of what is not the kernel's doing no more than is worth its price.
        #[test]
        fn what_is_later_raises_an_estimate_and_nothing_else_does(
            lateness in prop::collection::vec(2_500_u64..1_000_000, 0..100),
            last in prop_oneof![3 => (2_500_u64..1_000_000).prop_map(Some), 1 => Just(None)],
        ) {
            let mut late = Lateness::new();
            for nanos in lateness {
                late.record(nanos);
            }
            for (estimate, worth) in [
                (Lateness::median as fn(&Lateness) -> u64, u64::MAX),
                (Lateness::p99, Lateness::MAX_P99_TO_MEDIAN),
            ] {
                let before = estimate(&late);
                let nanos = last.unwrap_or(before);
                late.record(nanos);
                let is_worth = before <= worth.saturating_mul(late.median());
                prop_assert_eq!(estimate(&late) > before, nanos > before && is_worth);
                prop_assert_eq!(estimate(&late) < before, nanos <= before || !is_worth);
            }
        }

        /// Wherever wake-ups lie, `p99` ends up above nearly all of them and not far above any, and
        /// `median` among them.
        #[test]
        fn they_find_their_percentiles(typical in 4_000_u64..2_000_000, spread in 10_u64..100) {
            let width = typical * spread / 100;
            let lateness = |n: u64| typical + (n * 7919) % (width + 1);
            let mut late = Lateness::new();
            for n in 0..10_000 {
                late.record(lateness(n));
            }
            let (mut above_most, mut above_usual) = (0, 0);
            for n in 10_000..12_000 {
                above_most += u32::from(lateness(n) > late.p99());
                above_usual += u32::from(lateness(n) > late.median());
                late.record(lateness(n));
            }
            prop_assert!(above_most <= 100, "{above_most} of 2000");
            prop_assert!((800..1200).contains(&above_usual), "{above_usual} of 2000");
            prop_assert!(late.p99() <= (typical + width) * 12 / 10);
        }
    }

    /// A few wake-ups in a hundred are later than five times what is median: to be in time for those
    /// would cost all others more.
    #[test]
    fn the_99th_percentile_is_not_learned_beyond_what_it_is_worth() {
        let mut late = Lateness::new();
        let lateness = |n: u64| if n % 20 == 0 { 2_000_000 } else { 30_000 };
        for n in 0..10_000 {
            late.record(lateness(n));
        }
        let p99 = Lateness::MAX_P99_TO_MEDIAN * 30_000;
        assert!(
            (p99 / 2..p99 * 12 / 10).contains(&late.p99()),
            "{}",
            late.p99()
        );
        assert!(
            (25_000..35_000).contains(&late.median()),
            "{}",
            late.median()
        );
    }

    /// What there is to come, as a detector asks for it: so many, `apart` from each other.
    fn coming(count: usize, apart: u64) -> impl Fn(usize, u64) -> bool {
        move |many, within| count >= many && apart * many as u64 <= within
    }

    #[test]
    fn a_crowd_begins_and_ends() {
        const WAKEUPS: u32 = CoalesceDetector::WAKEUPS;
        let mut detector = CoalesceDetector::default();
        let mut now = 0;
        let kernel = KernelLateness {
            median: 40_000,
            is_ahead: true,
        };
        let mut woken = |apart, times, coming: &dyn Fn(usize, u64) -> bool| {
            let mut slack = 0;
            for _ in 0..times {
                now += apart;
                slack = detector.woken(now, true, kernel, coming);
            }
            slack
        };
        let (active, few) = (coming(1000, 10_000), coming(15, 10_000));
        let sparse = coming(1000, 61_000);
        assert_eq!(woken(1_000_000, 100, &active), 0, "a millisecond apart");
        assert_eq!(woken(45_000, 100, &few), 0, "a few");
        assert_eq!(woken(45_000, 100, &sparse), 0, "the others are far off");
        assert_eq!(woken(1_000_000, 1, &active), 0);
        assert_eq!(woken(45_000, WAKEUPS - 1, &active), 0, "not yet");
        assert_eq!(woken(45_000, 1, &coming(16, 60_000)), 120_000);
        assert_eq!(
            woken(120_000, 100, &active),
            120_000,
            "together, further apart"
        );
        assert_eq!(woken(1_000_000, 1, &active), 0, "over");
        assert_eq!(
            woken(100_000, 100, &active),
            0,
            "a tenth of a millisecond apart"
        );
        assert_eq!(woken(45_000, WAKEUPS, &active), 120_000);
        assert_eq!(woken(120_000, 9, &coming(16, 240_000)), 120_000);
        assert_eq!(woken(45_000, 1, &few), 0, "they have gone");

        assert_eq!(woken(45_000, WAKEUPS, &active), 120_000);
        let none = |_, _| false;
        assert_eq!(
            detector.woken(now, false, kernel, &active),
            120_000,
            "for nobody"
        );
        assert_eq!(
            detector.woken(now, false, kernel, none),
            0,
            "they have gone"
        );
        assert_eq!(detector.woken(now, false, kernel, &active), 0, "for nobody");
        let kernel = KernelLateness {
            is_ahead: false,
            ..kernel
        };
        assert_eq!(
            detector.woken(now, true, kernel, &active),
            80_000,
            "asked late"
        );
    }

    /// Many that are due at one moment, which is far off, are no detector.
    #[test]
    fn what_is_far_off_at_one_moment_is_no_crowd() {
        let mut detector = CoalesceDetector::default();
        let kernel = KernelLateness {
            median: 40_000,
            is_ahead: true,
        };
        let at_once = |_, within| within >= 900_000;
        for n in 0..100 {
            assert_eq!(detector.woken(n * 45_000, true, kernel, at_once), 0);
        }
    }

    /// To look at what is to come takes time.
    #[test]
    fn what_is_behind_many_is_not_looked_for() {
        let mut detector = CoalesceDetector::default();
        let kernel = KernelLateness {
            median: 40_000,
            is_ahead: true,
        };
        for n in 0..100 {
            detector.woken(n * 1_000_000, true, kernel, |_, _| panic!("it looked"));
        }
        for n in 0..u64::from(CoalesceDetector::WAKEUPS) - 1 {
            detector.woken(100_000_000 + n, true, kernel, |_, _| panic!("it looked"));
        }
    }

    proptest! {
        /// Not even a runtime that is busy for seconds on end makes it ask for much.
        #[test]
        fn a_crowd_asks_for_little(
            wakings in prop::collection::vec(
                (0_u64..10_000_000, any::<u64>(), any::<[bool; 3]>()),
                0..500,
            ),
        ) {
            let mut detector = CoalesceDetector::default();
            let mut now = 0;
            for (apart, median, [anybody, is_ahead, close_wakeups]) in wakings {
                now += apart;
                let kernel = KernelLateness { median, is_ahead };
                let slack = detector.woken(now, anybody, kernel, |_, _| close_wakeups);
                prop_assert!(slack <= CoalesceDetector::MAX);
                prop_assert!(slack == 0 || close_wakeups);
                prop_assert_eq!(slack > 0, detector.is_active() && median > 0);
            }
        }
    }
}
