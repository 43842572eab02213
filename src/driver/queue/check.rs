//! Checks the queue against a sorted map. Used by the queue's tests and by the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::collections::BTreeMap;

use super::heap::{ARITY, Heap};
use super::node::Node;
use super::slab::{SLOTS_PER_BLOCK, Slab};
use super::slot::{Location, NO_SLOT};
use super::wheel::{BUCKETS_PER_LEVEL, LEVELS, Wheel, bucket_end};
use super::{HEAP_ONLY_LIMIT, MIN_HEAP_LEN, Queue, SlotId, Window};

/// An operation on a queue. A `usize` picks one of the slots in use. If there is none, the operation does
/// nothing.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// Allocates a slot.
    Alloc,
    /// Frees a slot.
    Free(usize),
    /// Inserts a value into a slot, with a deadline, a slack and a period.
    Insert(usize, u64, u64, u64),
    /// Moves a waiting slot to another deadline and slack.
    Reset(usize, u64, u64),
    /// Moves a waiting slot to another deadline with the same slack.
    Reschedule(usize, u64),
    /// Replaces the value of a waiting slot, with another period.
    Replace(usize, u64),
    /// Removes the value from a slot.
    Remove(usize),
    /// Pops the next value, if it is due at that timestamp.
    PopDue(u64),
    /// Pops all values that are due at that timestamp.
    PopAllDue(u64),
    /// Counts up to that many hard deadlines, as far as that timestamp.
    Count(u8, u64),
    /// Allocates that many slots and inserts values, the first with that deadline and each of the others
    /// that much later.
    InsertMany(u16, u64, u64),
    /// Frees that many slots, from that one on.
    FreeMany(u16, usize),
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    deadline: u64,
    period: u64,
    timer: usize,
    value: u64,
}

/// A sorted map that does what the queue should do.
#[derive(Default)]
struct Model {
    /// The waits by hard deadline and seq.
    waiting: BTreeMap<(u64, u64), Wait>,
    /// The key of each timer's wait.
    keys: BTreeMap<usize, (u64, u64)>,
    seq: u64,
}

impl Model {
    fn find(&self, timer: usize) -> Option<((u64, u64), Wait)> {
        let key = self.keys.get(&timer)?;
        Some((*key, self.waiting[key]))
    }

    fn insert(&mut self, mut wait: Wait, slack: u64) -> Option<u64> {
        // The last number means "never".
        wait.deadline = wait.deadline.min(u64::MAX - 1);
        let hard_deadline = wait.deadline + round_down(slack.min(u64::MAX - 1 - wait.deadline));
        // An unchanged hard deadline keeps its seq.
        let key = self.keys.get(&wait.timer).copied();
        let key = key.filter(|(before, _)| *before == hard_deadline);
        self.set(wait, key.unwrap_or((hard_deadline, self.seq)))
    }

    fn reschedule(&mut self, timer: usize, deadline: u64) {
        if let Some(((before, _), mut wait)) = self.find(timer) {
            let window = Window::new(deadline, before - wait.deadline);
            wait.deadline = window.deadline();
            self.set(wait, (window.hard_deadline(), self.seq));
        }
    }

    fn set(&mut self, wait: Wait, key: (u64, u64)) -> Option<u64> {
        self.seq += 1;
        let before = self.remove(wait.timer);
        self.waiting.insert(key, wait);
        self.keys.insert(wait.timer, key);
        before
    }

    fn remove(&mut self, timer: usize) -> Option<u64> {
        let key = self.keys.remove(&timer)?;
        self.waiting.remove(&key).map(|wait| wait.value)
    }

    fn pop_due(&mut self, now: u64) -> Option<u64> {
        let (_, first) = self.waiting.first_key_value()?;
        let timer = first.timer;
        (first.deadline <= now).then(|| self.remove(timer))?
    }

    /// Predicts the next hard deadline after a wake-up at `timestamp`. The queue predicts the same among few
    /// timers.
    fn predict_after(&self, timestamp: u64) -> Option<u64> {
        let mut waiting = self.waiting.iter();
        let is_served = |wait: &Wait| wait.deadline <= timestamp;
        let predicted = |hard_deadline: u64, wait: &Wait| {
            (wait.period > 0).then(|| hard_deadline.saturating_add(wait.period).min(u64::MAX - 1))
        };
        let mut next = None;
        for (n, ((hard_deadline, _), wait)) in waiting.by_ref().enumerate() {
            let unserved = (n > 0 && !is_served(wait)).then_some(*hard_deadline);
            let candidate = unserved.or_else(|| predicted(*hard_deadline, wait));
            next = next.into_iter().chain(candidate).min();
            if unserved.is_some() {
                break;
            }
        }
        next.filter(|next| *next > timestamp)
    }
}

