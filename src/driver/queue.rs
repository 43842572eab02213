//! The deadlines of one driver, in order. A data structure: no clock, no I/O, no lock.
//!
//! Moments and spans of time are numbers here, of whatever unit.
//!
//! A 4-ary heap of deadlines over a slab of seats. A timer takes a seat when it first waits and
//! keeps it until it is dropped, so a periodic timer's every wait after the first is a push onto
//! the heap and nothing else: no allocation, and no key that could be stale.
//!
//! What the heap moves about is small, and a node's four children are one cache line: with many
//! timers, it is the memory that takes the time.

#[cfg(any(test, fuzzing))]
pub(crate) mod check;

use std::mem;
use std::num::NonZeroU32;

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
pub(crate) struct Key(NonZeroU32);

impl Key {
    /// # Panics
    ///
    /// If there is no such seat: four billion are the most.
    fn new(seat: u32) -> Self {
        Self(NonZeroU32::new(seat.wrapping_add(1)).expect("too many timers"))
    }

    fn seat(self) -> u32 {
        self.0.get() - 1
    }

    fn index(self) -> usize {
        self.seat() as usize
    }
}

/// Values waiting for their deadlines.
///
/// Each has a span of time in which it is to be taken, from its deadline to its latest moment. They
/// are in the order of their latest moments, and of equal ones the one that was set first comes
/// first: as with the kernel's own timers that have a range, one moment serves all whose spans it
/// lies in.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: Heap,
    /// Where in the heap each seat's node is; of a free seat, which is the next free one.
    positions: Vec<u32>,
    waits: Vec<Option<Wait<T>>>,
    first_free: u32,
    taken: usize,
    /// Tells equal moments apart. After four billion it begins anew: of two equal ones between which
    /// it did, the later one comes first.
    next_turn: u32,
}

/// What waits in a seat.
#[derive(Debug)]
struct Wait<T> {
    value: T,
    /// From its deadline to its latest moment.
    slack: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: Heap::default(),
            positions: Vec::new(),
            waits: Vec::new(),
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
        let key = if self.first_free == NONE {
            let key = Key::new(u32::try_from(self.positions.len()).unwrap_or(NONE));
            self.positions.push(IDLE);
            self.waits.push(None);
            key
        } else {
            let key = Key::new(self.first_free);
            self.first_free = mem::replace(&mut self.positions[key.index()], IDLE);
            key
        };
        self.taken += 1;
        key
    }

    /// Gives the seat back, with what waited in it.
    pub(crate) fn leave(&mut self, key: Key) -> Option<T> {
        let value = self.cancel(key);
        self.positions[key.index()] = self.first_free;
        self.first_free = key.seat();
        self.taken -= 1;
        if self.taken == 0 && self.positions.len() > KEPT {
            // The last of a crowd: leave no memory behind.
            *self = Self::new();
        }
        value
    }

    /// Waits for `span` with `value`, in place of what this seat waited for before; returns the
    /// value it had.
    pub(crate) fn wait(&mut self, key: Key, span: Span, value: T) -> Option<T> {
        let slack = span.slack;
        let before = self.waits[key.index()].replace(Wait { value, slack });
        self.put(key, span.latest());
        before.map(|wait| wait.value)
    }

    /// Moves a waiting seat to another span; `false` if it is not waiting.
    pub(crate) fn postpone(&mut self, key: Key, span: Span) -> bool {
        let Some(wait) = &mut self.waits[key.index()] else {
            return false;
        };
        wait.slack = span.slack;
        self.put(key, span.latest());
        true
    }

    /// Stops waiting; returns what waited.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let wait = self.waits[key.index()].take()?;
        let position = self.positions[key.index()];
        self.heap.remove(position as usize, &mut self.positions);
        Some(wait.value)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.heap.len
    }

    /// By when something is to be taken: the first of the latest moments.
    pub(crate) fn first(&self) -> Option<u64> {
        self.heap.first().map(Node::latest)
    }

    /// How much slack the one has that is to be taken first.
    pub(crate) fn first_slack(&self) -> u64 {
        let first = self.heap.first();
        let wait = first.and_then(|first| self.waits[first.seat()].as_ref());
        wait.map_or(0, |wait| wait.slack)
    }

    /// Takes the first value, if its deadline is `now` or before.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<T> {
        let first = self.heap.first()?;
        let wait = self.waits[first.seat()].take_if(|wait| first.latest() - wait.slack <= now)?;
        self.heap.remove(0, &mut self.positions);
        Some(wait.value)
    }

    /// Every value that waits, in no particular order.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.waits.into_iter().flatten().map(|wait| wait.value)
    }

    /// One that is there already keeps its turn.
    fn put(&mut self, key: Key, latest: u64) {
        let position = self.positions[key.index()];
        if position != IDLE && self.heap.get(position as usize).latest() == latest {
            return;
        }
        let node = Node::new(latest, self.next_turn, key);
        self.next_turn = self.next_turn.wrapping_add(1);
        if position == IDLE {
            self.heap.push(node, &mut self.positions);
        } else {
            self.heap
                .replace(position as usize, node, &mut self.positions);
        }
    }
}

/// From a deadline to the latest moment, `slack` after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    deadline: u64,
    slack: u64,
}

