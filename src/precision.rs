//! How much lead: when is the kernel asked to wake, when looked at the clock? Pure.

use std::fmt;
use std::time::Duration;

use crate::saturating::{FAR_FUTURE, nanos};

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
    /// As close as the operating system's timer gets. Among so many timers that their deadlines lie
    /// closer than the operating system can wake, they are woken in small groups, and each is later
    /// by a quarter of its period at the most, and by no more than 200 µs.
    #[default]
    Kernel,
    /// Closer: the operating system is asked a little early, and for the rest the task looks at the
    /// clock again and again. Between two looks, some microseconds apart, the runtime's other
    /// tasks and I/O have their turn.
    ///
    /// How early is lateness from how late the operating system wakes on this machine. What it
    /// costs is processor time: that much of it for each tick. Never early either.
    ///
    /// Where there is no native timer, and without the feature `os-native`, the operating system is
    /// late by a millisecond or more, and it takes a longer `spin_limit` than the usual 200 µs to
    /// make up for that.
    ///
    /// Timers of one thread that spin at the same time take turns of 3 µs, so that each may be late by
    /// a turn for every other. A tolerance has no effect.
    Spin,
}

/// What one timer wants of its driver. In nanoseconds, as it is asked for at every wait.
#[derive(Clone, Copy)]
pub(crate) struct TimerOptions {
    /// Its first bit is the precision: there are many of these.
    spin_limit: u64,
    tolerance: u64,
}

const SPINS: u64 = 1 << 63;

impl Default for TimerOptions {
    fn default() -> Self {
        Self {
            spin_limit: 200_000,
            tolerance: 0,
        }
    }
}

impl fmt::Debug for TimerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerOptions")
            .field("precision", &self.precision())
            .field("spin_limit", &self.spin_limit())
            .field("tolerance", &self.tolerance())
            .finish()
    }
}

impl TimerOptions {
    pub(crate) fn set_precision(&mut self, precision: Precision) {
        match precision {
            Precision::Kernel => self.spin_limit &= !SPINS,
            Precision::Spin => self.spin_limit |= SPINS,
        }
    }

    pub(crate) fn precision(&self) -> Precision {
        if self.spin_limit & SPINS == 0 {
            Precision::Kernel
        } else {
            Precision::Spin
        }
    }

    /// The longest that it may keep looking at the clock.
    pub(crate) fn set_spin_limit(&mut self, limit: Duration) {
        self.spin_limit = self.spin_limit & SPINS | nanos(limit.min(FAR_FUTURE));
    }

    pub(crate) fn spin_limit(&self) -> Duration {
        Duration::from_nanos(self.spin_limit & !SPINS)
    }

    /// How late it may be, to share a wake-up with another.
    pub(crate) fn set_tolerance(&mut self, tolerance: Duration) {
        self.tolerance = nanos(tolerance.min(FAR_FUTURE));
    }

    pub(crate) fn tolerance(&self) -> Duration {
        Duration::from_nanos(self.tolerance)
    }

    /// How late it may be before it counts as missed.
    pub(crate) fn missed_grace(&self) -> Duration {
        match self.precision() {
            Precision::Kernel => self.tolerance(),
            Precision::Spin => Duration::ZERO,
        }
    }

    /// How long before its deadline it wants to be woken, where the kernel is late by `lateness`, and
    /// it ticks every `period`: half of that belongs to others.
    pub(crate) fn lead(&self, lateness: u64, period: Duration) -> u64 {
        match self.precision() {
            Precision::Kernel => 0,
            Precision::Spin => lateness
                .min(self.spin_limit & !SPINS)
                .min(nanos(period) / 2),
        }
    }

    /// How much later than that the wake-up may be, where a coalesce_slack asks for `coalesce_slack`: of which one
    /// whose period is short takes no more than a quarter of that.
    pub(crate) fn slack(&self, coalesce_slack: u64, period: Duration) -> u64 {
        match self.precision() {
            Precision::Kernel if coalesce_slack <= self.tolerance => self.tolerance,
            Precision::Kernel => coalesce_slack.min(nanos(period) / 4).max(self.tolerance),
            Precision::Spin => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lead_never_exceeds_the_spin_limit_or_half_the_period(
            precision in prop_oneof![Just(Precision::Kernel), Just(Precision::Spin)],
            limit in any::<u64>(),
            lateness in any::<u64>(),
            period in any::<u64>(),
        ) {
            let mut options = TimerOptions::default();
            options.set_precision(precision);
            options.set_spin_limit(Duration::from_nanos(limit));
            let lead = options.lead(lateness, Duration::from_nanos(period));
            prop_assert!(lead <= limit && lead <= lateness && lead <= period / 2);
            prop_assert!(precision == Precision::Spin || lead == 0);
            prop_assert_eq!(options.spin_limit(), Duration::from_nanos(limit).min(FAR_FUTURE));
        }

        #[test]
        fn slack_never_exceeds_tolerance_or_coalesce_slack(
            precision in prop_oneof![Just(Precision::Kernel), Just(Precision::Spin)],
            tolerance in any::<u64>(),
            coalesce_slack in any::<u64>(),
            period in any::<u64>(),
        ) {
            let mut options = TimerOptions::default();
            options.set_precision(precision);
            options.set_tolerance(Duration::from_nanos(tolerance));
            let slack = options.slack(coalesce_slack, Duration::from_nanos(period));
            let tolerance = tolerance.min(nanos(FAR_FUTURE));
            prop_assert!(slack <= tolerance.max(coalesce_slack.min(period / 4)));
            prop_assert!(precision == Precision::Kernel || slack == 0);
            prop_assert!(precision == Precision::Spin || slack >= tolerance);
            prop_assert_eq!(options.tolerance(), Duration::from_nanos(tolerance));
        }

        /// Whatever of the three is the least, or of two the most, is what it gets.
        #[test]
        fn lead_and_slack_reach_their_limits(
            lateness in 0_u64..1_000_000,
            limit in 0_u64..1_000_000,
            tolerance in 0_u64..1_000_000,
            coalesce_slack in 0_u64..1_000_000,
            period in 1_u64..4_000_000,
        ) {
            let mut options = TimerOptions::default();
            options.set_spin_limit(Duration::from_nanos(limit));
            options.set_tolerance(Duration::from_nanos(tolerance));
            let ticks = Duration::from_nanos(period);
            prop_assert_eq!(options.slack(coalesce_slack, ticks), tolerance.max(coalesce_slack.min(period / 4)));
            prop_assert_eq!(options.missed_grace(), Duration::from_nanos(tolerance));
            options.set_precision(Precision::Spin);
            prop_assert_eq!(options.lead(lateness, ticks), lateness.min(limit).min(period / 2));
            prop_assert_eq!(options.missed_grace(), Duration::ZERO);
        }
    }

    #[test]
    fn debug_prints_durations() {
        let shown = format!("{:?}", TimerOptions::default());
        assert_eq!(
            shown,
            "TimerOptions { precision: Kernel, spin_limit: 200µs, tolerance: 0ns }"
        );
    }
}