/// Keeps the highest 26 significant bits, as a window does.
fn round_down(slack: u64) -> u64 {
    let lost = 38_u32.saturating_sub(slack.leading_zeros());
    slack >> lost << lost
}

/// The queue, the map and the slots in use.
struct Checker {
    /// The user data counts the allocations in a block since the queue allocated it.
    queue: Queue<u64, usize>,
    model: Model,
    /// The slot of each timer that has one, in the order of the timers' numbers.
    slots: Vec<(usize, SlotId)>,
    /// How many timers were created.
    timers: usize,
    /// How many values were inserted.
    values: u64,
    /// The slots in use of each block, and how many were allocated since the block was empty.
    blocks: BTreeMap<usize, (u64, usize)>,
}

/// Applies `ops` to a queue and to a sorted map.
///
/// # Panics
///
/// If the queue differs from the map or violates one of its invariants.
pub fn behaves_as_a_sorted_map(ops: impl IntoIterator<Item = Op>) {
    let mut checker = Checker {
        queue: Queue::new(),
        model: Model::default(),
        slots: Vec::new(),
        timers: 0,
        values: 0,
        blocks: BTreeMap::new(),
    };
    for op in ops {
        checker.run(op);
        checker.assert_same_state();
        assert_invariants(&checker.queue);
    }
    let mut left: Vec<u64> = checker.queue.into_values().collect();
    left.sort_unstable();
    let waiting = checker.model.waiting.into_values();
    let mut expected: Vec<u64> = waiting.map(|wait| wait.value).collect();
    expected.sort_unstable();
    assert_eq!(left, expected);
}

impl Checker {
    fn run(&mut self, op: Op) {
        match op {
            Op::Alloc => {
                self.alloc();
            }
            Op::Free(n) => self.free(n),
            Op::Insert(n, deadline, slack, period) => {
                if let Some((timer, id)) = self.pick(n) {
                    self.insert(timer, id, (deadline, slack), period);
                }
            }
            Op::Reset(n, deadline, slack) => {
                if let Some((timer, id)) = self.pick(n) {
                    let wait = self.model.find(timer);
                    let was_waiting = self.queue.reset(id, Window::new(deadline, slack));
                    assert_eq!(was_waiting, wait.is_some());
                    if let Some((_, mut wait)) = wait {
                        (wait.deadline, wait.period) = (deadline, 0);
                        self.model.insert(wait, slack);
                    }
                }
            }
            Op::Reschedule(n, deadline) => {
                if let Some((timer, id)) = self.pick(n) {
                    let is_waiting = self.model.find(timer).is_some();
                    assert_eq!(self.queue.reschedule(id, deadline), is_waiting);
                    self.model.reschedule(timer, deadline);
                }
            }
            Op::Replace(n, period) => {
                if let Some((timer, id)) = self.pick(n) {
                    let wait = self.model.find(timer);
                    assert_eq!(self.queue.is_waiting(id), wait.is_some());
                    if let Some((key, wait)) = wait {
                        let value = self.next_value();
                        assert_eq!(self.queue.replace(id, period, value), Some(wait.value));
                        let wait = Wait {
                            period,
                            value,
                            ..wait
                        };
                        self.model.waiting.insert(key, wait);
                    }
                }
            }
            Op::Remove(n) => {
                if let Some((timer, id)) = self.pick(n) {
                    assert_eq!(self.queue.remove(id), self.model.remove(timer));
                }
            }
            Op::PopDue(now) => assert_eq!(self.queue.pop_due(now), self.model.pop_due(now)),
            Op::PopAllDue(now) => loop {
                let value = self.queue.pop_due(now);
                assert_eq!(value, self.model.pop_due(now));
                if value.is_none() {
                    break;
                }
            },
            Op::Count(max, until) => {
                let expected = self.model.waiting.range(..=(until, u64::MAX)).count();
                for max in [usize::from(max), expected, expected + 1] {
                    assert_eq!(self.queue.count(until, max), expected.min(max));
                }
            }
            Op::InsertMany(count, first, step) => {
                for n in 0..u64::from(count) {
                    let (timer, id) = self.alloc();
                    let deadline = first.saturating_add(n.saturating_mul(step));
                    self.insert(timer, id, (deadline, 0), 0);
                }
            }
            Op::FreeMany(count, n) => {
                for _ in 0..count {
                    self.free(n);
                }
            }
        }
    }

