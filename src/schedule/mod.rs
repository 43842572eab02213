//! Computes when an interval ticks. Pure: no clock, no I/O. Every instant comes from the caller.

#[cfg(any(test, fuzzing))]
pub(crate) mod check;
mod rate;

use std::mem;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::saturating::{checked_period, nanos};
use rate::Fraction;
pub(crate) use rate::{Rate, Rounding};

/// A tick that is later than this is missed, even if its period is longer.
const MISSED_AFTER: Duration = Duration::from_millis(5);

/// A tick of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) deadline: Instant,
    /// `None` if the tick was not missed, or is late only because a burst makes up for an earlier one.
    pub(crate) missed: Option<Missed>,
}

/// How a tick was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) lateness: Duration,
    pub(crate) period: Duration,
    /// How many more deadlines of the schedule have passed.
    pub(crate) ticks_behind: u64,
}

/// A period in half the size of a [`Duration`]. No period is longer than 30 years.
#[derive(Debug, Clone, Copy)]
struct Period {
    secs: u32,
    nanos: u32,
}

impl Period {
    fn new(period: Duration) -> Self {
        Self {
            secs: u32::try_from(period.as_secs()).unwrap_or(u32::MAX),
            nanos: period.subsec_nanos(),
        }
    }

    #[inline]
    fn get(self) -> Duration {
        Duration::new(self.secs.into(), self.nanos)
    }
}

/// The deadlines of one interval.
#[derive(Debug)]
pub(crate) struct Schedule {
    deadline: Instant,
    /// Rounded up to a whole number of nanoseconds.
    period: Period,
    /// `None` if the period was not rounded. Boxed, because it rarely is.
    fraction: Option<Box<Fraction>>,
    behavior: MissedTickBehavior,
    skipped: u64,
    /// `true` during a burst that makes up for missed ticks.
    in_burst: bool,
}

