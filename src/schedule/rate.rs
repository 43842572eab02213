//! So many ticks in a span of time. Pure.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::saturating::{checked_period, nanos};

/// `ticks` in every `per`, evenly spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    ticks: NonZeroU64,
    /// In nanoseconds; at least as many as there are ticks.
    per: u64,
}

impl Rate {
    /// # Panics
    ///
    /// If `ticks` or `per` is zero, or if there would be more than one tick in a nanosecond.
    #[track_caller]
    pub(crate) fn new(ticks: u64, per: Duration) -> Self {
        let per = nanos(checked_period(per));
        let ticks = NonZeroU64::new(ticks).expect("`ticks` must be non-zero.");
        assert!(
            ticks.get() <= per,
            "at most one tick in a nanosecond is possible."
        );
        Self { ticks, per }
    }

    /// The time from tick to tick, rounded up.
    pub(crate) fn period(self) -> Duration {
        Duration::from_nanos(self.per.div_ceil(self.ticks.get()))
    }

    /// What is left of a period beside whole nanoseconds; `None` if it is nothing.
    pub(super) fn fraction(self) -> Option<Fraction> {
        let rest = self.per % self.ticks;
        (rest > 0).then_some(Fraction {
            ticks: self.ticks,
            rest,
            part: 0,
        })
    }

    /// From `since` after its beginning: how far it is to the next tick that is still to come, rounded
    /// up, and by how much.
    pub(crate) fn until_next(self, since: i128) -> (Duration, Rounding) {
        let (ticks, per) = (i128::from(self.ticks.get()), i128::from(self.per));
        // Of each nanosecond as many parts as there are ticks: fits, as both are less than 2^63.
        let until = per - (since * ticks).rem_euclid(per);
        let whole = u64::try_from(until / ticks).unwrap_or(u64::MAX);
        let part = u64::try_from(until % ticks).unwrap_or(0);
        let wait = Duration::from_nanos(whole + u64::from(part > 0));
        (wait, Rounding(part))
    }
}

/// A deadline was rounded up, from so many parts of its last nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rounding(u64);

impl Rounding {
    pub(crate) const EXACT: Self = Self(0);
}

/// Where in a nanosecond the deadlines of a [`Rate`] lie whose period is no whole number of them. Each deadline
/// is rounded up, once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fraction {
    /// The parts of a nanosecond.
    ticks: NonZeroU64,
    /// So many are left of a period.
    rest: u64,
    /// In so many the present deadline lies; in none if it is exact.
    part: u64,
}

impl Fraction {
    /// Whose it is, by its period, rounded up.
    pub(super) fn rate(&self, period: u64) -> Rate {
        let whole = u128::from(period - 1) * u128::from(self.ticks.get());
        Rate {
            ticks: self.ticks,
            // Fits, as it did.
            per: u64::try_from(whole + u128::from(self.rest)).unwrap_or(u64::MAX),
        }
    }

    /// Counted from a deadline that is exact.
    pub(super) fn anew(mut self) -> Self {
        self.part = 0;
        self
    }

    /// The next deadline was given, and was rounded up so.
    pub(super) fn begin(&mut self, rounded: Rounding) {
        self.part = rounded.0;
    }

    /// How far it is to the next deadline; and where that lies.
    #[inline]
    pub(super) fn next(&self, period: u64) -> (u64, Self) {
        // Fits: either is less than the ticks, of which there are no more than nanoseconds in thirty years.
        let parts = self.part + self.rest;
        let (whole, part) = match parts.checked_sub(self.ticks.get()) {
            Some(part) => (period, part),
            None => (period - 1, parts),
        };
        let far = whole + u64::from(part > 0) - u64::from(self.part > 0);
        (far, Self { part, ..*self })
    }

