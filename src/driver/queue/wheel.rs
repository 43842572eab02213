//! The far timers in rough order: a hierarchical timing wheel.
//!
//! The lowest level has 64 buckets of 2^20 units: a millisecond, if the units are nanoseconds. Each bucket
//! of the next level is as wide as a whole level below. Inserting and removing a slot takes a few stores.
//! The slots of a bucket are not sorted until the bucket is opened.
//!
//! The bucket of a slot follows from its hard deadline and the horizon alone, so no slot stores it. That
//! requires that a bucket is redistributed to the lower levels as soon as the horizon moves into it.

use std::mem;

use super::slab::Slab;
use super::slot::{Links, NO_SLOT};

/// The width of a lowest-level bucket, as a power of two.
pub(super) const BUCKET_BITS: u32 = 20;
/// The number of buckets of a level, as a power of two.
const LEVEL_BITS: u32 = 6;
pub(super) const BUCKETS_PER_LEVEL: usize = 1 << LEVEL_BITS;
pub(super) const LEVELS: usize = (u64::BITS - BUCKET_BITS).div_ceil(LEVEL_BITS) as usize;

/// After every valid timestamp.
const NEVER: u64 = u64::MAX;

/// A list of slots, in the order of insertion. That is often the order of their hard deadlines, and filling
/// a heap in order is cheap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Bucket {
    const EMPTY: Self = Self {
        first: NO_SLOT,
        last: NO_SLOT,
    };
}

#[derive(Debug)]
pub(super) struct Wheel {
    /// The lowest hard deadline that belongs to the wheel: the start of a lowest-level bucket, or [`NEVER`].
    pub(super) horizon: u64,
    pub(super) len: usize,
    /// For each level, a bit for each bucket that is not empty.
    pub(super) occupied: [u64; LEVELS],
    /// The buckets, level by level. Not allocated before the first slot is inserted.
    pub(super) buckets: Vec<Bucket>,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            horizon: NEVER,
            len: 0,
            occupied: [0; LEVELS],
            buckets: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns `true` if a hard deadline of `timestamp` does not belong to the wheel.
    #[inline]
    pub(super) fn is_before_horizon(&self, timestamp: u64) -> bool {
        timestamp < self.horizon
    }

    /// Removes the horizon, so that every timer belongs to the heap. The wheel must be empty.
    pub(super) fn clear_horizon(&mut self) {
        self.horizon = NEVER;
    }

    /// Moves a slot from the bucket that `links` describe to the bucket of its new hard deadline.
    #[inline]
    pub(super) fn reinsert<T, U: Default>(
        &mut self,
        slot: u32,
        links: Links,
        slab: &mut Slab<T, U>,
    ) {
        let from = self.locate(links.hard_deadline);
        let to = self.locate(slab.get(slot).hard_deadline);
        // A small change often leaves the slot in its bucket.
        if from != to {
            self.unlink(links, from, slab);
            self.append(slot, to, slab);
        }
    }

    /// Inserts a slot whose hard deadline is not before the horizon.
    #[inline]
    pub(super) fn insert<T, U: Default>(&mut self, slot: u32, slab: &mut Slab<T, U>) {
        if self.buckets.is_empty() {
            self.buckets
                .resize(LEVELS * BUCKETS_PER_LEVEL, Bucket::EMPTY);
        }
        let at = self.locate(slab.get(slot).hard_deadline);
        self.append(slot, at, slab);
        self.len += 1;
    }

    #[inline]
    fn append<T, U: Default>(
        &mut self,
        slot: u32,
        (level, bucket): (usize, usize),
        slab: &mut Slab<T, U>,
    ) {
        let list = &mut self.buckets[level * BUCKETS_PER_LEVEL + bucket];
        let previous = mem::replace(&mut list.last, slot);
        slab.get_mut(slot).move_to_bucket(previous);
        if previous == NO_SLOT {
            list.first = slot;
        } else {
            slab.get_mut(previous).set_next(slot);
        }
        self.occupied[level] |= 1 << bucket;
    }

    /// Removes the slot that has these `links`. Does not change that slot.
    #[inline]
    pub(super) fn remove<T, U: Default>(&mut self, links: Links, slab: &mut Slab<T, U>) {
        let Links { previous, next, .. } = links;
        if previous != NO_SLOT && next != NO_SLOT {
            slab.get_mut(previous).set_next(next);
            slab.get_mut(next).link = previous;
        } else {
            self.unlink(links, self.locate(links.hard_deadline), slab);
        }
        self.len -= 1;
    }

