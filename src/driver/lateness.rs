//! How late the kernel wakes the driver: estimates learned from its wake-ups. Pure. Numbers are nanoseconds.

/// Estimates of the kernel's lateness.
#[derive(Debug)]
pub(crate) struct Lateness {
    median: u64,
    p99: u64,
}

impl Lateness {
    /// Both estimates stay within these bounds.
    const MIN: u64 = 2_000;
    const MAX: u64 = 10_000_000;
    /// The 99th percentile is not raised beyond this many medians. Lateness above that is not the kernel's.
    /// Waking earlier for it would cost each tick more than it saves one in a hundred.
    const MAX_P99_TO_MEDIAN: u64 = 5;

    pub(super) fn new() -> Self {
        Self {
            median: 40_000,
            p99: 100_000,
        }
    }

    /// Returns an estimate of the median.
    pub(crate) fn median(&self) -> u64 {
        self.median
    }

    /// Returns an estimate of the 99th percentile. It is not raised beyond
    /// [`MAX_P99_TO_MEDIAN`](Self::MAX_P99_TO_MEDIAN) medians.
    pub(crate) fn p99(&self) -> u64 {
        self.p99
    }

    pub(super) fn record(&mut self, lateness: u64) {
        self.median = Self::step_quantile(self.median, lateness, 1);
        let cap = self.median * Self::MAX_P99_TO_MEDIAN;
        self.p99 = if self.p99 > cap {
            Self::step_quantile(self.p99, 0, 4)
        } else {
            Self::step_quantile(self.p99, lateness, 99)
        };
    }

    /// Moves `estimate` one step toward a quantile: up by a step if the sample is later, else down by a
    /// `fall`th of a step.
    ///
    /// Converges to the value that one sample in `fall + 1` exceeds. Steps are proportional to the estimate, so
    /// that it converges from any starting value.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn estimates_stay_within_their_bounds(
            samples in prop::collection::vec(any::<u64>(), 0..2000),
        ) {
            let bounds = Lateness::MIN..=Lateness::MAX;
            let mut lateness = Lateness::new();
            for sample in samples {
                lateness.record(sample);
                prop_assert!(bounds.contains(&lateness.median()) && bounds.contains(&lateness.p99()));
            }
        }

        /// And the 99th percentile is raised only up to its cap.
        #[test]
        fn only_later_samples_raise_an_estimate(
            samples in prop::collection::vec(2_500_u64..1_000_000, 0..100),
            last in prop_oneof![3 => (2_500_u64..1_000_000).prop_map(Some), 1 => Just(None)],
        ) {
            let mut lateness = Lateness::new();
            for sample in samples {
                lateness.record(sample);
            }
            for (estimate, max_medians) in [
                (Lateness::median as fn(&Lateness) -> u64, u64::MAX),
                (Lateness::p99, Lateness::MAX_P99_TO_MEDIAN),
            ] {
                let before = estimate(&lateness);
                let sample = last.unwrap_or(before);
                lateness.record(sample);
                let is_below_cap = before <= max_medians.saturating_mul(lateness.median());
                prop_assert_eq!(estimate(&lateness) > before, sample > before && is_below_cap);
                prop_assert_eq!(estimate(&lateness) < before, sample <= before || !is_below_cap);
            }
        }

        /// `p99` ends up above nearly all samples and not far above any, and `median` in their middle.
        #[test]
        fn estimates_converge_to_their_percentiles(
            typical in 4_000_u64..2_000_000,
            spread in 10_u64..100,
        ) {
            let width = typical * spread / 100;
            let sample = |n: u64| typical + (n * 7919) % (width + 1);
            let mut lateness = Lateness::new();
            for n in 0..10_000 {
                lateness.record(sample(n));
            }
            let (mut above_p99, mut above_median) = (0, 0);
            for n in 10_000..12_000 {
                above_p99 += u32::from(sample(n) > lateness.p99());
                above_median += u32::from(sample(n) > lateness.median());
                lateness.record(sample(n));
            }
            prop_assert!(above_p99 <= 100, "{above_p99} of 2000");
            prop_assert!((800..1200).contains(&above_median), "{above_median} of 2000");
            prop_assert!(lateness.p99() <= (typical + width) * 12 / 10);
        }
    }

    /// One wake-up in twenty is later than five medians. Waking early enough for those would cost all others
    /// more.
    #[test]
    fn p99_is_capped_at_five_medians() {
        let mut lateness = Lateness::new();
        let sample = |n: u64| if n % 20 == 0 { 2_000_000 } else { 30_000 };
        for n in 0..10_000 {
            lateness.record(sample(n));
        }
        let cap = Lateness::MAX_P99_TO_MEDIAN * 30_000;
        let (median, p99) = (lateness.median(), lateness.p99());
        assert!((cap / 2..cap * 12 / 10).contains(&p99), "{p99}");
        assert!((25_000..35_000).contains(&median), "{median}");
    }
}
