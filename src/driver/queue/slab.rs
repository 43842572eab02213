//! The numbered slots of a queue, in blocks of 64. A block is freed when none of its slots is in use.

use super::bit_set::BitSet;
use super::slot::{MAX_SLOTS, Slot};

pub(super) const SLOTS_PER_BLOCK: usize = 64;

/// [`Block::free`] of a block without slots in use.
const ALL_FREE: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Slab<T, U> {
    /// `Some` for blocks with a slot in use and for the retained block. The last is `Some`.
    pub(super) blocks: Vec<Option<Box<Block<T, U>>>>,
    /// The blocks with a free slot, unallocated blocks included.
    pub(super) available: BitSet,
    /// The block that stays allocated when it is empty, so that a lone timer that is repeatedly created and
    /// dropped allocates nothing.
    pub(super) retained: usize,
    /// The number of slots in use.
    pub(super) in_use: usize,
}

#[derive(Debug)]
pub(super) struct Block<T, U> {
    /// A bit for each free slot.
    pub(super) free: u64,
    user_data: U,
    pub(super) slots: [Slot<T>; SLOTS_PER_BLOCK],
}

impl<T, U: Default> Slab<T, U> {
    pub(super) fn new() -> Self {
        Self {
            blocks: Vec::new(),
            available: BitSet::default(),
            retained: usize::MAX,
            in_use: 0,
        }
    }

    /// Allocates the lowest free slot.
    ///
    /// # Panics
    ///
    /// If two billion slots are in use.
    #[inline]
    pub(super) fn alloc(&mut self) -> u32 {
        let index = self.available.lowest().unwrap_or(self.blocks.len());
        let block = match self.blocks.get_mut(index) {
            Some(Some(block)) => block,
            _ => self.allocate_block(index),
        };
        let offset = block.free.trailing_zeros();
        block.free &= block.free - 1;
        if block.free == 0 {
            self.available.remove(index);
        }
        self.in_use += 1;
        first_slot(index) + offset
    }

    /// Returns `true` if a block before that of `slot` has a free slot.
    #[inline]
    pub(super) fn has_free_before(&mut self, slot: u32) -> bool {
        let (index, _) = split(slot);
        self.available.lowest().is_some_and(|lowest| lowest < index)
    }

    #[cold]
    fn allocate_block(&mut self, index: usize) -> &mut Block<T, U> {
        assert!(
            index < MAX_SLOTS as usize / SLOTS_PER_BLOCK,
            "too many timers"
        );
        if index == self.blocks.len() {
            self.available.insert(index);
            self.blocks.push(None);
        }
        self.blocks[index].insert(Box::new(Block::new()))
    }

    /// Frees `slot`, which must not be waiting.
    #[inline]
    pub(super) fn free(&mut self, slot: u32) {
        let (index, offset) = split(slot);
        let block = self.block_mut(index);
        let was_full = block.free == 0;
        block.free |= 1 << offset;
        let is_empty = block.free == ALL_FREE;
        if was_full {
            self.available.insert(index);
        }
        self.in_use -= 1;
        if is_empty && index != self.retained {
            self.release_block(index);
        }
    }

    /// Frees an empty block, or the retained block in its place. Retains the lower of the two, because its
    /// slots are allocated first.
    #[cold]
    fn release_block(&mut self, index: usize) {
        let retained = self.blocks.get(self.retained).and_then(Option::as_ref);
        let is_another_empty = retained.is_some_and(|retained| retained.free == ALL_FREE);
        let freed = index.max(self.retained);
        if !is_another_empty || index < self.retained {
            self.retained = index;
        }
        if !is_another_empty {
            return;
        }
        self.blocks[freed] = None;
        if freed + 1 < self.blocks.len() {
            return;
        }
        while let Some(None) = self.blocks.last() {
            self.blocks.pop();
            self.available.remove(self.blocks.len());
        }
        self.available.truncate(self.blocks.len());
        super::shrink(&mut self.blocks);
    }

    #[inline]
    fn block_mut(&mut self, index: usize) -> &mut Block<T, U> {
        self.blocks[index].as_mut().expect("the slot is in use")
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> &Slot<T> {
        let (index, offset) = split(slot);
        let block = self.blocks[index].as_ref().expect("the slot is in use");
        &block.slots[offset]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Slot<T> {
        let (index, offset) = split(slot);
        &mut self.block_mut(index).slots[offset]
    }

    pub(super) fn user_data(&mut self, slot: u32) -> &mut U {
        &mut self.block_mut(split(slot).0).user_data
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        let slots = self.blocks.into_iter().flatten();
        slots.flat_map(|block| block.slots.into_iter().filter_map(|slot| slot.value))
    }
}

impl<T, U: Default> Block<T, U> {
    fn new() -> Self {
        Self {
            free: ALL_FREE,
            user_data: U::default(),
            slots: [const { Slot::EMPTY }; SLOTS_PER_BLOCK],
        }
    }
}

/// Returns the block of `slot` and the offset of the slot in that block.
#[inline]
fn split(slot: u32) -> (usize, usize) {
    (
        slot as usize / SLOTS_PER_BLOCK,
        slot as usize % SLOTS_PER_BLOCK,
    )
}

/// Returns the number of the block's first slot.
#[allow(clippy::cast_possible_truncation, reason = "slot numbers have 32 bits")]
fn first_slot(block: usize) -> u32 {
    (block * SLOTS_PER_BLOCK) as u32
}