    fn unlink<T, U: Default>(
        &mut self,
        links: Links,
        (level, bucket): (usize, usize),
        slab: &mut Slab<T, U>,
    ) {
        let Links { previous, next, .. } = links;
        let list = &mut self.buckets[level * BUCKETS_PER_LEVEL + bucket];
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

    /// Opens the first bucket that is not empty. On the lowest level, passes its slots to `near` and moves
    /// the horizon to the end of the bucket. On any other level, moves the horizon to its start.
    pub(super) fn advance<T, U: Default>(
        &mut self,
        slab: &mut Slab<T, U>,
        mut near: impl FnMut(u32, &mut Slab<T, U>),
    ) {
        let Some(level) = self.occupied.iter().position(|buckets| *buckets != 0) else {
            return;
        };
        let bucket = self.occupied[level].trailing_zeros() as usize;
        let start = self.bucket_start(level, bucket);
        if level == 0 {
            self.drain_bucket(level, bucket, slab, |_, slot, slab| near(slot, slab));
            self.horizon = bucket_end(start);
        } else {
            self.horizon = start;
        }
        // Redistribute the buckets that contain the new horizon: `locate` looks for their slots on lower levels.
        for level in 1..LEVELS {
            let bucket = bucket_index(self.horizon, level);
            if self.occupied[level] & 1 << bucket != 0 {
                self.drain_bucket(level, bucket, slab, Self::insert);
            }
        }
    }

    /// Moves the horizon back to the end of the bucket of `timestamp`. Returns `false` if the horizon is not
    /// later than that.
    ///
    /// The two horizons differ on one highest level. The slots on that level and above stay in place. Those
    /// below move up to it.
    pub(super) fn rewind<T, U: Default>(&mut self, timestamp: u64, slab: &mut Slab<T, U>) -> bool {
        let horizon = bucket_end(timestamp);
        if horizon >= self.horizon {
            return false;
        }
        let before = mem::replace(&mut self.horizon, horizon);
        for level in 0..self.locate(before).0 {
            while self.occupied[level] != 0 {
                let bucket = self.occupied[level].trailing_zeros() as usize;
                self.drain_bucket(level, bucket, slab, Self::insert);
            }
        }
        true
    }

    /// Empties a bucket and passes each of its slots to `to`.
    fn drain_bucket<T, U: Default>(
        &mut self,
        level: usize,
        bucket: usize,
        slab: &mut Slab<T, U>,
        mut to: impl FnMut(&mut Self, u32, &mut Slab<T, U>),
    ) {
        self.occupied[level] &= !(1 << bucket);
        let list = mem::replace(
            &mut self.buckets[level * BUCKETS_PER_LEVEL + bucket],
            Bucket::EMPTY,
        );
        let mut slot = list.first;
        while slot != NO_SLOT {
            let next = slab.get(slot).next();
            self.len -= 1;
            to(self, slot, slab);
            slot = next;
        }
    }

    /// Returns the level and bucket of `timestamp`, which is not before the horizon. The highest digit that
    /// differs from the horizon determines the level.
    #[inline]
    pub(super) fn locate(&self, timestamp: u64) -> (usize, usize) {
        // `| 1`: if no digit differs, the level is the lowest.
        let differing = (timestamp ^ self.horizon) >> BUCKET_BITS | 1;
        let level = (differing.ilog2() / LEVEL_BITS) as usize;
        (level, bucket_index(timestamp, level))
    }

    /// Returns the first timestamp of a bucket.
    fn bucket_start(&self, level: usize, bucket: usize) -> u64 {
        let shift = level_shift(level);
        // The digits above `level`. There are none above the highest level.
        let above = u64::MAX.checked_shl(shift + LEVEL_BITS).unwrap_or(0);
        self.horizon & above | (bucket as u64) << shift
    }
}

/// Returns the digit of `timestamp` that is its bucket on `level`.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "only the low bits are used"
)]
fn bucket_index(timestamp: u64, level: usize) -> usize {
    (timestamp >> level_shift(level)) as usize % BUCKETS_PER_LEVEL
}

/// Returns the width of the buckets of `level`, as a power of two.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "there are eight levels")]
fn level_shift(level: usize) -> u32 {
    BUCKET_BITS + LEVEL_BITS * level as u32
}

/// Returns the end of the lowest-level bucket that contains `timestamp`.
pub(super) fn bucket_end(timestamp: u64) -> u64 {
    (timestamp | ((1 << BUCKET_BITS) - 1)).saturating_add(1)
}
