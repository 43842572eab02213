//! One timer's place: what waits there, until when, and where in the queue.

use std::num::NonZeroU32;

use super::heap::Node;
use super::slack::Slack;

/// So many seats at most: two billion. The numbers above are for what is no seat.
pub(super) const MOST: u32 = (1 << 31) - 64;

/// In place of a seat's number: there is none.
pub(super) const NONE: u32 = u32::MAX;

/// In place of the next seat's number: this one is in no list, but in the heap.
const HEAP: u32 = u32::MAX - 1;

/// In place of the next seat's number: this one does not wait.
const IDLE: u32 = u32::MAX - 2;

/// A seat in one queue.
///
/// Only ever used with the queue that gave it, and not after [`Queue::leave`](super::Queue::leave):
/// its one owner upholds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(NonZeroU32);

impl Key {
    pub(crate) fn new(seat: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(seat))
    }

    pub(super) fn seat(self) -> u32 {
        self.0.get() - 1
    }

    /// The number of the seat. Of 64 in a row from a multiple of 64 on, each has the same
    /// [`beside`](super::Queue::beside).
    pub(crate) fn index(self) -> usize {
        self.seat() as usize
    }
}

/// 48 bytes with a waker: with many timers, it is the memory that takes the time.
#[derive(Debug)]
pub(super) struct Seat<T> {
    /// If it waits.
    pub(super) value: Option<T>,
    /// The latest moment at which it is to be taken.
    pub(super) latest: u64,
    /// After which it is likely to wait again, or 0.
    pub(super) period: u64,
    pub(super) slack: Slack,
    /// Of equal moments the one with the lowest comes first.
    pub(super) turn: u32,
    /// In a list the seat before it, or [`NONE`]; in the heap its position.
    pub(super) link: u32,
    /// In a list the seat behind it, or [`NONE`]; elsewhere [`HEAP`] or [`IDLE`]. Which list it is in
    /// follows from its latest moment.
    next: u32,
}

/// Where a seat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it does not wait.
    Idle,
    /// At this position of the heap.
    Heap(usize),
    /// In a list of the wheel.
    Wheel(Links),
}

/// What it takes to find a seat's place in the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) latest: u64,
    /// The seat before it, or [`NONE`].
    pub(super) previous: u32,
    /// The seat behind it, or [`NONE`].
    pub(super) next: u32,
}

impl<T> Seat<T> {
    pub(super) const IDLE: Self = Self {
        value: None,
        latest: 0,
        period: 0,
        slack: Slack::NONE,
        turn: 0,
        link: NONE,
        next: IDLE,
    };

    #[inline]
    pub(super) fn place(&self) -> Place {
        match self.next {
            IDLE => Place::Idle,
            HEAP => Place::Heap(self.link as usize),
            next => Place::Wheel(Links {
                latest: self.latest,
                previous: self.link,
                next,
            }),
        }
    }

    /// Stops to wait. It is in the heap or a list no more.
    #[inline]
    pub(super) fn take(&mut self) -> Option<T> {
        self.next = IDLE;
        self.value.take()
    }

    /// Belongs to the heap from now on, which tells it its position. Returns what stands for it there;
    /// `seat` is its number.
    #[inline]
    pub(super) fn enter_heap(&mut self, seat: u32) -> Node {
        self.next = HEAP;
        Node::new(self.latest, self.turn, seat)
    }

    /// Is the last of a list from now on, behind that one.
    #[inline]
    pub(super) fn enter_list(&mut self, previous: u32) {
        (self.link, self.next) = (previous, NONE);
    }

    /// The seat behind it in its list, or [`NONE`].
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
        self.latest - self.slack.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_seat_with_a_waker_has_48_bytes() {
        assert_eq!(size_of::<Seat<std::task::Waker>>(), 48);
    }
}
