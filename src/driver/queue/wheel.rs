//! What is far, roughly in order: lists of seats, in slots that are the wider the farther they are.
//!
//! The lowest level has 64 slots of 2^20 units, a millisecond if they are nanoseconds; each of the next
//! level is as wide as all of that. Seats are inserted and removed by a few stores. Those of a slot are
//! not in order: that is made when the slot is opened.
//!
//! Which slot a seat belongs to follows from its latest moment and from the horizon, at any time. For
//! that, a slot that the horizon moves into is distributed over the levels below it at once.

use std::mem;

use super::seat::{Links, NONE};
use super::slab::Slab;

/// How wide a slot of the lowest level is, as a power of two.
pub(super) const SHIFT: u32 = 20;
/// How many slots a level has, as a power of two.
const DIGIT: u32 = 6;
pub(super) const SLOTS: usize = 1 << DIGIT;
pub(super) const LEVELS: usize = (u64::BITS - SHIFT).div_ceil(DIGIT) as usize;

/// Beyond any moment.
const NEVER: u64 = u64::MAX;

/// The seats of a slot, in the order in which they came: that is often the order of their moments, and a
/// heap likes to be filled in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl List {
    const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };
}

#[derive(Debug)]
pub(super) struct Wheel {
    /// Where the wheel begins, with a slot of the lowest level or nowhere.
    pub(super) horizon: u64,
    pub(super) len: usize,
    /// Of each level, which slots have seats.
    pub(super) occupied: [u64; LEVELS],
    /// The list of each slot, level by level; none before the first seat is inserted.
    pub(super) lists: Vec<List>,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            horizon: NEVER,
            len: 0,
            occupied: [0; LEVELS],
            lists: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether that moment lies before the horizon, and so does not belong here.
    #[inline]
    pub(super) fn is_near(&self, moment: u64) -> bool {
        moment < self.horizon
    }

    /// Begins nowhere: everything is near. It has to be empty.
    pub(super) fn end(&mut self) {
        self.horizon = NEVER;
    }

    /// Moves a seat that has these links to where its latest moment belongs now.
    #[inline]
    pub(super) fn reinsert<T, C: Default>(
        &mut self,
        seat: u32,
        links: Links,
        slab: &mut Slab<T, C>,
    ) {
        let from = self.slot(links.latest);
        let to = self.slot(slab.get(seat).latest);
        // A wait that is moved a little stays where it is.
        if from != to {
            self.unlink(links, from, slab);
            self.append(seat, to, slab);
        }
    }

    /// Inserts a seat whose latest moment is not before the horizon.
    #[inline]
    pub(super) fn insert<T, C: Default>(&mut self, seat: u32, slab: &mut Slab<T, C>) {
        if self.lists.is_empty() {
            self.lists.resize(LEVELS * SLOTS, List::EMPTY);
        }
        let at = self.slot(slab.get(seat).latest);
        self.append(seat, at, slab);
        self.len += 1;
    }

    #[inline]
    fn append<T, C: Default>(
        &mut self,
        seat: u32,
        (level, slot): (usize, usize),
        slab: &mut Slab<T, C>,
    ) {
        let list = &mut self.lists[level * SLOTS + slot];
        let previous = mem::replace(&mut list.last, seat);
        slab.get_mut(seat).enter_list(previous);
        if previous == NONE {
            list.first = seat;
        } else {
            slab.get_mut(previous).set_next(seat);
        }
        self.occupied[level] |= 1 << slot;
    }

    /// Removes the seat that has these links, which is told nothing.
    #[inline]
    pub(super) fn remove<T, C: Default>(&mut self, links: Links, slab: &mut Slab<T, C>) {
        let Links { previous, next, .. } = links;
        if previous != NONE && next != NONE {
            slab.get_mut(previous).set_next(next);
            slab.get_mut(next).link = previous;
        } else {
            self.unlink(links, self.slot(links.latest), slab);
        }
        self.len -= 1;
    }

