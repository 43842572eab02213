//! Rates: a number of ticks per duration. Pure.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::saturating::{checked_period, nanos};

/// `ticks` evenly spread ticks in every `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    ticks: NonZeroU64,
    /// In nanoseconds. Not less than `ticks`.
    per: u64,
}

impl Rate {
    /// # Panics
    ///
    /// If `ticks` or `per` is zero, or if there is more than one tick in a nanosecond.
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

    /// Returns the time from tick to tick, rounded up.
    pub(crate) fn period(self) -> Duration {
        Duration::from_nanos(self.per.div_ceil(self.ticks.get()))
    }

    /// Returns `None` if the period is a whole number of nanoseconds.
    pub(super) fn fraction(self) -> Option<Fraction> {
        let remainder = self.per % self.ticks;
        (remainder > 0).then_some(Fraction {
            ticks: self.ticks,
            remainder,
            offset: 0,
        })
    }

    /// Returns the time to the next tick, rounded up, for a rate that started `elapsed` nanoseconds ago.
    pub(crate) fn until_next(self, elapsed: i128) -> (Duration, Rounding) {
        let (ticks, per) = (i128::from(self.ticks.get()), i128::from(self.per));
        // Counted in parts of a nanosecond, as many as there are ticks. Fits: both are less than 2^63.
        let until = per - (elapsed * ticks).rem_euclid(per);
        let whole = u64::try_from(until / ticks).unwrap_or(u64::MAX);
        let offset = u64::try_from(until % ticks).unwrap_or(0);
        let wait = Duration::from_nanos(whole + u64::from(offset > 0));
        (wait, Rounding(offset))
    }
}

/// How a deadline was rounded up: the offset of the exact deadline into its nanosecond, in parts of which
/// a nanosecond has as many as the rate has ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rounding(u64);

impl Rounding {
    /// The deadline was not rounded.
    pub(crate) const EXACT: Self = Self(0);
}

/// Keeps the deadlines of a [`Rate`] exact whose period is not a whole number of nanoseconds. Each deadline is
/// rounded up once, from its exact value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fraction {
    /// The number of parts in a nanosecond.
    ticks: NonZeroU64,
    /// The parts of a period beyond its whole nanoseconds.
    remainder: u64,
    /// The parts of a nanosecond before the current exact deadline, or 0 if the deadline was not rounded.
    offset: u64,
}

impl Fraction {
    /// Returns the rate with this fraction. `period` is its period in nanoseconds, rounded up.
    pub(super) fn rate(&self, period: u64) -> Rate {
        let whole = u128::from(period - 1) * u128::from(self.ticks.get());
        Rate {
            ticks: self.ticks,
            // Fits: the rate had this value before.
            per: u64::try_from(whole + u128::from(self.remainder)).unwrap_or(u64::MAX),
        }
    }

    /// Returns the fraction for a current deadline that is exact.
    pub(super) fn with_exact_deadline(mut self) -> Self {
        self.offset = 0;
        self
    }

    /// Sets how the current deadline was rounded.
    pub(super) fn set_rounding(&mut self, rounding: Rounding) {
        self.offset = rounding.0;
    }

    /// Returns the nanoseconds to the next deadline, and the fraction there.
    #[inline]
    pub(super) fn next(&self, period: u64) -> (u64, Self) {
        // Fits: both are less than `ticks`, which is at most the number of nanoseconds in thirty years.
        let parts = self.offset + self.remainder;
        let (whole, offset) = match parts.checked_sub(self.ticks.get()) {
            Some(offset) => (period, offset),
            None => (period - 1, parts),
        };
        let distance = whole + u64::from(offset > 0) - u64::from(self.offset > 0);
        (distance, Self { offset, ..*self })
    }

    /// Returns the nanoseconds to the deadline `steps` periods later, and the fraction there. `period` is the
    /// period in nanoseconds, rounded up.
    pub(super) fn advance(self, steps: u64, period: u64) -> (u128, Self) {
        let parts = u128::from(self.offset) + u128::from(self.remainder) * u128::from(steps);
        let ticks = u128::from(self.ticks.get());
        let whole = u128::from(period - 1) * u128::from(steps) + parts / ticks;
        let next = Self {
            // Fits: the remainder is less than `ticks`.
            offset: u64::try_from(parts % ticks).unwrap_or(0),
            ..self
        };
        let distance = whole + u128::from(next.offset > 0) - u128::from(self.offset > 0);
        (distance, next)
    }

    /// Returns how many whole periods have passed `late` nanoseconds after the current deadline.
    pub(super) fn periods_within(&self, late: u64, period: u64) -> u64 {
        let ticks = u128::from(self.ticks.get());
        // The exact deadline was this much earlier.
        let rounded_up = if self.offset > 0 {
            ticks - u128::from(self.offset)
        } else {
            0
        };
        let late = u128::from(late) * ticks + rounded_up;
        let period = u128::from(period - 1) * ticks + u128::from(self.remainder);
        // Fits: a period is at least one nanosecond.
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
        /// The k-th deadline is `k * per / ticks`, rounded up, for as long as a clock can run.
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
                    let (distance, next) = before.next(period);
                    let (slow_distance, slow_next) = before.advance(1, period);
                    prop_assert_eq!((distance.into(), next.offset), (slow_distance, slow_next.offset));
                    let (distance, next) = before.advance(steps, period);
                    deadline += distance;
                    fraction = Some(next);
                    if let Ok(late) = u64::try_from(distance) {
                        prop_assert_eq!(before.periods_within(late, period), steps);
                        prop_assert!(before.periods_within(late - 1, period) < steps);
                    }
                } else {
                    deadline += u128::from(period) * u128::from(steps);
                }
                let exact = per.as_nanos().checked_mul(k);
                prop_assume!(exact.is_some());
                prop_assert_eq!(Some(deadline), exact.map(|exact| exact.div_ceil(ticks.into())));
            }
        }

        /// Also before the start of the rate.
        #[test]
        fn until_next_finds_the_first_future_tick(
            (ticks, per) in rate(),
            elapsed in prop_oneof![-1_000_000_000_000_i128..1_000_000_000_000, any::<i64>().prop_map(i128::from)],
        ) {
            let (wait, Rounding(offset)) = Rate::new(ticks, per).until_next(elapsed);
            let (ticks, per) = (i128::from(ticks), i128::try_from(per.as_nanos()).unwrap());
            let wait = i128::try_from(wait.as_nanos()).unwrap();
            // The exact tick, in parts of a nanosecond.
            let rounded_up = if offset > 0 { ticks - i128::from(offset) } else { 0 };
            let next = (elapsed + wait) * ticks - rounded_up;
            prop_assert_eq!(next.rem_euclid(per), 0, "not a multiple of the period");
            let until = next - elapsed * ticks;
            prop_assert!((1..=per).contains(&until), "not the first future tick");
        }
    }
}
