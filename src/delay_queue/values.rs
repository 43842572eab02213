//! The values of a `DelayQueue`, each in the slot that has the number of its slot in the queue.
//!
//! They do not lie in the slots themselves: those come 64 at a time, and a `DelayQueue` tells for how many
//! values it has room.

use std::collections::HashMap;

use super::expired::Key;
use crate::driver::queue::{self, Queue, Window};

/// Below this a number may be that of a slot.
const SPARE: u32 = 1 << 31;

#[derive(Debug)]
pub(super) struct Values<T> {
    /// As a queue gives the lowest slot that is free, a new value has a slot here, or the next one.
    slots: Vec<Option<Slot<T>>>,
    len: usize,
    /// The slots of those values whose keys have another number: of those that were moved, and of those
    /// that came to a slot whose number such a one has.
    moved: HashMap<Key, queue::SlotId>,
    /// The last number that a key was given in place of its slot's.
    spare: u32,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    key: Key,
}

impl<T> Values<T> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            slots: Vec::with_capacity(capacity),
            len: 0,
            moved: HashMap::new(),
            spare: SPARE,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        // Those that are free among the others count.
        let wanted = self.len + additional;
        self.slots.reserve(wanted.saturating_sub(self.slots.len()));
        if !self.moved.is_empty() {
            self.moved.reserve(additional);
        }
    }

    /// Of a value whose slot was free.
    #[inline]
    pub(super) fn insert(&mut self, id: queue::SlotId, value: T) -> Key {
        let mut key = Key(id);
        if !self.moved.is_empty() && self.moved.contains_key(&key) {
            key = self.spare_key();
            self.moved.insert(key, id);
        }
        let slot = Some(Slot { value, key });
        match self.slots.get_mut(id.index()) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        self.len += 1;
        key
    }

    #[cold]
    fn spare_key(&mut self) -> Key {
        loop {
            self.spare = match self.spare {
                SPARE => u32::MAX - 1,
                last => last - 1,
            };
            let key = Key(queue::SlotId::new(self.spare));
            // There are more of these numbers than there can be values.
            if !self.moved.contains_key(&key) {
                return key;
            }
        }
    }

    /// The slot of the value that has this key.
    #[inline]
    pub(super) fn id_of(&self, key: Key) -> Option<queue::SlotId> {
        let mut id = key.0;
        if !self.moved.is_empty() {
            id = self.moved.get(&key).copied().unwrap_or(id);
        }
        let slot = self.slots.get(id.index())?.as_ref()?;
        (slot.key == key).then_some(id)
    }

    /// The key of the value at a slot that is taken.
    #[inline]
    pub(super) fn key(&self, id: queue::SlotId) -> Option<Key> {
        self.slots[id.index()].as_ref().map(|slot| slot.key)
    }

    /// Takes out the value at that slot.
    #[inline]
    pub(super) fn remove(&mut self, id: queue::SlotId) -> Option<(Key, T)> {
        let Slot { value, key } = self.slots[id.index()].take()?;
        self.len -= 1;
        if key.0 != id {
            self.moved.remove(&key);
        }
        Some((key, value))
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.moved.clear();
        self.slots.clear();
    }

    pub(super) fn shrink_to_fit(&mut self) {
        while let Some(None) = self.slots.last() {
            self.slots.pop();
        }
        self.slots.shrink_to_fit();
        self.moved.shrink_to_fit();
    }

    /// Moves values into slots that are free until there is none, and their waits to those slots.
    pub(super) fn compact(&mut self, queue: &mut Queue<()>) {
        self.shrink_to_fit();
        if self.slots.len() == self.len {
            return;
        }
        let mut dense = Queue::new();
        let ids = (0..self.len).map(|_| dense.alloc());
        let free = ids.filter(|id| self.slots[id.index()].is_none());
        let mut free = free.collect::<Vec<_>>().into_iter();
        // In their order, so that equal deadlines stay in it.
        while let Some(from) = queue.next_due(u64::MAX) {
            let span = Window::new(queue.deadline(from), 0);
            queue.free(from);
            let mut to = from;
            if from.index() >= self.len {
                to = free.next().expect("a slot for each that is beyond the end");
                self.relocate(from, to);
            }
            dense.insert(to, span, 0, ());
        }
        *queue = dense;
        self.shrink_to_fit();
    }

    fn relocate(&mut self, from: queue::SlotId, to: queue::SlotId) {
        let slot = self.slots[from.index()].take();
        if let Some(Slot { key, .. }) = &slot {
            if key.0 == to {
                self.moved.remove(key);
            } else {
                self.moved.insert(*key, to);
            }
        }
        self.slots[to.index()] = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(queue: &mut Queue<()>, values: &mut Values<u64>, value: u64) -> Key {
        let id = queue.alloc();
        queue.insert(id, Window::new(value, 0), 0, ());
        values.insert(id, value)
    }

    fn remove(queue: &mut Queue<()>, values: &mut Values<u64>, key: Key) -> Option<u64> {
        let id = values.id_of(key)?;
        queue.free(id);
        values.remove(id).map(|(_, value)| value)
    }

    #[test]
    fn key_map_holds_only_remapped_values() {
        let (mut queue, mut values) = (Queue::new(), Values::with_capacity(0));
        let keys: Vec<_> = (0..100)
            .map(|value| insert(&mut queue, &mut values, value))
            .collect();
        for key in &keys[..60] {
            assert!(remove(&mut queue, &mut values, *key).is_some());
        }
        values.compact(&mut queue);
        assert_eq!(values.moved.len(), 40);
        // Into the slots whose numbers those have: they get others.
        let others: Vec<_> = (100..160)
            .map(|value| insert(&mut queue, &mut values, value))
            .collect();
        assert_eq!(values.moved.len(), 80);
        for (key, value) in keys[60..].iter().chain(&others).zip(60..) {
            assert_eq!(remove(&mut queue, &mut values, *key), Some(value));
        }
        assert!(values.moved.is_empty() && queue.is_empty());
        assert_eq!(insert(&mut queue, &mut values, 0), keys[0]);
    }

    #[test]
    fn spare_keys_wrap_around_and_skip_keys_in_use() {
        let mut values: Values<()> = Values::with_capacity(0);
        let first = values.spare_key();
        values.spare = SPARE + 1;
        let last = values.spare_key();
        assert_eq!(values.spare_key(), first);
        // Nor is one taken that is in use.
        values.moved.insert(last, last.0);
        values.spare = SPARE + 1;
        assert_eq!(values.spare_key(), first);
    }
}
