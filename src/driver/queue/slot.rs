//! One timer's place: what waits there, until when, and where in the queue.

use std::num::NonZeroU32;

use super::heap::Node;
use super::slack::Slack;

/// So many slots at most: two billion. The numbers above are for what is no slot.
pub(super) const MAX_SLOTS: u32 = (1 << 31) - 64;

/// In place of a slot's number: there is none.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// In place of the next slot's number: this one is in no list, but in the heap.
const IN_HEAP: u32 = u32::MAX - 1;

/// In place of the next slot's number: this one does not wait.
const NOT_QUEUED: u32 = u32::MAX - 2;

/// A slot in one queue.
///
/// Only ever used with the queue that gave it, and not after [`Queue::free`](super::Queue::free):
/// its one owner upholds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SlotId(NonZeroU32);

impl SlotId {
    pub(crate) fn new(slot: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(slot))
    }

    pub(super) fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The number of the slot. Of 64 in a row from a multiple of 64 on, each has the same
    /// [`beside`](super::Queue::beside).
    pub(crate) fn index(self) -> usize {
        self.number() as usize
    }
}

/// 48 bytes with a waker: with many timers, it is the memory that takes the time.
#[derive(Debug)]
pub(super) struct Slot<T> {
    /// If it waits.
    pub(super) value: Option<T>,
    /// The hard_deadline moment at which it is to be in_use.
    pub(super) hard_deadline: u64,
    /// After which it is likely to wait again, or 0.
    pub(super) period: u64,
    pub(super) slack: Slack,
    /// Of equal moments the one with the lowest comes first.
    pub(super) seq: u32,
    /// In a list the slot before it, or [`NO_SLOT`]; in the heap its position.
    pub(super) link: u32,
    /// In a list the slot behind it, or [`NO_SLOT`]; elsewhere [`IN_HEAP`] or [`NOT_QUEUED`]. Which list it is in
    /// follows from its hard_deadline moment.
    next: u32,
}

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Nowhere: it does not wait.
    Idle,
    /// At this position of the heap.
    Heap(usize),
    /// In a list of the wheel.
    Wheel(Links),
}

/// What it takes to find a slot's place in the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) hard_deadline: u64,
    /// The slot before it, or [`NO_SLOT`].
    pub(super) previous: u32,
    /// The slot behind it, or [`NO_SLOT`].
    pub(super) next: u32,
}

impl<T> Slot<T> {
    pub(super) const EMPTY: Self = Self {
        value: None,
        hard_deadline: 0,
        period: 0,
        slack: Slack::NONE,
        seq: 0,
        link: NO_SLOT,
        next: NOT_QUEUED,
    };

    #[inline]
    pub(super) fn position(&self) -> Position {
        match self.next {
            NOT_QUEUED => Position::Idle,
            IN_HEAP => Position::Heap(self.link as usize),
            next => Position::Wheel(Links {
                hard_deadline: self.hard_deadline,
                previous: self.link,
                next,
            }),
        }
    }

    /// Stops to wait. It is in the heap or a list no more.
    #[inline]
    pub(super) fn take(&mut self) -> Option<T> {
        self.next = NOT_QUEUED;
        self.value.take()
    }

    /// Belongs to the heap from now on, which tells it its position. Returns what stands for it there;
    /// `slot` is its number.
    #[inline]
    pub(super) fn enter_heap(&mut self, number: u32) -> Node {
        self.next = IN_HEAP;
        Node::new(self.hard_deadline, self.seq, number)
    }

    /// Is the last of a list from now on, behind that one.
    #[inline]
    pub(super) fn enter_list(&mut self, previous: u32) {
        (self.link, self.next) = (previous, NO_SLOT);
    }

    /// The slot behind it in its list, or [`NO_SLOT`].
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
