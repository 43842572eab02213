//! The queue against a sorted map. For the tests beside it and for the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::collections::BTreeMap;

use super::heap::{ARITY, Heap, Node};
use super::slab::{SLOTS_PER_BLOCK, Slab};
use super::slot::{NO_SLOT, Position};
use super::wheel::{BUCKETS, LEVELS, Wheel, behind};
use super::{MIN_HEAP, Queue, SlotId, WITHOUT_WHEEL, Window};

/// What is done to a queue. The first `usize` picks one of the slots that are in_use; if there is none,
/// nothing is done.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// Takes a slot.
    Alloc,
    /// Gives it back.
    Free(usize),
    /// Waits for a deadline, with so much slack, and is likely to wait again after that period.
    Insert(usize, u64, u64, u64),
    /// Moves one that waits to another deadline and slack.
    Reset(usize, u64, u64),
    /// Moves one that waits to another deadline, with the slack that it has.
    Reschedule(usize, u64),
    /// Stops waiting.
    Remove(usize),
    /// Takes the first, if it is due at that moment.
    PopDue(u64),
    /// Takes all that are due at that moment.
    PopAllDue(u64),
    /// Counts what is to be in_use by that moment, up to so many.
    Count(u8, u64),
    /// So many take slots and wait, the first until that moment and each of the others for so much
    /// longer.
    Crowd(u16, u64, u64),
    /// So many give their slots back, from that one on.
    Disperse(u16, usize),
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    deadline: u64,
    period: u64,
    owner: usize,
    value: u64,
}

/// What waits, by hard_deadline moment and seq.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<(u64, u64), Wait>,
    /// Where each owner's wait is.
    places: BTreeMap<usize, (u64, u64)>,
    seq: u64,
}

impl Model {
    fn find(&self, owner: usize) -> Option<((u64, u64), Wait)> {
        let place = self.places.get(&owner)?;
        Some((*place, self.waiting[place]))
    }

    fn put(&mut self, mut wait: Wait, slack: u64) -> Option<u64> {
        // The last number there is means "never".
        wait.deadline = wait.deadline.min(u64::MAX - 1);
        let hard_deadline = wait.deadline + rounded(slack.min(u64::MAX - 1 - wait.deadline));
        // The same hard_deadline moment keeps its seq.
        let place = self.places.get(&wait.owner).copied();
        let place = place.filter(|(same, _)| *same == hard_deadline);
        self.set(wait, place.unwrap_or((hard_deadline, self.seq)))
    }

    fn reschedule(&mut self, owner: usize, deadline: u64) {
        if let Some(((before, _), mut wait)) = self.find(owner) {
            let window = Window::new(deadline, before - wait.deadline);
            wait.deadline = window.deadline();
            self.set(wait, (window.hard_deadline(), self.seq));
        }
    }

    fn set(&mut self, wait: Wait, place: (u64, u64)) -> Option<u64> {
        self.seq += 1;
        let before = self.remove(wait.owner);
        self.waiting.insert(place, wait);
        self.places.insert(wait.owner, place);
        before
    }

    fn remove(&mut self, owner: usize) -> Option<u64> {
        let place = self.places.remove(&owner)?;
        self.waiting.remove(&place).map(|wait| wait.value)
    }

    fn pop_due(&mut self, now: u64) -> Option<u64> {
        let (_, first) = self.waiting.first_key_value()?;
        let owner = first.owner;
        (first.deadline <= now).then(|| self.remove(owner))?
    }

