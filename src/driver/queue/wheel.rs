//! What is far, roughly in order: lists of slots, in buckets that are the wider the farther they are.
//!
//! The lowest level has 64 buckets of 2^20 units, a millisecond if they are nanoseconds; each of the next
//! level is as wide as all of that. Seats are inserted and removed by a few stores. Those of a bucket are
//! not in order: that is made when the bucket is opened.
//!
//! Which bucket a slot belongs to follows from its hard_deadline moment and from the horizon, at any time. For
//! that, a bucket that the horizon moves into is distributed over the levels below it at once.

use std::mem;

use super::slab::Slab;
use super::slot::{Links, NO_SLOT};

/// How wide a bucket of the lowest level is, as a power of two.
pub(super) const SHIFT: u32 = 20;
/// How many buckets a level has, as a power of two.
const DIGIT: u32 = 6;
pub(super) const BUCKETS: usize = 1 << DIGIT;
pub(super) const LEVELS: usize = (u64::BITS - SHIFT).div_ceil(DIGIT) as usize;

/// Beyond any moment.
const NEVER: u64 = u64::MAX;

/// The slots of a bucket, in the order in which they came: that is often the order of their moments, and a
/// heap likes to be filled in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl List {
    const EMPTY: Self = Self {
        first: NO_SLOT,
        last: NO_SLOT,
    };
}

#[derive(Debug)]
pub(super) struct Wheel {
    /// Where the wheel begins, with a bucket of the lowest level or nowhere.
    pub(super) horizon: u64,
    pub(super) len: usize,
    /// Of each level, which buckets have slots.
    pub(super) occupied: [u64; LEVELS],
    /// The list of each bucket, level by level; none before the first slot is inserted.
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
    pub(super) fn is_before_horizon(&self, moment: u64) -> bool {
        moment < self.horizon
    }

    /// Begins nowhere: everything is near. It has to be empty.
    pub(super) fn end(&mut self) {
        self.horizon = NEVER;
    }

    /// Moves a slot that has these links to where its hard_deadline moment belongs now.
    #[inline]
    pub(super) fn reinsert<T, C: Default>(
        &mut self,
        slot: u32,
        links: Links,
        slab: &mut Slab<T, C>,
    ) {
        let from = self.bucket(links.hard_deadline);
        let to = self.bucket(slab.get(slot).hard_deadline);
        // A wait that is moved a little stays where it is.
        if from != to {
            self.unlink(links, from, slab);
            self.append(slot, to, slab);
        }
    }

    /// Inserts a slot whose hard_deadline moment is not before the horizon.
    #[inline]
    pub(super) fn insert<T, C: Default>(&mut self, slot: u32, slab: &mut Slab<T, C>) {
        if self.lists.is_empty() {
            self.lists.resize(LEVELS * BUCKETS, List::EMPTY);
        }
        let at = self.bucket(slab.get(slot).hard_deadline);
        self.append(slot, at, slab);
        self.len += 1;
    }

    #[inline]
    fn append<T, C: Default>(
        &mut self,
        slot: u32,
        (level, bucket): (usize, usize),
        slab: &mut Slab<T, C>,
    ) {
        let list = &mut self.lists[level * BUCKETS + bucket];
        let previous = mem::replace(&mut list.last, slot);
        slab.get_mut(slot).enter_list(previous);
        if previous == NO_SLOT {
            list.first = slot;
        } else {
            slab.get_mut(previous).set_next(slot);
        }
        self.occupied[level] |= 1 << bucket;
    }

    /// Removes the slot that has these links, which is told nothing.
    #[inline]
    pub(super) fn remove<T, C: Default>(&mut self, links: Links, slab: &mut Slab<T, C>) {
        let Links { previous, next, .. } = links;
        if previous != NO_SLOT && next != NO_SLOT {
            slab.get_mut(previous).set_next(next);
            slab.get_mut(next).link = previous;
        } else {
            self.unlink(links, self.bucket(links.hard_deadline), slab);
        }
        self.len -= 1;
    }

