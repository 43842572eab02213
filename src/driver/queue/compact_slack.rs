//! The slack of a timer in half the memory.

/// A slack in 32 bits: 26 significant bits and a shift.
///
/// A slack that does not fit is rounded down, by less than a millionth. So no timer is later than its
/// tolerance allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CompactSlack(u32);

impl CompactSlack {
    pub(super) const NONE: Self = Self(0);

    const BITS: u32 = 26;

    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "it is shifted until it fits"
    )]
    pub(super) fn round_down(slack: u64) -> Self {
        // The common case.
        if slack >> Self::BITS == 0 {
            return Self(slack as u32);
        }
        let shift = (u64::BITS - Self::BITS).saturating_sub(slack.leading_zeros());
        Self(shift << Self::BITS | (slack >> shift) as u32)
    }

    #[inline]
    pub(super) fn get(self) -> u64 {
        let highest = self.0 & ((1 << Self::BITS) - 1);
        u64::from(highest) << (self.0 >> Self::BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slack_is_rounded_down(bits in 0_u32..64, any in any::<u64>()) {
            let slack = any >> bits;
            let rounded = CompactSlack::round_down(slack).get();
            prop_assert!(rounded <= slack && slack - rounded <= slack >> 25);
        }

        #[test]
        fn small_slack_is_exact(slack in 0_u64..1 << 26) {
            prop_assert_eq!(CompactSlack::round_down(slack).get(), slack);
        }
    }

    #[test]
    fn any_slack_fits() {
        let bounds = [0, 1, (1 << 26) - 1, 1 << 26, u64::MAX - 1, u64::MAX];
        let rounded = bounds.map(|slack| CompactSlack::round_down(slack).get());
        let highest = u64::MAX << 38;
        assert_eq!(rounded, [0, 1, (1 << 26) - 1, 1 << 26, highest, highest]);
    }
}