    fn pick(&self, n: usize) -> Option<(usize, SlotId)> {
        self.slots.get(n % self.slots.len().max(1)).copied()
    }

    fn alloc(&mut self) -> (usize, SlotId) {
        let id = self.queue.alloc();
        let in_use = |block| self.blocks.get(&block).map_or(0, |(in_use, _)| *in_use);
        let block = (0..=self.blocks.len())
            .find(|block| in_use(*block) != u64::MAX)
            .unwrap_or(0);
        let (in_use, allocated) = self.blocks.entry(block).or_default();
        assert_eq!(
            id.index(),
            block * SLOTS_PER_BLOCK + in_use.trailing_ones() as usize
        );
        *in_use |= 1 << in_use.trailing_ones();
        *allocated += 1;
        *self.queue.user_data(id) += 1;
        self.timers += 1;
        self.slots.push((self.timers, id));
        (self.timers, id)
    }

    fn free(&mut self, n: usize) {
        let Some((timer, id)) = self.pick(n) else {
            return;
        };
        self.slots.retain(|(other, _)| *other != timer);
        assert_eq!(self.queue.free(id), self.model.remove(timer));
        let block = id.index() / SLOTS_PER_BLOCK;
        let (in_use, _) = self.blocks.get_mut(&block).unwrap();
        *in_use &= !(1 << (id.index() % SLOTS_PER_BLOCK));
        if *in_use == 0 {
            self.blocks.remove(&block);
        }
    }

    fn next_value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    fn insert(&mut self, timer: usize, id: SlotId, (deadline, slack): (u64, u64), period: u64) {
        let value = self.next_value();
        let window = Window::new(deadline, slack);
        let replaced = self.queue.insert(id, window, period, value);
        let wait = Wait {
            deadline,
            period,
            timer,
            value,
        };
        assert_eq!(replaced, self.model.insert(wait, slack));
    }

    /// Asserts that every query of the queue agrees with the map.
    fn assert_same_state(&mut self) {
        let (queue, model) = (&mut self.queue, &self.model);
        let first = model.waiting.first_key_value();
        assert_eq!(
            queue.next_hard_deadline(),
            first.map(|((hard_deadline, _), _)| *hard_deadline)
        );
        let slack = first.map(|((hard_deadline, _), wait)| hard_deadline - wait.deadline);
        assert_eq!(queue.next_slack(), slack.unwrap_or(0));
        assert!(first.is_some() || queue.next_due(u64::MAX).is_none());
        assert_eq!(queue.first(), queue.next_due(u64::MAX));
        if let Some(((hard_deadline, _), wait)) = first {
            for timestamp in [wait.deadline, *hard_deadline] {
                let predicted = queue.predict_after(timestamp).map(Window::hard_deadline);
                if model.waiting.len() <= 1 + ARITY {
                    assert_eq!(predicted, model.predict_after(timestamp));
                }
                assert!(predicted.is_none_or(|predicted| predicted > timestamp));
            }
            let due = queue.next_due(wait.deadline);
            assert!(self.slots.contains(&(wait.timer, due.unwrap())));
            let before = wait.deadline.checked_sub(1);
            assert!(before.is_none_or(|before| queue.next_due(before).is_none()));
        }
        for (timer, id) in &self.slots {
            if let Some(((hard_deadline, _), wait)) = model.find(*timer) {
                assert_eq!(queue.deadline(*id), wait.deadline);
                let window = Window::new(wait.deadline, hard_deadline - wait.deadline);
                assert!(!queue.expires_before(*id, window));
                let later = Window::new(wait.deadline + 1, window.slack());
                let is_later = later.hard_deadline() > hard_deadline;
                assert_eq!(queue.expires_before(*id, later), is_later);
            }
            let allocated = self.blocks[&(id.index() / SLOTS_PER_BLOCK)].1;
            // The queue may have retained a block that the checker counts as freed.
            assert!(*queue.user_data(*id) >= allocated);
        }
        let blocks = queue.slab.blocks.iter().enumerate();
        let free = blocks.filter_map(|(n, block)| Some((n, block.as_ref()?.free)));
        let free = free.filter(|(_, free)| *free != u64::MAX);
        let expected = self.blocks.iter().map(|(n, (in_use, _))| (*n, !in_use));
        assert!(free.eq(expected));
    }
}

