//! When is the next tick? Pure: no clock, no I/O. Every instant comes from the caller.

#[cfg(any(test, fuzzing))]
pub(crate) mod check;
mod rate;

use std::mem;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::saturating::{checked_period, nanos};
use rate::Fraction;
pub(crate) use rate::{Rate, Rounding};

/// A tick that is later than this is missed, however long its period.
const MISSED_AFTER: Duration = Duration::from_millis(5);

/// A tick that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) deadline: Instant,
    /// `None` for one that was not missed, and for one that is late only because a burst is making up
    /// for one before it.
    pub(crate) missed: Option<Missed>,
}

/// By how much a tick was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) lateness: Duration,
    pub(crate) period: Duration,
    /// How many more deadlines of the schedule had passed by then.
    pub(crate) ticks: u64,
}

/// A period in half the size of a [`Duration`]: none has more than 30 years of seconds.
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
    /// Rounded up if it is no whole number of nanoseconds.
    period: Period,
    /// `None` if it is one, as that of most is: they are not to be larger for it.
    fraction: Option<Box<Fraction>>,
    behavior: MissedTickBehavior,
    skipped: u64,
    /// In a burst that makes up for missed ticks.
    in_burst: bool,
}

impl Schedule {
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

    /// Of a rate: the first deadline is `start`, which was rounded up so.
    pub(crate) fn with_rate(
        (start, rounded): (Instant, Rounding),
        rate: Rate,
        behavior: MissedTickBehavior,
    ) -> Self {
        let mut schedule = Self::new(start, rate.period(), behavior);
        schedule.set_rate(rate);
        schedule.set_rounded_deadline(start, rounded);
        schedule
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What comes after it is counted from there.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        self.set_rounded_deadline(deadline, Rounding::EXACT);
    }

    pub(crate) fn set_rounded_deadline(&mut self, deadline: Instant, rounded: Rounding) {
        self.deadline = deadline;
        self.in_burst = false;
        if let Some(fraction) = &mut self.fraction {
            fraction.begin(rounded);
        }
    }

    pub(crate) fn period(&self) -> Duration {
        self.period.get()
    }

    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    pub(crate) fn set_period(&mut self, period: Duration) {
        self.period = Period::new(checked_period(period));
        self.fraction = None;
    }

    /// The rate, whose period [`period`](Self::period) may have rounded up.
    pub(crate) fn rate(&self) -> Option<Rate> {
        let fraction = self.fraction.as_deref()?;
        Some(fraction.rate(nanos(self.period())))
    }

    pub(crate) fn set_rate(&mut self, rate: Rate) {
        self.period = Period::new(rate.period());
        self.fraction = rate.fraction().map(Box::new);
    }

    /// How far it is from this deadline to the next.
    #[inline]
    pub(crate) fn step(&self) -> Duration {
        match &self.fraction {
            None => self.period(),
            Some(fraction) => Duration::from_nanos(fraction.next(nanos(self.period())).0),
        }
    }

