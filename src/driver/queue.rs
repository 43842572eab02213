//! The deadlines of one driver, in order. A data structure: no clock, no I/O, no lock.
//!
//! A 4-ary heap of deadlines over a slab of seats. A timer takes a seat when it first waits and
//! keeps it until it is dropped, so a periodic timer's every wait after the first is a push onto
//! the heap and nothing else: no allocation, and no key that could be stale.
//!
//! What the heap moves about is small, and a node's four children are one cache line: with many
//! timers, it is the memory that takes the time.

use std::time::Duration;

use tokio::time::Instant;

use crate::span::later;

const ARITY: usize = 4;

/// The position of a seat that is not waiting.
const IDLE: u32 = u32::MAX;

/// No seat.
const NONE: u32 = u32::MAX;

/// How many seats an empty queue keeps.
const KEPT: usize = 1024;

/// A seat in one queue.
///
/// Only ever used with the queue that gave it, and not after [`Queue::leave`]: its one owner
/// upholds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u32);

impl Key {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Values waiting for their deadlines; the earliest deadline first, and of equal ones the one that
/// was set first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Deadlines are told in nanoseconds since then; any before it, as at it.
    epoch: Instant,
    heap: Heap,
    /// Where in the heap each seat's node is; of a free seat, which is the next free one.
    positions: Vec<u32>,
    values: Vec<Option<T>>,
    first_free: u32,
    taken: usize,
    /// Tells equal deadlines apart. After four billion it begins anew, and a few that are equal just
    /// then may change places.
    next_turn: u32,
}

impl<T> Queue<T> {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            heap: Heap::default(),
            positions: Vec::new(),
            values: Vec::new(),
            first_free: NONE,
            taken: 0,
            next_turn: 0,
        }
    }

    /// Takes a seat, not yet waiting for anything.
    ///
    /// # Panics
    ///
    /// If there were four billion.
    pub(crate) fn join(&mut self) -> Key {
        self.taken += 1;
        if self.first_free == NONE {
            let seat = u32::try_from(self.positions.len()).unwrap_or(NONE);
            assert!(seat != NONE, "too many timers");
            self.positions.push(IDLE);
            self.values.push(None);
            return Key(seat);
        }
        let key = Key(self.first_free);
        self.first_free = std::mem::replace(&mut self.positions[key.index()], IDLE);
        key
    }

    /// Gives the seat back, with what waited in it.
    pub(crate) fn leave(&mut self, key: Key) -> Option<T> {
        let value = self.cancel(key);
        self.positions[key.index()] = self.first_free;
        self.first_free = key.0;
        self.taken -= 1;
        if self.taken == 0 && self.positions.len() > KEPT {
            // The last of a crowd: leave no memory behind.
            *self = Self::new(self.epoch);
        }
        value
    }

    /// Waits for `deadline` with `value`, in place of what this seat waited for before; returns
    /// the value it had.
    pub(crate) fn wait(&mut self, key: Key, deadline: Instant, value: T) -> Option<T> {
        let before = self.values[key.index()].replace(value);
        if !self.postpone(key, deadline) {
            let node = self.node(deadline, key);
            self.heap.push(node, &mut self.positions);
        }
        before
    }

    /// Moves a waiting seat to another deadline; `false` if it is not waiting.
    pub(crate) fn postpone(&mut self, key: Key, deadline: Instant) -> bool {
        let position = self.positions[key.index()];
        if position == IDLE {
            return false;
        }
        let position = position as usize;
        if self.heap.get(position).deadline() != self.time(deadline) {
            let node = self.node(deadline, key);
            self.heap.replace(position, node, &mut self.positions);
        }
        true
    }

    /// Stops waiting; returns what waited.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let position = self.positions[key.index()];
        if position != IDLE {
            self.heap.remove(position as usize, &mut self.positions);
        }
        self.values[key.index()].take()
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        let first = self.heap.first()?;
        Some(later(self.epoch, Duration::from_nanos(first.deadline())))
    }

    /// Takes the first value whose deadline is `now` or before.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let first = self.heap.first()?;
        if first.deadline() > self.time(now) {
            return None;
        }
        self.heap.remove(0, &mut self.positions);
        self.values[first.seat()].take()
    }

    /// Every value that waits, in no particular order.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_iter().flatten()
    }

    fn node(&mut self, deadline: Instant, key: Key) -> Node {
        let turn = self.next_turn;
        self.next_turn = turn.wrapping_add(1);
        Node::new(self.time(deadline), turn, key)
    }

    fn time(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.epoch);
        let secs = since.as_secs().saturating_mul(1_000_000_000);
        secs.saturating_add(since.subsec_nanos().into())
    }
}

/// A deadline, a turn and a seat, the first in the highest bits: nodes compare as numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node(u128);

impl Node {
    /// After any other.
    const NEVER: Self = Self(u128::MAX);

