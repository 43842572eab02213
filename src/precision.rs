//! How much lead: when is the kernel asked to wake, when looked at the clock? Pure.

use std::time::Duration;

/// How close to its deadline a timer fires.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_osinterval::{OsInterval, Precision};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut interval = OsInterval::builder(Duration::from_millis(1))
///     .precision(Precision::Spin)
///     .build()?;
/// for _ in 0..3 {
///     let deadline = interval.tick().await;
///     println!("late by {:?}", deadline.elapsed());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Precision {
    /// As close as the operating system's timer gets.
    #[default]
    Kernel,
    /// Closer: the operating system is asked a little early, and for the rest the task looks at the
    /// clock again and again. Between two looks, some microseconds apart, the runtime's other
    /// tasks and I/O have their turn.
    ///
    /// How early is learned from how late the operating system wakes on this machine. What it
    /// costs is processor time: that much of it for each tick. Never early either.
    ///
    /// A tolerance has no effect with it.
    Spin,
}

/// What one timer wants of its driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) precision: Precision,
    /// The longest that it may keep looking at the clock.
    pub(crate) spin_limit: Duration,
    /// How late it may be, to share a wake-up with another.
    pub(crate) tolerance: Duration,
}

impl Default for Aim {
    fn default() -> Self {
        Self {
            precision: Precision::default(),
            spin_limit: Duration::from_micros(200),
            tolerance: Duration::ZERO,
        }
    }
}

impl Aim {
    /// How long before its deadline it wants to be woken.
    pub(crate) fn lead(&self, learned: Duration) -> Duration {
        match self.precision {
            Precision::Kernel => Duration::ZERO,
            Precision::Spin => learned.min(self.spin_limit),
        }
    }

    /// How much later than that the wake-up may be.
    pub(crate) fn slack(&self) -> Duration {
        match self.precision {
            Precision::Kernel => self.tolerance,
            Precision::Spin => Duration::ZERO,
        }
    }
}

/// How late the operating system wakes: an estimate of the 95th percentile, in nanoseconds.
///
/// Each wake-up that was later than the estimate raises it by a step, and each other lowers it by a
/// twentieth of that: it stands still where one in twenty is later. The step is in proportion, so
/// that it finds its way from any machine to any other.
#[derive(Debug)]
pub(crate) struct Lead(u64);

impl Lead {
    /// Neither grows out of the bounds.
    const LEAST: u64 = 2_000;
    const MOST: u64 = 10_000_000;

    pub(crate) fn new() -> Self {
        Self(50_000)
    }

    pub(crate) fn nanos(&self) -> u64 {
        self.0
    }

    pub(crate) fn learn(&mut self, lateness: Duration) {
        let step = self.0 / 13;
        let next = if lateness.as_nanos() > u128::from(self.0) {
            self.0 + step
        } else {
            self.0 - step / 20
        };
        self.0 = next.clamp(Self::LEAST, Self::MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_lead_is_bounded(lateness in prop::collection::vec(any::<u64>(), 0..2000)) {
            let mut lead = Lead::new();
            for nanos in lateness {
                lead.learn(Duration::from_nanos(nanos));
                prop_assert!((Lead::LEAST..=Lead::MOST).contains(&lead.nanos()));
            }
        }

        #[test]
        fn it_never_asks_for_more_than_the_limit(
            precision in prop_oneof![Just(Precision::Kernel), Just(Precision::Spin)],
            limit in any::<u64>(),
            learned in any::<u64>(),
        ) {
            let [limit, learned] = [limit, learned].map(Duration::from_nanos);
            let aim = Aim { precision, spin_limit: limit, ..Aim::default() };
            let lead = aim.lead(learned);
            prop_assert!(lead <= limit && lead <= learned);
            prop_assert!(precision == Precision::Spin || lead.is_zero());
        }

        /// Wherever wake-ups lie, it ends up above most of them, and not far above all.
        #[test]
        fn it_finds_the_late_ones(typical in 4_000_u64..2_000_000, spread in 1_u64..100) {
            let mut lead = Lead::new();
            let late = |n: u64| typical + (n * 7919) % (typical * spread / 100 + 1);
            for n in 0..5000 {
                lead.learn(Duration::from_nanos(late(n)));
            }
            let mut above = 0;
            for n in 5000..6000 {
                above += u32::from(late(n) > lead.nanos());
                lead.learn(Duration::from_nanos(late(n)));
            }
            prop_assert!(above <= 150, "{above} of 1000 later than the lead");
            prop_assert!(lead.nanos() <= (typical + typical * spread / 100) * 12 / 10);
        }
    }
}