impl Span {
    /// It ends before the numbers do.
    pub(crate) fn new(deadline: u64, slack: u64) -> Self {
        let deadline = deadline.min(u64::MAX - 1);
        Self {
            deadline,
            slack: slack.min(u64::MAX - 1 - deadline),
        }
    }

    /// The span of `slack` that ends there.
    pub(crate) fn until(latest: u64, slack: u64) -> Self {
        Self::new(latest.saturating_sub(slack), slack.min(latest))
    }

    pub(crate) fn deadline(self) -> u64 {
        self.deadline
    }

    pub(crate) fn slack(self) -> u64 {
        self.slack
    }

    pub(crate) fn latest(self) -> u64 {
        self.deadline + self.slack
    }
}

/// A latest moment, a turn and a seat, the first in the highest bits: nodes compare as numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node(u128);

impl Node {
    /// After any other.
    const NEVER: Self = Self(u128::MAX);

    fn new(latest: u64, turn: u32, key: Key) -> Self {
        Self(u128::from(latest) << 64 | u128::from(turn) << 32 | u128::from(key.seat()))
    }

    fn latest(self) -> u64 {
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
    use super::check::Op;
    use super::*;
    use proptest::prelude::*;

    fn op() -> impl Strategy<Value = Op> {
        // Few distinct moments, so that many are equal.
        let deadline = || 0_u64..20;
        let slack = || prop_oneof![3 => Just(0_u64), 1 => 0_u64..10];
        prop_oneof![
            3 => Just(Op::Join),
            1 => any::<usize>().prop_map(Op::Leave),
            6 => (any::<usize>(), deadline(), slack()).prop_map(|(key, at, for_)| Op::Wait(key, at, for_)),
            2 => (any::<usize>(), deadline(), slack()).prop_map(|(key, at, for_)| Op::Postpone(key, at, for_)),
            1 => any::<usize>().prop_map(Op::Cancel),
            2 => (0_u64..30).prop_map(Op::PopDue),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn behaves_as_a_sorted_map(ops in prop::collection::vec(op(), 1..120)) {
            check::behaves_as_a_sorted_map(ops);
        }

        /// When there are some levels of it.
        #[test]
        fn a_large_one_behaves_as_a_sorted_map(
            waits in prop::collection::vec((0_u64..200, 0_u64..3), 1..100),
            ops in prop::collection::vec(op(), 1..60),
        ) {
            let crowd = waits.into_iter().enumerate();
            let crowd = crowd.flat_map(|(n, (at, for_))| [Op::Join, Op::Wait(n, at, for_)]);
            check::behaves_as_a_sorted_map(crowd.chain(ops));
        }

        #[test]
        fn a_span_is_what_it_was_made_of(deadline in 0_u64..1_000, slack in 0_u64..1_000) {
            for span in [Span::new(deadline, slack), Span::until(deadline + slack, slack)] {
                prop_assert_eq!((span.deadline(), span.slack()), (deadline, slack));
                prop_assert_eq!(span.latest(), deadline + slack);
            }
        }
    }

    #[test]
    fn one_moment_serves_all_whose_spans_it_lies_in() {
        let mut queue = Queue::new();
        let mut wait = |value, deadline, slack| {
            let key = queue.join();
            queue.wait(key, Span::new(deadline, slack), value);
        };
        wait("strict", 5, 0);
        wait("tolerant", 3, 4);
        wait("later", 6, 3);
        assert_eq!(queue.first(), Some(5));
        let at_five = [(); 3].map(|()| queue.pop_due(5));
        assert_eq!(at_five, [Some("strict"), Some("tolerant"), None]);
        assert_eq!(queue.first(), Some(9));
    }

    #[test]
    fn a_crowd_leaves_no_memory_behind() {
        let mut queue = Queue::new();
        let keys: Vec<_> = (0..10 * KEPT).map(|_| queue.join()).collect();
        for key in &keys {
            queue.wait(*key, Span::new(7, 0), ());
        }
        for key in keys {
            assert_eq!(queue.leave(key), Some(()));
        }
        assert_eq!(queue.heap.siblings.capacity(), 0);
        assert_eq!(queue.positions.capacity() + queue.waits.capacity(), 0);
    }

    /// Few timers that come and go again and again are no crowd.
    #[test]
    fn what_is_no_crowd_keeps_its_memory() {
        let mut queue = Queue::<()>::new();
        let keys: Vec<_> = (0..KEPT).map(|_| queue.join()).collect();
        for key in keys {
            queue.leave(key);
        }
        assert_eq!(queue.positions.len(), KEPT);
    }

    #[test]
    fn a_span_ends_before_the_numbers_do() {
        for deadline in [u64::MAX - 2, u64::MAX - 1, u64::MAX] {
            let mut queue = Queue::new();
            let key = queue.join();
            queue.wait(key, Span::new(deadline, u64::MAX), ());
            assert_eq!(queue.first(), Some(u64::MAX - 1));
            assert_eq!(queue.pop_due(u64::MAX - 3), None);
            assert_eq!(queue.pop_due(u64::MAX - 1), Some(()));
        }
    }

    #[test]
    fn seats_are_used_again() {
        let mut queue = Queue::new();
        for _ in 0..1000 {
            let key = queue.join();
            queue.wait(key, Span::new(7, 0), ());
            queue.leave(key);
        }
        assert_eq!(queue.positions.len(), 1);
    }
}
