//! An element of the heap.

/// A hard deadline, a seq and a slot number, from the highest bits to the lowest, so that nodes compare as
/// numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node(u128);

impl Node {
    /// Sorts after every other node.
    pub(super) const NEVER: Self = Self(u128::MAX);

    #[inline]
    pub(super) fn new(hard_deadline: u64, seq: u32, slot: u32) -> Self {
        Self(u128::from(hard_deadline) << 64 | u128::from(seq) << 32 | u128::from(slot))
    }

    #[inline]
    pub(super) fn hard_deadline(self) -> u64 {
        (self.0 >> 64) as u64
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "it is the lowest 32 bits")]
    pub(super) fn slot(self) -> u32 {
        self.0 as u32
    }
}