    fn unlink<T, C: Default>(
        &mut self,
        links: Links,
        (level, bucket): (usize, usize),
        slab: &mut Slab<T, C>,
    ) {
        let Links { previous, next, .. } = links;
        let list = &mut self.lists[level * BUCKETS + bucket];
        match previous {
            NO_SLOT => list.first = next,
            previous => slab.get_mut(previous).set_next(next),
        }
        match next {
            NO_SLOT => list.last = previous,
            next => slab.get_mut(next).link = previous,
        }
        if list.first == NO_SLOT {
            self.occupied[level] &= !(1 << bucket);
        }
    }

    /// Opens the first bucket that has slots. Those of one of the lowest level are `near` from then on,
    /// and the horizon moves behind them; otherwise it moves to them.
    pub(super) fn advance<T, C: Default>(
        &mut self,
        slab: &mut Slab<T, C>,
        mut near: impl FnMut(u32, &mut Slab<T, C>),
    ) {
        let Some(level) = self.occupied.iter().position(|buckets| *buckets != 0) else {
            return;
        };
        let bucket = self.occupied[level].trailing_zeros() as usize;
        let start = self.start(level, bucket);
        if level == 0 {
            self.take(level, bucket, slab, |_, slot, slab| near(slot, slab));
            self.horizon = behind(start);
        } else {
            self.horizon = start;
        }
        // Before anything else: where a slot is follows from the horizon.
        for level in 1..LEVELS {
            let bucket = digit(self.horizon, level);
            if self.occupied[level] & 1 << bucket != 0 {
                self.take(level, bucket, slab, Self::insert);
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
        for level in 0..self.bucket(before).0 {
            while self.occupied[level] != 0 {
                let bucket = self.occupied[level].trailing_zeros() as usize;
                self.take(level, bucket, slab, Self::insert);
            }
        }
        true
    }

    /// Takes all slots out of a bucket.
    fn take<T, C: Default>(
        &mut self,
        level: usize,
        bucket: usize,
        slab: &mut Slab<T, C>,
        mut to: impl FnMut(&mut Self, u32, &mut Slab<T, C>),
    ) {
        self.occupied[level] &= !(1 << bucket);
        let list = mem::replace(&mut self.lists[level * BUCKETS + bucket], List::EMPTY);
        let mut slot = list.first;
        while slot != NO_SLOT {
            let next = slab.get(slot).next();
            self.len -= 1;
            to(self, slot, slab);
            slot = next;
        }
    }

    /// The level and bucket of a moment that is not before the horizon: that of the highest digit by which
    /// they differ.
    #[inline]
    pub(super) fn bucket(&self, moment: u64) -> (usize, usize) {
        // If they differ by none it is the lowest.
        let differ = (moment ^ self.horizon) >> SHIFT | 1;
        let level = (differ.ilog2() / DIGIT) as usize;
        (level, digit(moment, level))
    }

    /// Where a bucket begins.
    fn start(&self, level: usize, bucket: usize) -> u64 {
        let shift = shift(level);
        // All that is above it; nothing is above the highest level.
        let above = u64::MAX.checked_shl(shift + DIGIT).unwrap_or(0);
        self.horizon & above | (bucket as u64) << shift
    }
}

/// Of a moment, the digit that says which bucket of that level it belongs to.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "of what is cut off nothing is asked for"
)]
fn digit(moment: u64, level: usize) -> usize {
    (moment >> shift(level)) as usize % BUCKETS
}

/// How wide a bucket of that level is, as a power of two.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "there are no more than eight levels"
)]
fn shift(level: usize) -> u32 {
    SHIFT + DIGIT * level as u32
}

/// Where the bucket of the lowest level ends in which that moment lies.
pub(super) fn behind(moment: u64) -> u64 {
    (moment | ((1 << SHIFT) - 1)).saturating_add(1)
}
