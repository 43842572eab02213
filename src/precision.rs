//! Precision, and the other options of a timer: how early the kernel is asked to wake it, and how late it may
//! be. Pure.

use std::fmt;
use std::time::Duration;

use crate::saturating::{FAR_FUTURE, nanos};

/// How close to its deadline a timer fires.
///
/// A timer never fires early, with either precision.
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
    /// Fires as close to the deadline as the operating system's timer does.
    ///
    /// Many timers can have deadlines that are closer together than the operating system can wake. The
    /// timers are then woken in small groups. This delays each of them by at most a quarter of its period,
    /// and by at most 200 µs.
    #[default]
    Kernel,
    /// Fires closer to the deadline, at the price of processor time.
    ///
    /// The operating system wakes the task a little early. The task then spins: it reads the clock again
    /// and again until the deadline. Every few microseconds it yields, so that the runtime's other tasks
    /// and its I/O make progress.
    ///
    /// How early the task is woken is learned from how late the operating system wakes on this machine.
    /// Each tick costs that much processor time. A tolerance has no effect.
    ///
    /// Where there is no native timer, and without the feature `os-native`, the operating system is late
    /// by a millisecond or more. To make up for that, set a `spin_limit` longer than the default of 200 µs.
    ///
    /// Timers that spin on one thread at the same time take turns of 3 µs. Each may be late by one turn for
    /// every other.
    Spin,
}

/// The options of one timer. In nanoseconds, because every wait reads them.
#[derive(Clone, Copy)]
pub(crate) struct TimerOptions {
    /// The highest bit is the precision, to save memory.
    spin_limit: u64,
    tolerance: u64,
}

/// The bit of [`Precision::Spin`].
const SPIN_FLAG: u64 = 1 << 63;

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
            Precision::Kernel => self.spin_limit &= !SPIN_FLAG,
            Precision::Spin => self.spin_limit |= SPIN_FLAG,
        }
    }

    pub(crate) fn precision(&self) -> Precision {
        if self.spin_limit & SPIN_FLAG == 0 {
            Precision::Kernel
        } else {
            Precision::Spin
        }
    }

    /// Sets how long the timer may spin before a deadline.
    pub(crate) fn set_spin_limit(&mut self, limit: Duration) {
        self.spin_limit = self.spin_limit & SPIN_FLAG | nanos(limit.min(FAR_FUTURE));
    }

    pub(crate) fn spin_limit(&self) -> Duration {
        Duration::from_nanos(self.spin_limit & !SPIN_FLAG)
    }

    /// Sets how late the timer may be in order to share a wake-up.
    pub(crate) fn set_tolerance(&mut self, tolerance: Duration) {
        self.tolerance = nanos(tolerance.min(FAR_FUTURE));
    }

    pub(crate) fn tolerance(&self) -> Duration {
        Duration::from_nanos(self.tolerance)
    }

    /// Returns how much lateness does not count towards a missed tick.
    pub(crate) fn missed_grace(&self) -> Duration {
        match self.precision() {
            Precision::Kernel => self.tolerance(),
            Precision::Spin => Duration::ZERO,
        }
    }

    /// Returns how long before its deadline the timer is to be woken. `lateness` is that of the kernel. The
    /// lead is at most half the `period`, so that other tasks can run.
    pub(crate) fn lead(&self, lateness: u64, period: Duration) -> u64 {
        match self.precision() {
            Precision::Kernel => 0,
            Precision::Spin => lateness
                .min(self.spin_limit & !SPIN_FLAG)
                .min(nanos(period) / 2),
        }
    }

    /// Returns by how much the wake-up may be delayed. The coalesce slack is capped at a quarter of the
    /// `period`. The slack is never less than the tolerance.
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

        /// The lead is the least of its three limits, the slack the greatest of its two.
        #[test]
        fn lead_and_slack_reach_their_limits(
            lateness in 0_u64..1_000_000,
            limit in 0_u64..1_000_000,
            tolerance in 0_u64..1_000_000,
            coalesce_slack in 0_u64..1_000_000,
            period_nanos in 1_u64..4_000_000,
        ) {
            let mut options = TimerOptions::default();
            options.set_spin_limit(Duration::from_nanos(limit));
            options.set_tolerance(Duration::from_nanos(tolerance));
            let period = Duration::from_nanos(period_nanos);
            let expected = tolerance.max(coalesce_slack.min(period_nanos / 4));
            prop_assert_eq!(options.slack(coalesce_slack, period), expected);
            prop_assert_eq!(options.missed_grace(), Duration::from_nanos(tolerance));
            options.set_precision(Precision::Spin);
            let expected = lateness.min(limit).min(period_nanos / 2);
            prop_assert_eq!(options.lead(lateness, period), expected);
            prop_assert_eq!(options.missed_grace(), Duration::ZERO);
        }
    }

    #[test]
    fn debug_prints_durations() {
        let debug = format!("{:?}", TimerOptions::default());
        assert_eq!(
            debug,
            "TimerOptions { precision: Kernel, spin_limit: 200µs, tolerance: 0ns }"
        );
    }
}
