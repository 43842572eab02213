//! The slots of a queue, numbered, in chunks of 64 that are freed when nobody has a slot there.

use super::bits::Bits;
use super::slot::{MAX_SLOTS, Slot};

pub(super) const SLOTS_PER_BLOCK: usize = 64;

/// A bit for each slot.
const ALL: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Slab<T, C> {
    /// A chunk is there if one of its slots is in_use, or if it is kept; the last one is.
    pub(super) chunks: Vec<Option<Box<Chunk<T, C>>>>,
    /// Which chunks have a slot that is free, those that are not there among them.
    pub(super) open: Bits,
    /// Which chunk is kept if it is empty, so that a lone timer that comes and goes allocates nothing.
    pub(super) kept: usize,
    /// How many slots are in_use.
    pub(super) in_use: usize,
}

#[derive(Debug)]
pub(super) struct Chunk<T, C> {
    /// Which slots are free.
    pub(super) free: u64,
    /// What the queue's owner keeps beside them.
    beside: C,
    pub(super) slots: [Slot<T>; SLOTS_PER_BLOCK],
}

impl<T, C: Default> Slab<T, C> {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            open: Bits::default(),
            kept: usize::MAX,
            in_use: 0,
        }
    }

    /// Takes the lowest slot that is free.
    ///
    /// # Panics
    ///
    /// If two billion are in_use.
    #[inline]
    pub(super) fn alloc(&mut self) -> u32 {
        let at = self.open.lowest().unwrap_or(self.chunks.len());
        let chunk = match self.chunks.get_mut(at) {
            Some(Some(chunk)) => chunk,
            _ => self.add(at),
        };
        let place = chunk.free.trailing_zeros();
        chunk.free &= chunk.free - 1;
        if chunk.free == 0 {
            self.open.remove(at);
        }
        self.in_use += 1;
        number(at) + place
    }

    #[cold]
    fn add(&mut self, at: usize) -> &mut Chunk<T, C> {
        assert!(at < MAX_SLOTS as usize / SLOTS_PER_BLOCK, "too many timers");
        if at == self.chunks.len() {
            self.open.insert(at);
            self.chunks.push(None);
        }
        self.chunks[at].insert(Box::new(Chunk::new()))
    }

    /// Gives one back that does not wait.
    #[inline]
    pub(super) fn free(&mut self, slot: u32) {
        let (at, place) = split(slot);
        let chunk = self.chunk(at);
        let was_full = chunk.free == 0;
        chunk.free |= 1 << place;
        let is_empty = chunk.free == ALL;
        if was_full {
            self.open.insert(at);
        }
        self.in_use -= 1;
        if is_empty && at != self.kept {
            self.empty(at);
        }
    }

    /// Of those that are empty the lowest is kept, which is used again before the others would be.
    #[cold]
    fn empty(&mut self, at: usize) {
        let kept = self.chunks.get(self.kept).and_then(Option::as_ref);
        let is_another_empty = kept.is_some_and(|kept| kept.free == ALL);
        let freed = at.max(self.kept);
        if !is_another_empty || at < self.kept {
            self.kept = at;
        }
        if !is_another_empty {
            return;
        }
        self.chunks[freed] = None;
        if freed + 1 < self.chunks.len() {
            return;
        }
        while let Some(None) = self.chunks.last() {
            self.chunks.pop();
            self.open.remove(self.chunks.len());
        }
        self.open.truncate(self.chunks.len());
        super::shrink(&mut self.chunks);
    }

    #[inline]
    fn chunk(&mut self, at: usize) -> &mut Chunk<T, C> {
        self.chunks[at].as_mut().expect("a slot that is in_use")
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> &Slot<T> {
        let (at, place) = split(slot);
        let chunk = self.chunks[at].as_ref().expect("a slot that is in_use");
        &chunk.slots[place]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Slot<T> {
        let (at, place) = split(slot);
        &mut self.chunk(at).slots[place]
    }

    pub(super) fn user_data(&mut self, slot: u32) -> &mut C {
        &mut self.chunk(split(slot).0).beside
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        let slots = self.chunks.into_iter().flatten();
        slots.flat_map(|chunk| chunk.slots.into_iter().filter_map(|slot| slot.value))
    }
}

impl<T, C: Default> Chunk<T, C> {
    fn new() -> Self {
        Self {
            free: ALL,
            beside: C::default(),
            slots: [const { Slot::EMPTY }; SLOTS_PER_BLOCK],
        }
    }
}

/// The chunk of a slot, and its place there.
#[inline]
fn split(slot: u32) -> (usize, usize) {
    (
        slot as usize / SLOTS_PER_BLOCK,
        slot as usize % SLOTS_PER_BLOCK,
    )
}

/// The number of a chunk's first slot.
#[allow(
    clippy::cast_possible_truncation,
    reason = "there are no more chunks than numbers of slots"
)]
fn number(chunk: usize) -> u32 {
    (chunk * SLOTS_PER_BLOCK) as u32
}
