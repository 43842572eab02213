//! Deadlines as the numbers that a queue puts in order.

use std::time::Duration;

use tokio::time::Instant;

use crate::saturating::{self, nanos};

/// What the instant is counted as at which a queue was made. There are 146 years before it, and 438
/// after it.
const ORIGIN: u64 = 1 << 62;

/// The last number there is. The one after it means "never".
const LAST: u64 = u64::MAX - 1;

/// Nanoseconds, counted from the instant at which a queue was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    origin: Instant,
}

impl Moments {
    pub(super) const ORIGIN: u64 = ORIGIN;

    pub(super) fn new(origin: Instant) -> Self {
        Self { origin }
    }

    /// Saturates: what is further away is taken for the last number, or the first.
    #[inline]
    pub(super) fn moment(self, instant: Instant) -> u64 {
        match instant.checked_duration_since(self.origin) {
            Some(after) => ORIGIN.saturating_add(nanos(after)).min(LAST),
            None => ORIGIN.saturating_sub(nanos(self.origin - instant)),
        }
    }

    #[inline]
    pub(super) fn instant(self, moment: u64) -> Instant {
        let Some(after) = moment.checked_sub(ORIGIN) else {
            let before = Duration::from_nanos(ORIGIN - moment);
            return self.origin.checked_sub(before).unwrap_or(self.origin);
        };
        saturating::later(self.origin, Duration::from_nanos(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_deadline_is_kept_to_the_nanosecond(away in 0_u64..1 << 40, is_past in any::<bool>()) {
            let origin = Instant::now() + Duration::from_nanos(1 << 41);
            let away = Duration::from_nanos(away);
            let deadline = if is_past { origin - away } else { origin + away };
            let moments = Moments::new(origin);
            prop_assert_eq!(moments.instant(moments.moment(deadline)), deadline);
        }

        #[test]
        fn numbers_are_in_the_order_of_the_deadlines(one in 0_u64..1 << 50, other in 0_u64..1 << 50) {
            let start = Instant::now();
            let moments = Moments::new(start + Duration::from_nanos(1 << 49));
            let of = |nanos| moments.moment(start + Duration::from_nanos(nanos));
            prop_assert_eq!(of(one).cmp(&of(other)), one.cmp(&other));
        }
    }

    #[test]
    fn what_is_too_far_away_saturates() {
        let moments = Moments::new(Instant::now());
        let centuries = Duration::from_secs(86_400 * 365 * 1000);
        if let Some(far) = moments.origin.checked_add(centuries) {
            assert_eq!(moments.moment(far), LAST);
            assert!(moments.instant(LAST) < far);
        }
    }
}
