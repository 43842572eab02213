//! The deadlines of one driver, in order. A data structure: no clock, no I/O, no lock.
//!
//! A 4-ary heap of deadlines over a slab of seats. A timer takes a seat when it first waits and
//! keeps it until it is dropped, so a periodic timer's every wait after the first is a push onto
//! the heap and nothing else: no allocation, and no key that could be stale.

use tokio::time::Instant;

/// Wide enough that a parent's children share a cache line or two, narrow enough that finding the
/// earliest of them is cheap.
const ARITY: usize = 4;

/// The heap position of a seat that is not waiting.
const IDLE: usize = usize::MAX;

/// How many seats an empty queue keeps.
const KEPT: usize = 1024;

/// A seat in one queue.
///
/// Only ever used with the queue that gave it, and not after [`Queue::leave`]: its one owner
/// upholds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(usize);

/// Values waiting for their deadlines; the earliest deadline first, and of equal ones the one that
/// was set first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: Vec<Node>,
    seats: Vec<Seat<T>>,
    free: Vec<usize>,
    /// Distinguishes equal deadlines. A `u64` counted up a billion times a second lasts 584 years.
    next_turn: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    deadline: Instant,
    turn: u64,
    seat: usize,
}

#[derive(Debug)]
struct Seat<T> {
    position: usize,
    value: Option<T>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: Vec::new(),
            seats: Vec::new(),
            free: Vec::new(),
            next_turn: 0,
        }
    }

    /// Takes a seat, not yet waiting for anything.
    pub(crate) fn join(&mut self) -> Key {
        let seat = self.free.pop().unwrap_or_else(|| {
            self.seats.push(Seat {
                position: IDLE,
                value: None,
            });
            self.seats.len() - 1
        });
        Key(seat)
    }

    /// Gives the seat back, with what waited in it.
    pub(crate) fn leave(&mut self, key: Key) -> Option<T> {
        let value = self.cancel(key);
        self.free.push(key.0);
        if self.free.len() == self.seats.len() && self.seats.len() > KEPT {
            // The last of a crowd: leave no memory behind.
            (self.heap, self.seats, self.free) = (Vec::new(), Vec::new(), Vec::new());
        }
        value
    }

    /// Waits for `deadline` with `value`, in place of what this seat waited for before; returns
    /// the value it had.
    pub(crate) fn wait(&mut self, key: Key, deadline: Instant, value: T) -> Option<T> {
        let before = self.seats[key.0].value.replace(value);
        if !self.postpone(key, deadline) {
            let node = self.node(deadline, key.0);
            self.heap.push(node);
            self.sift_up(self.heap.len() - 1);
        }
        before
    }

    /// Moves a waiting seat to another deadline; `false` if it is not waiting.
    pub(crate) fn postpone(&mut self, key: Key, deadline: Instant) -> bool {
        let position = self.seats[key.0].position;
        if position == IDLE {
            return false;
        }
        if self.heap[position].deadline != deadline {
            self.heap[position] = self.node(deadline, key.0);
            self.sift(position);
        }
        true
    }

    /// Stops waiting; returns what waited.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let position = self.seats[key.0].position;
        if position != IDLE {
            self.remove(position);
        }
        self.seats[key.0].value.take()
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.heap.first().map(|node| node.deadline)
    }

    /// Takes the first value whose deadline is `now` or before.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let first = *self.heap.first()?;
        if first.deadline > now {
            return None;
        }
        self.remove(0);
        self.seats[first.seat].value.take()
    }

    /// Every value that waits, in no particular order.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.seats.into_iter().filter_map(|seat| seat.value)
    }

    fn node(&mut self, deadline: Instant, seat: usize) -> Node {
        let turn = self.next_turn;
        self.next_turn += 1;
        Node {
            deadline,
            turn,
            seat,
        }
    }

    fn remove(&mut self, position: usize) {
        let removed = self.heap.swap_remove(position);
        self.seats[removed.seat].position = IDLE;
        if position < self.heap.len() {
            self.sift(position);
        }
    }

    /// Puts the node at `position`, which alone may be out of order, where it belongs.
    fn sift(&mut self, position: usize) {
        let position = self.sift_up(position);
        self.sift_down(position);
    }

    fn sift_up(&mut self, mut position: usize) -> usize {
        let node = self.heap[position];
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.heap[parent] <= node {
                break;
            }
            self.place(position, self.heap[parent]);
            position = parent;
        }
        self.place(position, node);
        position
    }

    fn sift_down(&mut self, mut position: usize) {
        let node = self.heap[position];
        loop {
            let first = position * ARITY + 1;
            let children = first..self.heap.len().min(first + ARITY);
            let Some(child) = children.min_by_key(|&child| self.heap[child]) else {
                break;
            };
            if node <= self.heap[child] {
                break;
            }
            self.place(position, self.heap[child]);
            position = child;
        }
        self.place(position, node);
    }

    fn place(&mut self, position: usize, node: Node) {
        self.heap[position] = node;
        self.seats[node.seat].position = position;
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
        for (position, node) in queue.heap.iter().enumerate() {
            assert_eq!(queue.seats[node.seat].position, position);
            assert!(queue.seats[node.seat].value.is_some());
            assert!(position == 0 || queue.heap[(position - 1) / ARITY] <= *node);
        }
        let waiting = queue.seats.iter().filter(|seat| seat.position != IDLE);
        assert_eq!(waiting.count(), queue.heap.len());
        let values = queue.seats.iter().filter(|seat| seat.value.is_some());
        assert_eq!(values.count(), queue.heap.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn behaves_as_a_sorted_map(ops in prop::collection::vec(op(), 1..120)) {
            let origin = Instant::now();
            let at = |deadline: u64| origin + Duration::from_nanos(deadline);
            let mut queue = Queue::new();
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
        let mut queue = Queue::new();
        let now = Instant::now();
        let keys: Vec<_> = (0..10 * KEPT).map(|_| queue.join()).collect();
        for key in &keys {
            queue.wait(*key, now, ());
        }
        for key in keys {
            assert_eq!(queue.leave(key), Some(()));
        }
        let capacity = queue.heap.capacity() + queue.seats.capacity() + queue.free.capacity();
        assert_eq!(capacity, 0);
    }

    #[test]
    fn seats_are_used_again() {
        let mut queue = Queue::new();
        let now = Instant::now();
        for _ in 0..1000 {
            let key = queue.join();
            queue.wait(key, now, ());
            queue.leave(key);
        }
        assert_eq!(queue.seats.len(), 1);
    }
}