    /// The hard_deadline moment of what is likely to be first when all are in_use that `moment` serves. Among
    /// few it is told exactly.
    fn predict_after(&self, moment: u64) -> Option<u64> {
        let mut waiting = self.waiting.iter();
        let is_served = |wait: &Wait| wait.deadline <= moment;
        let again = |hard_deadline: u64, wait: &Wait| {
            (wait.period > 0).then(|| hard_deadline.saturating_add(wait.period).min(u64::MAX - 1))
        };
        let mut next = None;
        for (n, ((hard_deadline, _), wait)) in waiting.by_ref().enumerate() {
            let other = (n > 0 && !is_served(wait)).then_some(*hard_deadline);
            let candidate = other.or_else(|| again(*hard_deadline, wait));
            next = next.into_iter().chain(candidate).min();
            if other.is_some() {
                break;
            }
        }
        next.filter(|next| *next > moment)
    }
}

/// As a window keeps it: of its bits that count, the highest 26.
fn rounded(slack: u64) -> u64 {
    let lost = 38_u32.saturating_sub(slack.leading_zeros());
    slack >> lost << lost
}

/// The queue and the map, and who has slots.
struct Both {
    /// Beside each 64 slots: how many have joined since there was nobody.
    queue: Queue<u64, usize>,
    model: Model,
    /// By the numbers of their owners, which increase.
    keys: Vec<(usize, SlotId)>,
    owners: usize,
    values: u64,
    /// Of each 64 slots: which are in_use, and how many have joined since none was.
    chunks: BTreeMap<usize, (u64, usize)>,
}

/// Does all `ops`.
///
/// # Panics
///
/// If the queue does anything that the map does not.
pub fn behaves_as_a_sorted_map(ops: impl IntoIterator<Item = Op>) {
    let mut both = Both {
        queue: Queue::new(),
        model: Model::default(),
        keys: Vec::new(),
        owners: 0,
        values: 0,
        chunks: BTreeMap::new(),
    };
    for op in ops {
        both.run(op);
        both.are_alike();
        is_in_order(&both.queue);
    }
    let mut left: Vec<u64> = both.queue.into_values().collect();
    left.sort_unstable();
    let waiting = both.model.waiting.into_values();
    let mut expected: Vec<u64> = waiting.map(|wait| wait.value).collect();
    expected.sort_unstable();
    assert_eq!(left, expected);
}