impl Schedule {
    /// Creates a schedule whose first deadline is `start`.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub(crate) fn new(start: Instant, period: Duration, behavior: MissedTickBehavior) -> Self {
        Self {
            deadline: start,
            period: Period::new(checked_period(period)),
            fraction: None,
            behavior,
            skipped: 0,
            in_burst: false,
        }
    }

    /// Creates the schedule of a rate. Its first deadline is `start`, rounded as `rounding` says.
    pub(crate) fn with_rate(
        (start, rounding): (Instant, Rounding),
        rate: Rate,
        behavior: MissedTickBehavior,
    ) -> Self {
        let mut schedule = Self::new(start, rate.period(), behavior);
        schedule.set_rate(rate);
        schedule.set_rounded_deadline(start, rounding);
        schedule
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Sets the next deadline. Later deadlines are counted from it.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        self.set_rounded_deadline(deadline, Rounding::EXACT);
    }

    pub(crate) fn set_rounded_deadline(&mut self, deadline: Instant, rounding: Rounding) {
        self.deadline = deadline;
        self.in_burst = false;
        if let Some(fraction) = &mut self.fraction {
            fraction.set_rounding(rounding);
        }
    }

    pub(crate) fn period(&self) -> Duration {
        self.period.get()
    }

    /// Sets the period. The next deadline stays.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub(crate) fn set_period(&mut self, period: Duration) {
        self.period = Period::new(checked_period(period));
        self.fraction = None;
    }

    /// Returns the rate, or `None` if the period is a whole number of nanoseconds.
    pub(crate) fn rate(&self) -> Option<Rate> {
        let fraction = self.fraction.as_deref()?;
        Some(fraction.rate(nanos(self.period())))
    }

    pub(crate) fn set_rate(&mut self, rate: Rate) {
        self.period = Period::new(rate.period());
        self.fraction = rate.fraction().map(Box::new);
    }

    /// Returns the time from this deadline to the next.
    #[inline]
    pub(crate) fn step(&self) -> Duration {
        match &self.fraction {
            None => self.period(),
            Some(fraction) => Duration::from_nanos(fraction.next(nanos(self.period())).0),
        }
    }

    /// Advances to the next deadline, unless the clock cannot represent it.
    #[inline]
    fn advance_to(&mut self, next: Option<Instant>) {
        let Some(next) = next else {
            return;
        };
        if let Some(fraction) = &mut self.fraction {
            **fraction = fraction.next(nanos(self.period.get())).1;
        }
        self.deadline = next;
    }

    pub(crate) fn behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    pub(crate) fn set_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// Returns the number of ticks that were skipped and will never be delivered.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes the tick that is due at `now`, and advances to the next.
    ///
    /// The tick is missed if its lateness beyond `tolerance` exceeds the threshold. The tolerance does not
    /// count, because a timer that shares no wake-up is late by its whole tolerance.
    #[inline]
    pub(crate) fn tick(&mut self, now: Instant, tolerance: Duration) -> Tick {
        let (deadline, step) = (self.deadline, self.step());
        let next = deadline.checked_add(step);
        let was_in_burst = mem::replace(&mut self.in_burst, false);
        let mut missed = None;
        if !self.is_missed(now, next, step, tolerance) {
            self.advance_to(next);
        } else if self.behavior == MissedTickBehavior::Burst {
            if !was_in_burst {
                missed = Some(self.missed_tick(now, deadline));
            }
            self.advance_to(next);
            self.in_burst = true;
        } else {
            let tick = self.missed_tick(now, deadline);
            self.skip_missed(now, tick);
            missed = Some(tick).filter(|_| !was_in_burst);
        }
        Tick { deadline, missed }
    }

    /// Returns `true` if the tick that is taken at `now` is missed. `next` is the following deadline, one
    /// `step` later.
    #[inline]
    fn is_missed(
        &self,
        now: Instant,
        next: Option<Instant>,
        step: Duration,
        tolerance: Duration,
    ) -> bool {
        if tolerance.is_zero() && step <= MISSED_AFTER {
            // There is no next deadline at the end of the clock.
            return next.is_some_and(|next| now > next);
        }
        let threshold = MISSED_AFTER.min(step).saturating_add(tolerance);
        let limit = self.deadline.checked_add(threshold);
        limit.is_some_and(|limit| now > limit)
    }

    fn missed_tick(&self, now: Instant, deadline: Instant) -> Missed {
        let lateness = now.saturating_duration_since(deadline);
        let (late, period) = (nanos(lateness), nanos(self.period()));
        Missed {
            lateness,
            period: self.period(),
            ticks_behind: match self.fraction.as_deref() {
                None => late / period,
                Some(fraction) => fraction.periods_within(late, period),
            },
        }
    }

    /// Sets the next deadline after a missed tick, and counts the ticks before it as skipped. For `Skip` and
    /// `Delay`.
    fn skip_missed(&mut self, now: Instant, missed: Missed) {
        let (late, period) = (nanos(missed.lateness), nanos(self.period()));
        let fraction = self.fraction.as_deref().copied();
        let (wait, next) = match fraction {
            // `Delay`: one period from now.
            _ if self.behavior != MissedTickBehavior::Skip => {
                (self.period(), fraction.map(Fraction::with_exact_deadline))
            }
            None => (Duration::from_nanos(period - late % period), None),
            Some(fraction) => {
                let (distance, next) = fraction.advance(missed.ticks_behind + 1, period);
                // Fits: the wait is at most one period.
                let wait = u64::try_from(distance - u128::from(late)).unwrap_or(u64::MAX);
                (Duration::from_nanos(wait), Some(next))
            }
        };
        if let Some(deadline) = now.checked_add(wait) {
            self.deadline = deadline;
            if let (Some(fraction), Some(next)) = (&mut self.fraction, next) {
                **fraction = next;
            }
        } else {
            self.deadline = now;
        }
        self.skipped = self.skipped.saturating_add(missed.ticks_behind);
    }
}