    fn new(deadline: u64, turn: u32, key: Key) -> Self {
        Self(u128::from(deadline) << 64 | u128::from(turn) << 32 | u128::from(key.0))
    }

    fn deadline(self) -> u64 {
        (self.0 >> 64) as u64
    }

    #[allow(clippy::cast_possible_truncation, reason = "it is the lowest 32 bits")]
    fn seat(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Children of one parent: a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Siblings([Node; ARITY]);

/// The heap's root is alone in the last place of the first siblings; the children of position `p`
/// are the siblings `p + 1`. Places behind the last node are filled with [`Node::NEVER`].
#[derive(Debug, Default)]
struct Heap {
    siblings: Vec<Siblings>,
    len: usize,
}

impl Heap {
    fn get(&self, position: usize) -> Node {
        let place = position + ARITY - 1;
        self.siblings[place / ARITY].0[place % ARITY]
    }

    fn first(&self) -> Option<Node> {
        (self.len > 0).then(|| self.get(0))
    }

    fn set(&mut self, position: usize, node: Node) {
        let place = position + ARITY - 1;
        self.siblings[place / ARITY].0[place % ARITY] = node;
    }

    /// As [`set`](Self::set), and lets the node's seat know.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "there are no more nodes than seats, whose numbers have 32 bits"
    )]
    fn place(&mut self, position: usize, node: Node, positions: &mut [u32]) {
        self.set(position, node);
        positions[node.seat()] = position as u32;
    }

    fn push(&mut self, node: Node, positions: &mut [u32]) {
        if self.len.div_ceil(ARITY) == self.siblings.len() {
            self.siblings.push(Siblings([Node::NEVER; ARITY]));
        }
        self.len += 1;
        self.sift_up(self.len - 1, node, positions);
    }

    fn remove(&mut self, position: usize, positions: &mut [u32]) {
        positions[self.get(position).seat()] = IDLE;
        self.len -= 1;
        let last = self.get(self.len);
        self.set(self.len, Node::NEVER);
        if position < self.len {
            self.replace(position, last, positions);
        }
    }

    /// Puts `node` where it belongs, in place of the one at `position`.
    fn replace(&mut self, position: usize, node: Node, positions: &mut [u32]) {
        if position > 0 && node < self.get((position - 1) / ARITY) {
            self.sift_up(position, node, positions);
        } else {
            self.sift_down(position, node, positions);
        }
    }

