//! What a driver learns from its own wake-ups about the machine it runs on. Pure: numbers are
//! nanoseconds.

/// How late the kernel wakes.
#[derive(Debug)]
pub(super) struct Lateness {
    usual: u64,
    most: u64,
}

impl Lateness {
    /// Neither estimate leaves these bounds.
    const LEAST: u64 = 2_000;
    const MOST: u64 = 10_000_000;

    pub(super) fn new() -> Self {
        Self {
            usual: 40_000,
            most: 100_000,
        }
    }

    /// An estimate of the median.
    pub(super) fn usual(&self) -> u64 {
        self.usual
    }

    /// An estimate of the 95th percentile.
    pub(super) fn most(&self) -> u64 {
        self.most
    }

    pub(super) fn learn(&mut self, lateness: u64) {
        self.usual = Self::toward(self.usual, lateness, 1);
        self.most = Self::toward(self.most, lateness, 20);
    }

    /// Each wake-up that was later than the estimate raises it by a step, and each other lowers it
    /// by one `fall`th of that: it stands still where one in `fall + 1` is later. The step is in
    /// proportion, so that it finds its way from any machine to any other.
    fn toward(estimate: u64, lateness: u64, fall: u64) -> u64 {
        let step = estimate / 13;
        let next = if lateness > estimate {
            estimate + step
        } else {
            estimate - step / fall
        };
        next.clamp(Self::LEAST, Self::MOST)
    }
}

/// Whether timers are so many that the kernel, which is late by some time whatever it is asked for,
/// is asked for the next as soon as it has woken, again and again.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    last: u64,
    close: u32,
    dense: bool,
}

impl Crowd {
    /// After so many wake-ups one close upon the other it is a crowd; and of fewer timers there is
    /// none.
    const MANY: u32 = 16;
    const LEAST: usize = 16;
    /// The kernel's part of a lateness that a busy runtime may have added to.
    const KERNELS: u64 = 100_000;

    /// Woken at `now`, when so many are `waiting`; the kernel is late by `usual`. Returns how much
    /// later the timers of a crowd may be woken, so as to be woken together. Wake-ups are then three
    /// times as far apart as the kernel is late, and in the median a tick is half of that late,
    /// little more than a lone one.
    pub(super) fn woken(&mut self, now: u64, usual: u64, waiting: usize) -> u64 {
        let usual = usual.min(Self::KERNELS);
        let apart = now.saturating_sub(self.last);
        self.last = now;
        if waiting < Self::LEAST {
            (self.close, self.dense) = (0, false);
        } else if self.dense {
            self.dense = apart <= 6 * usual;
        } else if apart <= usual + usual / 2 {
            self.close += 1;
            self.dense = self.close >= Self::MANY;
        } else {
            self.close = 0;
        }
        if self.dense { 2 * usual } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_estimates_are_bounded(lateness in prop::collection::vec(any::<u64>(), 0..2000)) {
            let bounds = Lateness::LEAST..=Lateness::MOST;
            let mut late = Lateness::new();
            for nanos in lateness {
                late.learn(nanos);
                prop_assert!(bounds.contains(&late.usual()) && bounds.contains(&late.most()));
            }
        }

        #[test]
        fn what_is_later_raises_an_estimate_and_nothing_else_does(
            lateness in prop::collection::vec(2_500_u64..1_000_000, 0..100),
            last in prop_oneof![3 => (2_500_u64..1_000_000).prop_map(Some), 1 => Just(None)],
        ) {
            let mut late = Lateness::new();
            for nanos in lateness {
                late.learn(nanos);
            }
            for estimate in [Lateness::usual, Lateness::most] {
                let before = estimate(&late);
                let nanos = last.unwrap_or(before);
                late.learn(nanos);
                prop_assert_eq!(estimate(&late) > before, nanos > before);
                prop_assert_eq!(estimate(&late) < before, nanos <= before);
            }
        }

        /// Wherever wake-ups lie, `most` ends up above nearly all of them and not far above any, and
        /// `usual` among them.
        #[test]
        fn they_find_their_percentiles(typical in 4_000_u64..2_000_000, spread in 10_u64..100) {
            let width = typical * spread / 100;
            let lateness = |n: u64| typical + (n * 7919) % (width + 1);
            let mut late = Lateness::new();
            for n in 0..5000 {
                late.learn(lateness(n));
            }
            let (mut above_most, mut above_usual) = (0, 0);
            for n in 5000..7000 {
                above_most += u32::from(lateness(n) > late.most());
                above_usual += u32::from(lateness(n) > late.usual());
                late.learn(lateness(n));
            }
            prop_assert!(above_most <= 300, "{above_most} of 2000");
            prop_assert!((800..1200).contains(&above_usual), "{above_usual} of 2000");
            prop_assert!(late.most() <= (typical + width) * 12 / 10);
        }
    }

    #[test]
    fn a_crowd_begins_and_ends() {
        let mut crowd = Crowd::default();
        let mut now = 0;
        let mut woken = |apart, times, waiting| {
            let mut slack = 0;
            for _ in 0..times {
                now += apart;
                slack = crowd.woken(now, 40_000, waiting);
            }
            slack
        };
        assert_eq!(woken(1_000_000, 100, 1000), 0, "a millisecond apart");
        assert_eq!(woken(45_000, 100, Crowd::LEAST - 1), 0, "a few");
        assert_eq!(woken(45_000, Crowd::MANY - 1, Crowd::LEAST), 0, "not yet");
        assert_eq!(woken(45_000, 1, Crowd::LEAST), 80_000);
        assert_eq!(woken(130_000, 100, 1000), 80_000, "together, further apart");
        assert_eq!(woken(1_000_000, 1, 1000), 0, "over");
        assert_eq!(
            woken(100_000, 100, 1000),
            0,
            "a tenth of a millisecond apart"
        );
        assert_eq!(woken(45_000, Crowd::MANY, 1000), 80_000);
        assert_eq!(woken(45_000, 1, 2), 0, "they have gone");
    }

    proptest! {
        /// Not even a runtime that is busy for seconds on end makes it ask for much.
        #[test]
        fn a_crowd_asks_for_little(
            wakings in prop::collection::vec((0_u64..10_000_000, any::<u64>(), 0_usize..100), 0..500),
        ) {
            let mut crowd = Crowd::default();
            let mut now = 0;
            for (apart, usual, waiting) in wakings {
                now += apart;
                let slack = crowd.woken(now, usual, waiting);
                prop_assert!(slack <= 2 * Crowd::KERNELS);
                prop_assert!(slack == 0 || waiting >= Crowd::LEAST);
            }
        }
    }
}