impl Both {
    fn run(&mut self, op: Op) {
        match op {
            Op::Alloc => {
                self.alloc();
            }
            Op::Free(n) => self.free(n),
            Op::Insert(n, deadline, slack, period) => {
                if let Some((owner, id)) = self.pick(n) {
                    self.insert(owner, id, (deadline, slack), period);
                }
            }
            Op::Reset(n, deadline, slack) => {
                if let Some((owner, id)) = self.pick(n) {
                    let waits = self.model.find(owner);
                    let moved = self.queue.reset(id, Window::new(deadline, slack));
                    assert_eq!(moved, waits.is_some());
                    if let Some((_, mut wait)) = waits {
                        (wait.deadline, wait.period) = (deadline, 0);
                        self.model.put(wait, slack);
                    }
                }
            }
            Op::Reschedule(n, deadline) => {
                if let Some((owner, id)) = self.pick(n) {
                    let waits = self.model.find(owner).is_some();
                    assert_eq!(self.queue.reschedule(id, deadline), waits);
                    self.model.reschedule(owner, deadline);
                }
            }
            Op::Remove(n) => {
                if let Some((owner, id)) = self.pick(n) {
                    assert_eq!(self.queue.remove(id), self.model.remove(owner));
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
            Op::Count(most, until) => {
                let by_then = self.model.waiting.range(..=(until, u64::MAX)).count();
                for most in [usize::from(most), by_then, by_then + 1] {
                    assert_eq!(self.queue.count(until, most), by_then.min(most));
                }
            }
            Op::Crowd(many, at, apart) => {
                for n in 0..u64::from(many) {
                    let (owner, id) = self.alloc();
                    let at = at.saturating_add(n.saturating_mul(apart));
                    self.insert(owner, id, (at, 0), 0);
                }
            }
            Op::Disperse(many, n) => {
                for _ in 0..many {
                    self.free(n);
                }
            }
        }
    }

    fn pick(&self, n: usize) -> Option<(usize, SlotId)> {
        self.keys.get(n % self.keys.len().max(1)).copied()
    }

    fn alloc(&mut self) -> (usize, SlotId) {
        let id = self.queue.alloc();
        let in_use = |chunk| self.chunks.get(&chunk).map_or(0, |(in_use, _)| *in_use);
        let lowest = (0..=self.chunks.len())
            .find(|chunk| in_use(*chunk) != u64::MAX)
            .unwrap_or(0);
        let (in_use, joined) = self.chunks.entry(lowest).or_default();
        assert_eq!(
            id.index(),
            lowest * SLOTS_PER_BLOCK + in_use.trailing_ones() as usize
        );
        *in_use |= 1 << in_use.trailing_ones();
        *joined += 1;
        *self.queue.user_data(id) += 1;
        self.owners += 1;
        self.keys.push((self.owners, id));
        (self.owners, id)
    }

    fn free(&mut self, n: usize) {
        let Some((owner, id)) = self.pick(n) else {
            return;
        };
        self.keys.retain(|(other, _)| *other != owner);
        assert_eq!(self.queue.free(id), self.model.remove(owner));
        let chunk = id.index() / SLOTS_PER_BLOCK;
        let (in_use, _) = self.chunks.get_mut(&chunk).unwrap();
        *in_use &= !(1 << (id.index() % SLOTS_PER_BLOCK));
        if *in_use == 0 {
            self.chunks.remove(&chunk);
        }
    }

    fn insert(&mut self, owner: usize, id: SlotId, (deadline, slack): (u64, u64), period: u64) {
        let value = self.values;
        self.values += 1;
        let window = Window::new(deadline, slack);
        let replaced = self.queue.insert(id, window, period, value);
        let wait = Wait {
            deadline,
            period,
            owner,
            value,
        };
        assert_eq!(replaced, self.model.put(wait, slack));
    }

    /// All that the queue can be asked for is what the map says.
    fn are_alike(&mut self) {
        let (queue, model) = (&mut self.queue, &self.model);
        let first = model.waiting.first_key_value();
        assert_eq!(
            queue.next_hard_deadline(),
            first.map(|((hard_deadline, _), _)| *hard_deadline)
        );
        let slack = first.map(|((hard_deadline, _), wait)| hard_deadline - wait.deadline);
        assert_eq!(queue.next_slack(), slack.unwrap_or(0));
        assert!(first.is_some() || queue.next_due(u64::MAX).is_none());
        if let Some(((hard_deadline, _), wait)) = first {
            for moment in [wait.deadline, *hard_deadline] {
                let second = queue.predict_after(moment).map(Window::hard_deadline);
                if model.waiting.len() <= 1 + ARITY {
                    assert_eq!(second, model.predict_after(moment));
                }
                assert!(second.is_none_or(|second| second > moment));
            }
            let due = queue.next_due(wait.deadline);
            assert!(self.keys.contains(&(wait.owner, due.unwrap())));
            let before = wait.deadline.checked_sub(1);
            assert!(before.is_none_or(|before| queue.next_due(before).is_none()));
        }
        for (owner, id) in &self.keys {
            if let Some((_, wait)) = model.find(*owner) {
                assert_eq!(queue.deadline(*id), wait.deadline);
            }
            let joined = self.chunks[&(id.index() / SLOTS_PER_BLOCK)].1;
            // One that nobody had a slot in may have been kept.
            assert!(*queue.user_data(*id) >= joined);
        }
        let chunks = queue.slab.chunks.iter().enumerate();
        let free = chunks.filter_map(|(n, chunk)| Some((n, chunk.as_ref()?.free)));
        let free = free.filter(|(_, free)| *free != u64::MAX);
        let expected = self.chunks.iter().map(|(n, (in_use, _))| (*n, !in_use));
        assert!(free.eq(expected));
    }
}

/// Everything is where it should be.
fn is_in_order(queue: &Queue<u64, usize>) {
    let Queue {
        slab, wheel, heap, ..
    } = queue;
    the_slab_is_in_order(slab);
    the_heap_is_in_order(heap, slab, wheel.horizon);
    the_wheel_is_in_order(wheel, slab);

    let chunks = slab.chunks.iter().flatten();
    let slots = chunks.flat_map(|chunk| &chunk.slots);
    let (waiting, idle): (Vec<_>, Vec<_>) = slots.partition(|slot| slot.value.is_some());
    assert_eq!(waiting.len(), heap.len() + wheel.len);
    assert!(idle.iter().all(|slot| slot.position() == Position::Idle));

    let has_no_wheel =
        wheel.is_empty() && wheel.horizon == u64::MAX && queue.limit == WITHOUT_WHEEL;
    assert!(heap.len() >= MIN_HEAP || has_no_wheel);
}

/// No chunk is there that is empty but one, and it is known which have a slot that is free.
fn the_slab_is_in_order(slab: &Slab<u64, usize>) {
    assert!(slab.chunks.last().is_none_or(Option::is_some));
    let open = |chunk: usize| {
        let word = slab.open.words.get(chunk / 64);
        word.is_some_and(|word| word & 1 << (chunk % 64) != 0)
    };
    for (n, chunk) in slab.chunks.iter().enumerate() {
        let free = chunk.as_ref().map_or(u64::MAX, |chunk| chunk.free);
        assert_eq!(open(n), free != 0);
        assert!(chunk.is_none() || free != u64::MAX || n == slab.kept);
    }
    let known = slab.open.words.len() * 64;
    assert!((slab.chunks.len()..known).all(|chunk| !open(chunk)));
    let skipped = &slab.open.words[..slab.open.empty];
    assert!(skipped.iter().all(|word| *word == 0));
}

/// Every node knows its slot, every slot its node, no child is before its parent, and all are before
/// the horizon.
fn the_heap_is_in_order(heap: &Heap, slab: &Slab<u64, usize>, horizon: u64) {
    for position in 0..heap.len() {
        let node = heap.get(position);
        let slot = slab.get(node.slot());
        assert_eq!(slot.position(), Position::Heap(position));
        assert!(slot.value.is_some());
        assert_eq!(node, Node::new(slot.hard_deadline, slot.seq, node.slot()));
        assert!(position == 0 || heap.get((position - 1) / ARITY) <= node);
        assert!(node.hard_deadline() < horizon);
    }
    let places = (heap.siblings.len() * ARITY).saturating_sub(ARITY - 1);
    assert!(places < heap.len() + ARITY);
    for position in heap.len()..places {
        assert_eq!(heap.get(position), Node::NEVER);
    }
}

/// Every slot is in the list in which it is looked for, and every list is found that has one.
fn the_wheel_is_in_order(wheel: &Wheel, slab: &Slab<u64, usize>) {
    assert!(wheel.horizon == u64::MAX || wheel.horizon == behind(wheel.horizon - 1));
    let mut len = 0;
    for (n, list) in wheel.lists.iter().enumerate() {
        let (level, bucket) = (n / BUCKETS, n % BUCKETS);
        assert_eq!(
            wheel.occupied[level] & 1 << bucket != 0,
            list.first != NO_SLOT
        );
        let (mut previous, mut at) = (NO_SLOT, list.first);
        while at != NO_SLOT {
            let slot = slab.get(at);
            assert!(matches!(slot.position(), Position::Wheel(_)));
            assert!(slot.value.is_some() && slot.hard_deadline >= wheel.horizon);
            assert_eq!(wheel.bucket(slot.hard_deadline), (level, bucket));
            assert_eq!(slot.link, previous);
            (previous, at) = (at, slot.next());
            len += 1;
        }
        assert_eq!(list.last, previous);
    }
    assert_eq!(wheel.len, len);
    assert!(!wheel.lists.is_empty() || wheel.occupied == [0; LEVELS]);
}
