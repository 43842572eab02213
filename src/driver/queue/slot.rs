//! One timer's place in a queue: its value, its window and its location.

use std::num::NonZeroU32;

use super::compact_slack::CompactSlack;
use super::node::Node;

/// The most slots of a queue: two billion. The numbers above are sentinels.
pub(super) const MAX_SLOTS: u32 = (1 << 31) - 64;

/// Ends a list: there is no previous or next slot.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// In [`Slot::next`]: the slot is in the heap, not in a list.
const IN_HEAP: u32 = u32::MAX - 1;

/// In [`Slot::next`]: the slot is not waiting.
const NOT_QUEUED: u32 = u32::MAX - 2;

/// Identifies a slot of one queue.
///
/// It is valid for the queue that allocated it, until [`Queue::free`](super::Queue::free). Its owner, one at
/// a time, upholds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotId(NonZeroU32);

impl SlotId {
    pub(crate) fn new(slot: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(slot))
    }

    pub(super) fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The number of the slot. The 64 slots from a multiple of 64 on share their
    /// [`user_data`](super::Queue::user_data).
    pub(crate) fn index(self) -> usize {
        self.number() as usize
    }
}

/// 48 bytes with a waker: with many timers, memory accesses dominate the cost.
#[derive(Debug)]
pub(super) struct Slot<T> {
    /// `None` if the slot is not waiting.
    pub(super) value: Option<T>,
    pub(super) hard_deadline: u64,
    /// The time after which the timer is likely to wait again, or 0.
    pub(super) period: u64,
    pub(super) slack: CompactSlack,
    /// Orders equal hard deadlines: the lowest comes first.
    pub(super) seq: u32,
    /// In a list, the previous slot or [`NO_SLOT`]. In the heap, the index there.
    pub(super) link: u32,
    /// In a list, the next slot or [`NO_SLOT`]. Otherwise [`IN_HEAP`] or [`NOT_QUEUED`]. The hard deadline
    /// determines the list.
    next: u32,
}

/// Where a slot is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// Nowhere: the slot is not waiting.
    Idle,
    /// At this index of the heap.
    Heap(usize),
    /// In a bucket of the wheel.
    Wheel(Links),
}

/// All that is needed to unlink a slot from its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) hard_deadline: u64,
    /// The previous slot, or [`NO_SLOT`].
    pub(super) previous: u32,
    /// The next slot, or [`NO_SLOT`].
    pub(super) next: u32,
}

impl<T> Slot<T> {
    pub(super) const EMPTY: Self = Self {
        value: None,
        hard_deadline: 0,
        period: 0,
        slack: CompactSlack::NONE,
        seq: 0,
        link: NO_SLOT,
        next: NOT_QUEUED,
    };

    #[inline]
    pub(super) fn location(&self) -> Location {
        match self.next {
            NOT_QUEUED => Location::Idle,
            IN_HEAP => Location::Heap(self.link as usize),
            next => Location::Wheel(Links {
                hard_deadline: self.hard_deadline,
                previous: self.link,
                next,
            }),
        }
    }

    /// Marks the slot as not waiting and returns its value. The caller unlinks the slot.
    #[inline]
    pub(super) fn take_value(&mut self) -> Option<T> {
        self.next = NOT_QUEUED;
        self.value.take()
    }

    /// Marks the slot as queued in the heap, which sets its index. Returns the node for the slot, whose
    /// number is `number`.
    #[inline]
    pub(super) fn move_to_heap(&mut self, number: u32) -> Node {
        self.next = IN_HEAP;
        Node::new(self.hard_deadline, self.seq, number)
    }

    /// Marks the slot as the last of a bucket, after `previous`.
    #[inline]
    pub(super) fn move_to_bucket(&mut self, previous: u32) {
        (self.link, self.next) = (previous, NO_SLOT);
    }

    /// The next slot of its bucket, or [`NO_SLOT`].
    #[inline]
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    #[inline]
    pub(super) fn set_next(&mut self, next: u32) {
        self.next = next;
    }

    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        self.hard_deadline - self.slack.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn slot_with_a_waker_is_48_bytes() {
        assert_eq!(size_of::<Slot<std::task::Waker>>(), 48);
    }
}