#[cfg(test)]
mod tests {
    use super::check::Step;
    use super::*;
    use crate::saturating::add_or_stay;
    use proptest::prelude::*;

    fn behavior() -> impl Strategy<Value = MissedTickBehavior> {
        prop_oneof![
            Just(MissedTickBehavior::Burst),
            Just(MissedTickBehavior::Delay),
            Just(MissedTickBehavior::Skip),
        ]
    }

    fn check_ticks(behavior: MissedTickBehavior, period: u64, tolerance: u64, lateness: &[u64]) {
        let tolerance = Duration::from_nanos(tolerance);
        let ticks = lateness.iter().map(|late| Step::Tick {
            late: Duration::from_nanos(*late),
            tolerance,
        });
        check::keeps_its_contract(Duration::from_nanos(period), behavior, ticks);
    }

    /// Up to a few periods, and sometimes exactly a multiple of the period.
    fn lateness(period: u64) -> impl Strategy<Value = Vec<u64>> {
        let late = prop_oneof![
            4 => 0..=period,
            4 => 0..=period.saturating_mul(5),
            1 => (0_u64..5).prop_map(move |periods| period.saturating_mul(periods)),
            1 => 4_999_990_u64..5_000_010,
        ];
        prop::collection::vec(late, 1..40)
    }

    fn step() -> impl Strategy<Value = Step> {
        let short = || (1_u64..20_000_000).prop_map(Duration::from_nanos);
        let any = || prop_oneof![4 => short(), 1 => any::<u64>().prop_map(Duration::from_nanos)];
        prop_oneof![
            6 => (any(), short()).prop_map(|(late, tolerance)| Step::Tick { late, tolerance }),
            1 => short().prop_map(Step::SetPeriod),
            2 => (1_u64..100_000, short()).prop_map(|(ticks, per)| Step::SetRate(ticks, per)),
            1 => (1..u64::MAX, 1..u64::MAX)
                .prop_map(|(ticks, per)| Step::SetRate(ticks, Duration::from_nanos(per))),
            1 => behavior().prop_map(Step::SetBehavior),
            1 => any().prop_map(Step::SetDeadline),
        ]
    }

    fn program(periods: std::ops::Range<u64>) -> impl Strategy<Value = (u64, Vec<u64>)> {
        periods.prop_flat_map(|period| (Just(period), lateness(period)))
    }

    proptest! {
        #[test]
        fn missed_ticks_below_5_ms(behavior in behavior(), (period, late) in program(1..5_000_000)) {
            check_ticks(behavior, period, 0, &late);
        }

        #[test]
        fn missed_ticks_from_5_ms(
            behavior in behavior(),
            (period, late) in program(5_000_000..3_600_000_000_000),
        ) {
            check_ticks(behavior, period, 0, &late);
        }

        #[test]
        fn ticks_within_tolerance_are_not_missed(
            behavior in behavior(),
            tolerance in prop_oneof![0_u64..20_000_000, Just(4_000_000_000)],
            (period, late) in program(1..20_000_000),
        ) {
            check_ticks(behavior, period, tolerance, &late);
        }

        #[test]
        fn settings_may_change_between_ticks(behavior in behavior(), steps in prop::collection::vec(step(), 1..40)) {
            check::keeps_its_contract(Duration::from_millis(1), behavior, steps);
        }

        #[test]
        fn missed_ticks_with_decade_long_periods(behavior in behavior(), (period, late) in
            (1_000_000_000_000_000_000_u64..).prop_flat_map(|period| {
                (Just(period), prop::collection::vec(0..=1_000_000_000_000_000_000_u64, 1..3))
            })
        ) {
            let period = period.min(u64::try_from(crate::saturating::FAR_FUTURE.as_nanos()).unwrap());
            check_ticks(behavior, period, 0, &late);
        }
    }