    fn unlink<T, C: Default>(
        &mut self,
        links: Links,
        (level, slot): (usize, usize),
        slab: &mut Slab<T, C>,
    ) {
        let Links { previous, next, .. } = links;
        let list = &mut self.lists[level * SLOTS + slot];
        match previous {
            NONE => list.first = next,
            previous => slab.get_mut(previous).set_next(next),
        }
        match next {
            NONE => list.last = previous,
            next => slab.get_mut(next).link = previous,
        }
        if list.first == NONE {
            self.occupied[level] &= !(1 << slot);
        }
    }

    /// Opens the first slot that has seats. Those of one of the lowest level are `near` from then on,
    /// and the horizon moves behind them; otherwise it moves to them.
    pub(super) fn advance<T, C: Default>(
        &mut self,
        slab: &mut Slab<T, C>,
        mut near: impl FnMut(u32, &mut Slab<T, C>),
    ) {
        let Some(level) = self.occupied.iter().position(|slots| *slots != 0) else {
            return;
        };
        let slot = self.occupied[level].trailing_zeros() as usize;
        let start = self.start(level, slot);
        if level == 0 {
            self.take(level, slot, slab, |_, seat, slab| near(seat, slab));
            self.horizon = behind(start);
        } else {
            self.horizon = start;
        }
        // Before anything else: where a seat is follows from the horizon.
        for level in 1..LEVELS {
            let slot = digit(self.horizon, level);
            if self.occupied[level] & 1 << slot != 0 {
                self.take(level, slot, slab, Self::insert);
            }
        }
    }

    /// Moves the horizon back to right behind `moment`; `false` if it is there already, or before.
    ///
    /// What is on the level on which the new horizon differs from the old one, or above, stays where
    /// it is; what is below belongs to that level now.
    pub(super) fn rewind<T, C: Default>(&mut self, moment: u64, slab: &mut Slab<T, C>) -> bool {
        let horizon = behind(moment);
        if horizon >= self.horizon {
            return false;
        }
        let before = mem::replace(&mut self.horizon, horizon);
        for level in 0..self.slot(before).0 {
            while self.occupied[level] != 0 {
                let slot = self.occupied[level].trailing_zeros() as usize;
                self.take(level, slot, slab, Self::insert);
            }
        }
        true
    }

    /// Takes all seats out of a slot.
    fn take<T, C: Default>(
        &mut self,
        level: usize,
        slot: usize,
        slab: &mut Slab<T, C>,
        mut to: impl FnMut(&mut Self, u32, &mut Slab<T, C>),
    ) {
        self.occupied[level] &= !(1 << slot);
        let list = mem::replace(&mut self.lists[level * SLOTS + slot], List::EMPTY);
        let mut seat = list.first;
        while seat != NONE {
            let next = slab.get(seat).next();
            self.len -= 1;
            to(self, seat, slab);
            seat = next;
        }
    }

    /// The level and slot of a moment that is not before the horizon: that of the highest digit by which
    /// they differ.
    #[inline]
    pub(super) fn slot(&self, moment: u64) -> (usize, usize) {
        // If they differ by none it is the lowest.
        let differ = (moment ^ self.horizon) >> SHIFT | 1;
        let level = (differ.ilog2() / DIGIT) as usize;
        (level, digit(moment, level))
    }

    /// Where a slot begins.
    fn start(&self, level: usize, slot: usize) -> u64 {
        let shift = shift(level);
        // All that is above it; nothing is above the highest level.
        let above = u64::MAX.checked_shl(shift + DIGIT).unwrap_or(0);
        self.horizon & above | (slot as u64) << shift
    }
}

/// Of a moment, the digit that says which slot of that level it belongs to.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "of what is cut off nothing is asked for"
)]
fn digit(moment: u64, level: usize) -> usize {
    (moment >> shift(level)) as usize % SLOTS
}

/// How wide a slot of that level is, as a power of two.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "there are no more than eight levels"
)]
fn shift(level: usize) -> u32 {
    SHIFT + DIGIT * level as u32
}

/// Where the slot of the lowest level ends in which that moment lies.
pub(super) fn behind(moment: u64) -> u64 {
    (moment | ((1 << SHIFT) - 1)).saturating_add(1)
}