    /// Moves on to the next deadline, if the clock has it.
    #[inline]
    fn move_on(&mut self, next: Option<Instant>) {
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

    /// How many ticks of the schedule were passed over: nobody will be given them.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes the tick that is due at `now`, and moves on to the next. It is missed if it is later than
    /// the threshold after its `tolerance` has passed: one that tolerates lateness is late by all of
    /// it whenever it is alone, and by what the kernel adds.
    #[inline]
    pub(crate) fn tick(&mut self, now: Instant, tolerance: Duration) -> Tick {
        let (deadline, step) = (self.deadline, self.step());
        let next = deadline.checked_add(step);
        let was_in_burst = mem::replace(&mut self.in_burst, false);
        let mut missed = None;
        if !self.is_missed(now, next, step, tolerance) {
            self.move_on(next);
        } else if self.behavior == MissedTickBehavior::Burst {
            if !was_in_burst {
                missed = Some(self.missed_by(now, deadline));
            }
            self.move_on(next);
            self.in_burst = true;
        } else {
            let late = self.missed_by(now, deadline);
            self.pass_over(now, late);
            missed = Some(late).filter(|_| !was_in_burst);
        }
        Tick { deadline, missed }
    }

    /// Whether the tick that is taken at `now` is missed. `next` is the deadline after it, one `step` later.
    #[inline]
    fn is_missed(
        &self,
        now: Instant,
        next: Option<Instant>,
        step: Duration,
        tolerance: Duration,
    ) -> bool {
        if tolerance.is_zero() && step <= MISSED_AFTER {
            // Where the clock ends there is no next one.
            return next.is_some_and(|next| now > next);
        }
        let threshold = MISSED_AFTER.min(step).saturating_add(tolerance);
        let latest = self.deadline.checked_add(threshold);
        latest.is_some_and(|latest| now > latest)
    }

    fn missed_by(&self, now: Instant, deadline: Instant) -> Missed {
        let lateness = now.saturating_duration_since(deadline);
        let (late, period) = (nanos(lateness), nanos(self.period()));
        Missed {
            lateness,
            period: self.period(),
            ticks: match self.fraction.as_deref() {
                None => late / period,
                Some(fraction) => fraction.passed(late, period),
            },
        }
    }

    /// Leaves out what has passed.
    fn pass_over(&mut self, now: Instant, missed: Missed) {
        let (late, period) = (nanos(missed.lateness), nanos(self.period()));
        let fraction = self.fraction.as_deref().copied();
        let (wait, next) = match fraction {
            // Counted from now.
            _ if self.behavior != MissedTickBehavior::Skip => {
                (self.period(), fraction.map(Fraction::anew))
            }
            None => (Duration::from_nanos(period - late % period), None),
            Some(fraction) => {
                let (far, next) = fraction.ahead(missed.ticks + 1, period);
                // Fits: it is a period at the most.
                let wait = u64::try_from(far - u128::from(late)).unwrap_or(u64::MAX);
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
        self.skipped = self.skipped.saturating_add(missed.ticks);
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

    fn keeps_its_contract(
        behavior: MissedTickBehavior,
        period: u64,
        tolerance: u64,
        lateness: &[u64],
    ) {
        let tolerance = Duration::from_nanos(tolerance);
        let ticks = lateness.iter().map(|late| Step::Tick {
            late: Duration::from_nanos(*late),
            tolerance,
        });
        check::keeps_its_contract(Duration::from_nanos(period), behavior, ticks);
    }

    /// Up to a few periods late, and exactly on a multiple of it now and then.
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
            keeps_its_contract(behavior, period, 0, &late);
        }

        #[test]
        fn missed_ticks_from_5_ms(
            behavior in behavior(),
            (period, late) in program(5_000_000..3_600_000_000_000),
        ) {
            keeps_its_contract(behavior, period, 0, &late);
        }

        #[test]
        fn ticks_within_tolerance_are_not_missed(
            behavior in behavior(),
            tolerance in prop_oneof![0_u64..20_000_000, Just(4_000_000_000)],
            (period, late) in program(1..20_000_000),
        ) {
            keeps_its_contract(behavior, period, tolerance, &late);
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
            keeps_its_contract(behavior, period, 0, &late);
        }
    }

    proptest! {
        /// Whenever it begins, it ticks at the same multiples.
        #[test]
        fn aligned_rate_is_exact_from_its_first_tick(
            ticks in 1_u64..100_000,
            per in 100_000_u64..2_000_000_000,
            since in 0_u64..1_000_000_000_000,
        ) {
            let rate = Rate::new(ticks, Duration::from_nanos(per));
            let (wait, rounded) = rate.until_next(since.into());
            let origin = Instant::now();
            let start = origin + Duration::from_nanos(since) + wait;
            let behavior = MissedTickBehavior::Burst;
            let mut schedule = Schedule::with_rate((start, rounded), rate, behavior);
            let first = u128::from(since) * u128::from(ticks) / u128::from(per) + 1;
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
            // Late, as every tick is, but not missed.
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
        let mut spans: Vec<_> = (0..63).rev().map(|n| Duration::from_secs(1 << n)).collect();
        spans.extend((0..30).rev().map(|n| Duration::from_nanos(1 << n)));
        for span in spans {
            end = add_or_stay(end, span);
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
