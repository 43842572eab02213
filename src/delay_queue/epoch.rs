//! Converts deadlines to the timestamps by which the deadline queue orders them.

use std::time::Duration;

use tokio::time::Instant;

use crate::saturating::{self, nanos};

/// The last valid timestamp. The one after it means "never".
const LAST_TIMESTAMP: u64 = u64::MAX - 1;

/// The instant from which a `DelayQueue` counts its timestamps, in nanoseconds: when it was created.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(Instant);

impl Epoch {
    /// The timestamp of the epoch itself. It leaves 146 years before the epoch and 438 years after it.
    pub(super) const START: u64 = 1 << 62;

    pub(super) fn new(start: Instant) -> Self {
        Self(start)
    }

    /// Returns the timestamp of `instant`. Saturates at the first and the last timestamp.
    #[inline]
    pub(super) fn timestamp(self, instant: Instant) -> u64 {
        match instant.checked_duration_since(self.0) {
            Some(after) => Self::START.saturating_add(nanos(after)).min(LAST_TIMESTAMP),
            None => Self::START.saturating_sub(nanos(self.0 - instant)),
        }
    }

    #[inline]
    pub(super) fn instant(self, timestamp: u64) -> Instant {
        let Some(after) = timestamp.checked_sub(Self::START) else {
            let before = Duration::from_nanos(Self::START - timestamp);
            return self.0.checked_sub(before).unwrap_or(self.0);
        };
        saturating::add_or_stay(self.0, Duration::from_nanos(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn deadlines_are_exact_to_the_nanosecond(distance in 0_u64..1 << 40, is_past in any::<bool>()) {
            let start = Instant::now() + Duration::from_nanos(1 << 41);
            let distance = Duration::from_nanos(distance);
            let deadline = if is_past { start - distance } else { start + distance };
            let epoch = Epoch::new(start);
            prop_assert_eq!(epoch.instant(epoch.timestamp(deadline)), deadline);
        }

        #[test]
        fn timestamps_have_the_order_of_their_deadlines(
            one in 0_u64..1 << 50,
            other in 0_u64..1 << 50,
        ) {
            let start = Instant::now();
            let epoch = Epoch::new(start + Duration::from_nanos(1 << 49));
            let timestamp = |nanos| epoch.timestamp(start + Duration::from_nanos(nanos));
            prop_assert_eq!(timestamp(one).cmp(&timestamp(other)), one.cmp(&other));
        }
    }

    #[test]
    fn distant_deadlines_saturate() {
        let epoch = Epoch::new(Instant::now());
        let centuries = Duration::from_secs(86_400 * 365 * 1000);
        if let Some(far) = epoch.0.checked_add(centuries) {
            assert_eq!(epoch.timestamp(far), LAST_TIMESTAMP);
            assert!(epoch.instant(LAST_TIMESTAMP) < far);
        }
    }
}