/// Asserts that every part of the queue is in order.
fn assert_invariants(queue: &Queue<u64, usize>) {
    let Queue {
        slab, wheel, heap, ..
    } = queue;
    assert_slab_invariants(slab);
    assert_heap_invariants(heap, slab, wheel.horizon);
    assert_wheel_invariants(wheel, slab);

    let blocks = slab.blocks.iter().flatten();
    let slots = blocks.flat_map(|block| &block.slots);
    let (waiting, idle): (Vec<_>, Vec<_>) = slots.partition(|slot| slot.value.is_some());
    assert_eq!(waiting.len(), heap.len() + wheel.len);
    assert!(idle.iter().all(|slot| slot.location() == Location::Idle));

    let has_no_wheel =
        wheel.is_empty() && wheel.horizon == u64::MAX && queue.heap_limit == HEAP_ONLY_LIMIT;
    assert!(heap.len() >= MIN_HEAP_LEN || has_no_wheel);
}

/// Asserts that at most one empty block is allocated, and that `available` has the blocks with a free slot.
fn assert_slab_invariants(slab: &Slab<u64, usize>) {
    assert!(slab.blocks.last().is_none_or(Option::is_some));
    let available = |block: usize| {
        let word = slab.available.words.get(block / 64);
        word.is_some_and(|word| word & 1 << (block % 64) != 0)
    };
    for (n, block) in slab.blocks.iter().enumerate() {
        let free = block.as_ref().map_or(u64::MAX, |block| block.free);
        assert_eq!(available(n), free != 0);
        assert!(block.is_none() || free != u64::MAX || n == slab.retained);
    }
    let capacity = slab.available.words.len() * 64;
    assert!((slab.blocks.len()..capacity).all(|block| !available(block)));
    let empty = &slab.available.words[..slab.available.empty_words];
    assert!(empty.iter().all(|word| *word == 0));
}

/// Asserts that nodes and slots agree, that no child sorts before its parent, and that all nodes are before
/// the horizon.
fn assert_heap_invariants(heap: &Heap, slab: &Slab<u64, usize>, horizon: u64) {
    for index in 0..heap.len() {
        let node = heap.get(index);
        let slot = slab.get(node.slot());
        assert_eq!(slot.location(), Location::Heap(index));
        assert!(slot.value.is_some());
        assert_eq!(node, Node::new(slot.hard_deadline, slot.seq, node.slot()));
        assert!(index == 0 || heap.get((index - 1) / ARITY) <= node);
        assert!(node.hard_deadline() < horizon);
    }
    let capacity = (heap.siblings.len() * ARITY).saturating_sub(ARITY - 1);
    assert!(capacity < heap.len() + ARITY);
    for index in heap.len()..capacity {
        assert_eq!(heap.get(index), Node::NEVER);
    }
}

/// Asserts that every slot is in the bucket of its hard deadline, and that `occupied` has the buckets that
/// are not empty.
fn assert_wheel_invariants(wheel: &Wheel, slab: &Slab<u64, usize>) {
    assert!(wheel.horizon == u64::MAX || wheel.horizon == bucket_end(wheel.horizon - 1));
    let mut len = 0;
    for (n, list) in wheel.buckets.iter().enumerate() {
        let (level, bucket) = (n / BUCKETS_PER_LEVEL, n % BUCKETS_PER_LEVEL);
        assert_eq!(
            wheel.occupied[level] & 1 << bucket != 0,
            list.first != NO_SLOT
        );
        let (mut previous, mut number) = (NO_SLOT, list.first);
        while number != NO_SLOT {
            let slot = slab.get(number);
            assert!(matches!(slot.location(), Location::Wheel(_)));
            assert!(slot.value.is_some() && slot.hard_deadline >= wheel.horizon);
            assert_eq!(wheel.locate(slot.hard_deadline), (level, bucket));
            assert_eq!(slot.link, previous);
            (previous, number) = (number, slot.next());
            len += 1;
        }
        assert_eq!(list.last, previous);
    }
    assert_eq!(wheel.len, len);
    assert!(!wheel.buckets.is_empty() || wheel.occupied == [0; LEVELS]);
}
