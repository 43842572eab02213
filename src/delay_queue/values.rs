//! The values of a `DelayQueue`. The index of a value is the index of its slot in the deadline queue.
//!
//! The values are not stored in the slots, because slots are allocated 64 at a time and a `DelayQueue`
//! reports its capacity for values.

use std::collections::HashMap;

use super::expired::Key;
use crate::driver::queue::{self, Queue, Window};

/// The lowest number of a spare key. Slots have lower numbers.
const MIN_SPARE: u32 = 1 << 31;

#[derive(Debug)]
pub(super) struct Values<T> {
    /// The values by the index of their slots. A queue allocates the lowest free slot, so a new value goes to
    /// a free place here or to the end.
    by_slot: Vec<Option<Stored<T>>>,
    len: usize,
    /// The slots of the values whose keys differ from their slots: values that were moved, and values in a
    /// slot whose own key belongs to a moved value.
    remapped: HashMap<Key, queue::SlotId>,
    /// The number of the last spare key.
    last_spare: u32,
}

#[derive(Debug)]
struct Stored<T> {
    value: T,
    key: Key,
}

impl<T> Values<T> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            by_slot: Vec::with_capacity(capacity),
            len: 0,
            remapped: HashMap::new(),
            last_spare: MIN_SPARE,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn capacity(&self) -> usize {
        self.by_slot.capacity()
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        // Free places between the values count as capacity.
        let required = self.len + additional;
        self.by_slot
            .reserve(required.saturating_sub(self.by_slot.len()));
        if !self.remapped.is_empty() {
            self.remapped.reserve(additional);
        }
    }

    /// Inserts a value at a slot that the queue has just allocated.
    #[inline]
    pub(super) fn insert(&mut self, id: queue::SlotId, value: T) -> Key {
        let mut key = Key(id);
        if !self.remapped.is_empty() && self.remapped.contains_key(&key) {
            key = self.spare_key();
            self.remapped.insert(key, id);
        }
        let stored = Some(Stored { value, key });
        match self.by_slot.get_mut(id.index()) {
            Some(free) => *free = stored,
            None => self.by_slot.push(stored),
        }
        self.len += 1;
        key
    }

    #[cold]
    fn spare_key(&mut self) -> Key {
        loop {
            self.last_spare = match self.last_spare {
                MIN_SPARE => u32::MAX - 1,
                last => last - 1,
            };
            let key = Key(queue::SlotId::new(self.last_spare));
            // There are more spare keys than values, so the loop ends.
            if !self.remapped.contains_key(&key) {
                return key;
            }
        }
    }

    /// Returns the slot of the value with this key.
    #[inline]
    pub(super) fn slot_of(&self, key: Key) -> Option<queue::SlotId> {
        let mut id = key.0;
        if !self.remapped.is_empty() {
            id = self.remapped.get(&key).copied().unwrap_or(id);
        }
        let stored = self.by_slot.get(id.index())?.as_ref()?;
        (stored.key == key).then_some(id)
    }

    /// Returns the key of the value at a slot in use.
    #[inline]
    pub(super) fn key(&self, id: queue::SlotId) -> Option<Key> {
        self.by_slot[id.index()].as_ref().map(|stored| stored.key)
    }

    /// Removes the value at a slot.
    #[inline]
    pub(super) fn remove(&mut self, id: queue::SlotId) -> Option<(Key, T)> {
        let Stored { value, key } = self.by_slot[id.index()].take()?;
        self.len -= 1;
        if key.0 != id {
            self.remapped.remove(&key);
        }
        Some((key, value))
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.remapped.clear();
        self.by_slot.clear();
    }

    pub(super) fn shrink_to_fit(&mut self) {
        while let Some(None) = self.by_slot.last() {
            self.by_slot.pop();
        }
        self.by_slot.shrink_to_fit();
        self.remapped.shrink_to_fit();
    }

    /// Moves values, and their deadlines in `queue`, to lower slots until no free slot is left between
    /// values.
    pub(super) fn compact(&mut self, queue: &mut Queue<()>) {
        self.shrink_to_fit();
        if self.by_slot.len() == self.len {
            return;
        }
        let mut dense = Queue::new();
        let ids = (0..self.len).map(|_| dense.alloc());
        let free = ids.filter(|id| self.by_slot[id.index()].is_none());
        let mut free = free.collect::<Vec<_>>().into_iter();
        // In order, which keeps the order of equal deadlines.
        while let Some(from) = queue.next_due(u64::MAX) {
            let window = Window::new(queue.deadline(from), 0);
            queue.free(from);
            let mut to = from;
            if from.index() >= self.len {
                to = free
                    .next()
                    .expect("there is a free slot for each value to move");
                self.move_value(from, to);
            }
            dense.insert(to, window, 0, ());
        }
        *queue = dense;
        self.shrink_to_fit();
    }

    fn move_value(&mut self, from: queue::SlotId, to: queue::SlotId) {
        let stored = self.by_slot[from.index()].take();
        if let Some(Stored { key, .. }) = &stored {
            if key.0 == to {
                self.remapped.remove(key);
            } else {
                self.remapped.insert(*key, to);
            }
        }
        self.by_slot[to.index()] = stored;
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
        let id = values.slot_of(key)?;
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
        assert_eq!(values.remapped.len(), 40);
        // The new values get the slots whose keys belong to the moved ones, and so get spare keys.
        let others: Vec<_> = (100..160)
            .map(|value| insert(&mut queue, &mut values, value))
            .collect();
        assert_eq!(values.remapped.len(), 80);
        for (key, value) in keys[60..].iter().chain(&others).zip(60..) {
            assert_eq!(remove(&mut queue, &mut values, *key), Some(value));
        }
        assert!(values.remapped.is_empty() && queue.is_empty());
        assert_eq!(insert(&mut queue, &mut values, 0), keys[0]);
    }

    #[test]
    fn spare_keys_wrap_around_and_skip_keys_in_use() {
        let mut values: Values<()> = Values::with_capacity(0);
        let first = values.spare_key();
        values.last_spare = MIN_SPARE + 1;
        let last = values.spare_key();
        assert_eq!(values.spare_key(), first);
        // A spare key in use is skipped.
        values.remapped.insert(last, last.0);
        values.last_spare = MIN_SPARE + 1;
        assert_eq!(values.spare_key(), first);
    }
}