    proptest! {
        /// An aligned rate ticks at the same multiples whenever it starts.
        #[test]
        fn aligned_rate_is_exact_from_its_first_tick(
            ticks in 1_u64..100_000,
            per in 100_000_u64..2_000_000_000,
            elapsed in 0_u64..1_000_000_000_000,
        ) {
            let rate = Rate::new(ticks, Duration::from_nanos(per));
            let (wait, rounding) = rate.until_next(elapsed.into());
            let origin = Instant::now();
            let start = origin + Duration::from_nanos(elapsed) + wait;
            let behavior = MissedTickBehavior::Burst;
            let mut schedule = Schedule::with_rate((start, rounding), rate, behavior);
            let first = u128::from(elapsed) * u128::from(ticks) / u128::from(per) + 1;
            for k in first..first + 5 {
                let nanos = (k * u128::from(per)).div_ceil(ticks.into());
                let deadline = origin + Duration::from_nanos(u64::try_from(nanos).unwrap());
                prop_assert_eq!(schedule.tick(deadline, Duration::ZERO).deadline, deadline);
            }
        }
    }

    #[test]
    fn delay_does_not_drift() {
        let origin = Instant::now();
        let period = Duration::from_millis(1);
        let mut schedule = Schedule::new(origin, period, MissedTickBehavior::Delay);
        for k in 0..1000 {
            let deadline = origin + period * k;
            // Late, but not missed.
            let tick = schedule.tick(deadline + Duration::from_micros(900), Duration::ZERO);
            assert_eq!(tick.deadline, deadline);
        }
    }

    #[test]
    fn skip_exactly_on_a_multiple_waits_one_period() {
        let origin = Instant::now();
        let period = Duration::from_millis(10);
        let mut schedule = Schedule::new(origin, period, MissedTickBehavior::Skip);
        schedule.tick(origin + 3 * period, Duration::ZERO);
        assert_eq!(schedule.deadline(), origin + 4 * period);
        assert_eq!(schedule.skipped(), 3);
    }

    #[test]
    fn no_tick_is_missed_at_the_end_of_the_clock() {
        let mut end = Instant::now();
        let mut steps: Vec<_> = (0..63).rev().map(|n| Duration::from_secs(1 << n)).collect();
        steps.extend((0..30).rev().map(|n| Duration::from_nanos(1 << n)));
        for step in steps {
            end = add_or_stay(end, step);
        }
        let deadline = end - Duration::from_micros(1);
        let period = Duration::from_millis(1);
        let mut schedule = Schedule::new(deadline, period, MissedTickBehavior::Skip);
        assert_eq!(schedule.tick(end, Duration::ZERO).missed, None);
    }

    #[test]
    fn far_future_saturates() {
        let origin = Instant::now();
        for behavior in [
            MissedTickBehavior::Burst,
            MissedTickBehavior::Delay,
            MissedTickBehavior::Skip,
        ] {
            let mut schedule = Schedule::new(origin, Duration::MAX, behavior);
            assert_eq!(schedule.period(), crate::saturating::FAR_FUTURE);
            for _ in 0..100 {
                let now = schedule.deadline() + Duration::from_secs(1);
                schedule.tick(now, Duration::ZERO);
            }
            schedule.set_period(Duration::MAX);
            assert_eq!(schedule.period(), crate::saturating::FAR_FUTURE);
        }
    }

    #[test]
    fn set_period_keeps_the_next_deadline() {
        let origin = Instant::now();
        let ms = Duration::from_millis;
        let mut schedule = Schedule::new(origin, ms(10), MissedTickBehavior::Burst);
        schedule.tick(origin, Duration::ZERO);
        schedule.set_period(ms(3));
        assert_eq!(
            schedule.tick(origin + ms(10), Duration::ZERO).deadline,
            origin + ms(10)
        );
        assert_eq!(schedule.deadline(), origin + ms(13));
    }
}