    /// How far it is from the present deadline to the one that is so many `steps` later, of a period that is
    /// `period` nanoseconds when it is rounded up; and where that lies.
    pub(super) fn ahead(self, steps: u64, period: u64) -> (u128, Self) {
        let parts = u128::from(self.part) + u128::from(self.rest) * u128::from(steps);
        let ticks = u128::from(self.ticks.get());
        let whole = u128::from(period - 1) * u128::from(steps) + parts / ticks;
        let next = Self {
            // Fits: it is a remainder.
            part: u64::try_from(parts % ticks).unwrap_or(0),
            ..self
        };
        let far = whole + u128::from(next.part > 0) - u128::from(self.part > 0);
        (far, next)
    }

    /// How many periods, and no more, have passed so long after the present deadline.
    pub(super) fn passed(&self, late: u64, period: u64) -> u64 {
        let ticks = u128::from(self.ticks.get());
        // Of a nanosecond that it was rounded up by the rest has passed as well.
        let rounded = if self.part > 0 {
            ticks - u128::from(self.part)
        } else {
            0
        };
        let late = u128::from(late) * ticks + rounded;
        let period = u128::from(period - 1) * ticks + u128::from(self.rest);
        // Fits: a period is at least a nanosecond.
        u64::try_from(late / period).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate() -> impl Strategy<Value = (u64, Duration)> {
        let usual = (1_u64..200_000, 1_u64..2_000_000_000_000);
        let any = (1_u64..u64::MAX, 1_u64..u64::MAX);
        prop_oneof![4 => usual, 1 => any].prop_map(|(ticks, per)| {
            let per = Duration::from_nanos(per).min(crate::saturating::FAR_FUTURE);
            (ticks.min(nanos(per)), per)
        })
    }

    proptest! {
        /// By arithmetic: the k-th deadline is `k * per / ticks`, rounded up, for as long as a clock can run.
        #[test]
        fn every_deadline_is_rounded_up_once(
            (ticks, per) in rate(),
            steps in prop::collection::vec(prop_oneof![
                8 => 1_u64..5,
                1 => 1_u64..1_000_000_000_000,
            ], 1..100),
        ) {
            let rate = Rate::new(ticks, per);
            let period = nanos(rate.period());
            let (mut k, mut deadline) = (0_u128, 0_u128);
            let mut fraction = rate.fraction();
            for steps in steps {
                k += u128::from(steps);
                if let Some(before) = fraction {
                    let (far, next) = before.next(period);
                    let (slow_far, slow_next) = before.ahead(1, period);
                    prop_assert_eq!((far.into(), next.part), (slow_far, slow_next.part));
                    let (far, next) = before.ahead(steps, period);
                    deadline += far;
                    fraction = Some(next);
                    if let Ok(late) = u64::try_from(far) {
                        prop_assert_eq!(before.passed(late, period), steps);
                        prop_assert!(before.passed(late - 1, period) < steps);
                    }
                } else {
                    deadline += u128::from(period) * u128::from(steps);
                }
                let exact = per.as_nanos().checked_mul(k);
                prop_assume!(exact.is_some());
                prop_assert_eq!(Some(deadline), exact.map(|exact| exact.div_ceil(ticks.into())));
            }
        }

        /// Counted from any beginning, also before it.
        #[test]
        fn until_next_finds_the_first_future_tick(
            (ticks, per) in rate(),
            since in prop_oneof![-1_000_000_000_000_i128..1_000_000_000_000, any::<i64>().prop_map(i128::from)],
        ) {
            let (wait, Rounding(part)) = Rate::new(ticks, per).until_next(since);
            let (ticks, per) = (i128::from(ticks), i128::try_from(per.as_nanos()).unwrap());
            let wait = i128::try_from(wait.as_nanos()).unwrap();
            // In parts of a nanosecond, and exact.
            let rounded_up = if part > 0 { ticks - i128::from(part) } else { 0 };
            let next = (since + wait) * ticks - rounded_up;
            prop_assert_eq!(next.rem_euclid(per), 0, "a multiple");
            let until = next - since * ticks;
            prop_assert!((1..=per).contains(&until), "the first");
        }
    }
}