    fn sift_up(&mut self, mut position: usize, node: Node, positions: &mut [u32]) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            let above = self.get(parent);
            if above <= node {
                break;
            }
            self.place(position, above, positions);
            position = parent;
        }
        self.place(position, node, positions);
    }

    fn sift_down(&mut self, mut position: usize, node: Node, positions: &mut [u32]) {
        while let Some(Siblings([a, b, c, d])) = self.siblings.get(position + 1).copied() {
            let (left, l) = if b < a { (b, 1) } else { (a, 0) };
            let (right, r) = if d < c { (d, 3) } else { (c, 2) };
            let (child, which) = if right < left { (right, r) } else { (left, l) };
            if node <= child {
                break;
            }
            self.place(position, child, positions);
            position = position * ARITY + 1 + which;
        }
        self.place(position, node, positions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[derive(Debug, Clone)]
    enum Op {
        Join,
        Leave(usize),
        Wait(usize, u64),
        Postpone(usize, u64),
        Cancel(usize),
        PopDue(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        // Few distinct deadlines, so that many are equal.
        let deadline = || 0_u64..20;
        prop_oneof![
            3 => Just(Op::Join),
            1 => any::<usize>().prop_map(Op::Leave),
            6 => (any::<usize>(), deadline()).prop_map(|(key, at)| Op::Wait(key, at)),
            2 => (any::<usize>(), deadline()).prop_map(|(key, at)| Op::Postpone(key, at)),
            1 => any::<usize>().prop_map(Op::Cancel),
            2 => deadline().prop_map(Op::PopDue),
        ]
    }

    /// What waits, by deadline and turn, with whose it is and what it is.
    #[derive(Default)]
    struct Model {
        waiting: BTreeMap<(Instant, u64), (usize, u64)>,
        turn: u64,
    }

    impl Model {
        fn find(&self, owner: usize) -> Option<(Instant, u64)> {
            let found = self.waiting.iter().find(|(_, value)| value.0 == owner);
            found.map(|(place, _)| *place)
        }

        fn insert(&mut self, owner: usize, deadline: Instant, value: u64) {
            self.waiting.insert((deadline, self.turn), (owner, value));
            self.turn += 1;
        }

        fn remove(&mut self, owner: usize) -> Option<(Instant, u64)> {
            let place = self.find(owner)?;
            let (_, value) = self.waiting.remove(&place)?;
            Some((place.0, value))
        }
    }

    /// Every node knows its seat, every seat its node, and no child is before its parent.
    fn check<T>(queue: &Queue<T>) {
        let heap = &queue.heap;
        for position in 0..heap.len {
            let node = heap.get(position);
            assert_eq!(queue.positions[node.seat()] as usize, position);
            assert!(queue.values[node.seat()].is_some());
            assert!(position == 0 || heap.get((position - 1) / ARITY) <= node);
        }
        for position in heap.len..(heap.siblings.len() * ARITY).saturating_sub(ARITY - 1) {
            assert_eq!(heap.get(position), Node::NEVER);
        }
        let values = queue.values.iter().filter(|value| value.is_some());
        assert_eq!(values.count(), heap.len);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn behaves_as_a_sorted_map(ops in prop::collection::vec(op(), 1..120)) {
            let origin = Instant::now();
            let at = |deadline: u64| origin + Duration::from_nanos(deadline);
            let mut queue = Queue::new(origin);
            let mut model = Model::default();
            let mut keys: Vec<(usize, Key)> = Vec::new();
            let mut next_owner = 0;
            let mut next_value = 0;
            let pick = |keys: &[(usize, Key)], n: usize| keys.get(n % keys.len().max(1)).copied();

            for op in ops {
                match op {
                    Op::Join => {
                        keys.push((next_owner, queue.join()));
                        next_owner += 1;
                    }
                    Op::Leave(n) => if let Some((owner, key)) = pick(&keys, n) {
                        keys.retain(|(other, _)| *other != owner);
                        prop_assert_eq!(queue.leave(key), model.remove(owner).map(|(_, v)| v));
                    }
                    Op::Wait(n, deadline) => if let Some((owner, key)) = pick(&keys, n) {
                        let before = model.find(owner);
                        let replaced = queue.wait(key, at(deadline), next_value);
                        if let Some(place) = before.filter(|(old, _)| *old == at(deadline)) {
                            // The same deadline keeps its turn.
                            let slot = model.waiting.get_mut(&place).unwrap();
                            prop_assert_eq!(replaced, Some(slot.1));
                            slot.1 = next_value;
                        } else {
                            prop_assert_eq!(replaced, model.remove(owner).map(|(_, v)| v));
                            model.insert(owner, at(deadline), next_value);
                        }
                        next_value += 1;
                    }
                    Op::Postpone(n, deadline) => if let Some((owner, key)) = pick(&keys, n) {
                        let before = model.find(owner);
                        prop_assert_eq!(queue.postpone(key, at(deadline)), before.is_some());
                        if before.is_some_and(|(old, _)| old != at(deadline)) {
                            let (_, value) = model.remove(owner).unwrap();
                            model.insert(owner, at(deadline), value);
                        }
                    }
                    Op::Cancel(n) => if let Some((owner, key)) = pick(&keys, n) {
                        prop_assert_eq!(queue.cancel(key), model.remove(owner).map(|(_, v)| v));
                    }
                    Op::PopDue(now) => {
                        let first = model.waiting.first_key_value();
                        let due = first.filter(|((deadline, _), _)| *deadline <= at(now));
                        let due = due.map(|(place, value)| (*place, value.1));
                        if let Some((place, _)) = due {
                            model.waiting.remove(&place);
                        }
                        prop_assert_eq!(queue.pop_due(at(now)), due.map(|(_, value)| value));
                    }
                }
                let earliest = model.waiting.first_key_value().map(|((deadline, _), _)| *deadline);
                prop_assert_eq!(queue.earliest(), earliest);
                check(&queue);
            }

            let mut left: Vec<u64> = queue.into_values().collect();
            left.sort_unstable();
            let mut expected: Vec<u64> = model.waiting.into_values().map(|(_, v)| v).collect();
            expected.sort_unstable();
            prop_assert_eq!(left, expected);
        }
    }

    #[test]
    fn a_crowd_leaves_no_memory_behind() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        let keys: Vec<_> = (0..10 * KEPT).map(|_| queue.join()).collect();
        for key in &keys {
            queue.wait(*key, now, ());
        }
        for key in keys {
            assert_eq!(queue.leave(key), Some(()));
        }
        assert_eq!(queue.heap.siblings.capacity(), 0);
        assert_eq!(queue.positions.capacity() + queue.values.capacity(), 0);
    }

    #[test]
    fn the_past_is_as_good_as_the_epoch() {
        let past = Instant::now();
        let epoch = past + Duration::from_secs(1);
        let mut queue = Queue::new(epoch);
        for (value, deadline) in [(1, epoch), (2, past), (3, epoch)] {
            let key = queue.join();
            queue.wait(key, deadline, value);
        }
        assert_eq!(queue.earliest(), Some(epoch));
        let order = [(); 3].map(|()| queue.pop_due(epoch));
        assert_eq!(order, [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn seats_are_used_again() {
        let now = Instant::now();
        let mut queue = Queue::new(now);
        for _ in 0..1000 {
            let key = queue.join();
            queue.wait(key, now, ());
            queue.leave(key);
        }
        assert_eq!(queue.positions.len(), 1);
    }
}
