//! The queue against a sorted map. For the tests beside it and for the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::collections::BTreeMap;

use super::heap::{ARITY, Heap, Node};
use super::seat::{NONE, Place};
use super::slab::{SEATS, Slab};
use super::wheel::{LEVELS, SLOTS, Wheel, behind};
use super::{FEW, Key, NEAR, Queue, Span};

/// What is done to a queue. The first `usize` picks one of the seats that are taken; if there is none,
/// nothing is done.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// Takes a seat.
    Join,
    /// Gives it back.
    Leave(usize),
    /// Waits for a deadline, with so much slack, and is likely to wait again after that period.
    Wait(usize, u64, u64, u64),
    /// Moves one that waits to another deadline and slack.
    Postpone(usize, u64, u64),
    /// Moves one that waits to another deadline, with the slack that it has.
    PutOff(usize, u64),
    /// Stops waiting.
    Cancel(usize),
    /// Takes the first, if it is due at that moment.
    PopDue(u64),
    /// Takes all that are due at that moment.
    PopAllDue(u64),
    /// Counts what is to be taken by that moment, up to so many.
    Count(u8, u64),
    /// So many take seats and wait, the first until that moment and each of the others for so much
    /// longer.
    Crowd(u16, u64, u64),
    /// So many give their seats back, from that one on.
    Disperse(u16, usize),
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    deadline: u64,
    period: u64,
    owner: usize,
    value: u64,
}

/// What waits, by latest moment and turn.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<(u64, u64), Wait>,
    /// Where each owner's wait is.
    places: BTreeMap<usize, (u64, u64)>,
    turn: u64,
}

impl Model {
    fn find(&self, owner: usize) -> Option<((u64, u64), Wait)> {
        let place = self.places.get(&owner)?;
        Some((*place, self.waiting[place]))
    }

    fn put(&mut self, mut wait: Wait, slack: u64) -> Option<u64> {
        // The last number there is means "never".
        wait.deadline = wait.deadline.min(u64::MAX - 1);
        let latest = wait.deadline + rounded(slack.min(u64::MAX - 1 - wait.deadline));
        // The same latest moment keeps its turn.
        let place = self.places.get(&wait.owner).copied();
        let place = place.filter(|(same, _)| *same == latest);
        self.set(wait, place.unwrap_or((latest, self.turn)))
    }

    fn put_off(&mut self, owner: usize, deadline: u64) {
        if let Some(((before, _), mut wait)) = self.find(owner) {
            let span = Span::new(deadline, before - wait.deadline);
            wait.deadline = span.deadline();
            self.set(wait, (span.latest(), self.turn));
        }
    }

    fn set(&mut self, wait: Wait, place: (u64, u64)) -> Option<u64> {
        self.turn += 1;
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

    /// The latest moment of what is likely to be first when all are taken that `moment` serves. Among
    /// few it is told exactly.
    fn second(&self, moment: u64) -> Option<u64> {
        let mut waiting = self.waiting.iter();
        let is_served = |wait: &Wait| wait.deadline <= moment;
        let again = |latest: u64, wait: &Wait| {
            (wait.period > 0).then(|| latest.saturating_add(wait.period).min(u64::MAX - 1))
        };
        let mut next = None;
        for (n, ((latest, _), wait)) in waiting.by_ref().enumerate() {
            let other = (n > 0 && !is_served(wait)).then_some(*latest);
            let candidate = other.or_else(|| again(*latest, wait));
            next = next.into_iter().chain(candidate).min();
            if other.is_some() {
                break;
            }
        }
        next.filter(|next| *next > moment)
    }
}

/// As a span keeps it: of its bits that count, the highest 26.
fn rounded(slack: u64) -> u64 {
    let lost = 38_u32.saturating_sub(slack.leading_zeros());
    slack >> lost << lost
}

/// The queue and the map, and who has seats.
struct Both {
    /// Beside each 64 seats: how many have joined since there was nobody.
    queue: Queue<u64, usize>,
    model: Model,
    /// By the numbers of their owners, which increase.
    keys: Vec<(usize, Key)>,
    owners: usize,
    values: u64,
    /// Of each 64 seats: which are taken, and how many have joined since none was.
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
            Op::Join => {
                self.join();
            }
            Op::Leave(n) => self.leave(n),
            Op::Wait(n, deadline, slack, period) => {
                if let Some((owner, key)) = self.pick(n) {
                    self.wait(owner, key, (deadline, slack), period);
                }
            }
            Op::Postpone(n, deadline, slack) => {
                if let Some((owner, key)) = self.pick(n) {
                    let waits = self.model.find(owner);
                    let moved = self.queue.postpone(key, Span::new(deadline, slack));
                    assert_eq!(moved, waits.is_some());
                    if let Some((_, mut wait)) = waits {
                        (wait.deadline, wait.period) = (deadline, 0);
                        self.model.put(wait, slack);
                    }
                }
            }
            Op::PutOff(n, deadline) => {
                if let Some((owner, key)) = self.pick(n) {
                    let waits = self.model.find(owner).is_some();
                    assert_eq!(self.queue.put_off(key, deadline), waits);
                    self.model.put_off(owner, deadline);
                }
            }
            Op::Cancel(n) => {
                if let Some((owner, key)) = self.pick(n) {
                    assert_eq!(self.queue.cancel(key), self.model.remove(owner));
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
                    let (owner, key) = self.join();
                    let at = at.saturating_add(n.saturating_mul(apart));
                    self.wait(owner, key, (at, 0), 0);
                }
            }
            Op::Disperse(many, n) => {
                for _ in 0..many {
                    self.leave(n);
                }
            }
        }
    }

    fn pick(&self, n: usize) -> Option<(usize, Key)> {
        self.keys.get(n % self.keys.len().max(1)).copied()
    }

    fn join(&mut self) -> (usize, Key) {
        let key = self.queue.join();
        let taken = |chunk| self.chunks.get(&chunk).map_or(0, |(taken, _)| *taken);
        let lowest = (0..=self.chunks.len())
            .find(|chunk| taken(*chunk) != u64::MAX)
            .unwrap_or(0);
        let (taken, joined) = self.chunks.entry(lowest).or_default();
        assert_eq!(key.index(), lowest * SEATS + taken.trailing_ones() as usize);
        *taken |= 1 << taken.trailing_ones();
        *joined += 1;
        *self.queue.beside(key) += 1;
        self.owners += 1;
        self.keys.push((self.owners, key));
        (self.owners, key)
    }

    fn leave(&mut self, n: usize) {
        let Some((owner, key)) = self.pick(n) else {
            return;
        };
        self.keys.retain(|(other, _)| *other != owner);
        assert_eq!(self.queue.leave(key), self.model.remove(owner));
        let chunk = key.index() / SEATS;
        let (taken, _) = self.chunks.get_mut(&chunk).unwrap();
        *taken &= !(1 << (key.index() % SEATS));
        if *taken == 0 {
            self.chunks.remove(&chunk);
        }
    }

    fn wait(&mut self, owner: usize, key: Key, (deadline, slack): (u64, u64), period: u64) {
        let value = self.values;
        self.values += 1;
        let span = Span::new(deadline, slack);
        let replaced = self.queue.wait(key, span, period, value);
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
        assert_eq!(queue.first(), first.map(|((latest, _), _)| *latest));
        let slack = first.map(|((latest, _), wait)| latest - wait.deadline);
        assert_eq!(queue.first_slack(), slack.unwrap_or(0));
        assert!(first.is_some() || queue.due(u64::MAX).is_none());
        if let Some(((latest, _), wait)) = first {
            for moment in [wait.deadline, *latest] {
                let second = queue.second(moment).map(Span::latest);
                if model.waiting.len() <= 1 + ARITY {
                    assert_eq!(second, model.second(moment));
                }
                assert!(second.is_none_or(|second| second > moment));
            }
            let due = queue.due(wait.deadline);
            assert!(self.keys.contains(&(wait.owner, due.unwrap())));
            let before = wait.deadline.checked_sub(1);
            assert!(before.is_none_or(|before| queue.due(before).is_none()));
        }
        for (owner, key) in &self.keys {
            if let Some((_, wait)) = model.find(*owner) {
                assert_eq!(queue.deadline(*key), wait.deadline);
            }
            let joined = self.chunks[&(key.index() / SEATS)].1;
            // One that nobody had a seat in may have been kept.
            assert!(*queue.beside(*key) >= joined);
        }
        let chunks = queue.slab.chunks.iter().enumerate();
        let free = chunks.filter_map(|(n, chunk)| Some((n, chunk.as_ref()?.free)));
        let free = free.filter(|(_, free)| *free != u64::MAX);
        let expected = self.chunks.iter().map(|(n, (taken, _))| (*n, !taken));
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
    let seats = chunks.flat_map(|chunk| &chunk.seats);
    let (waiting, idle): (Vec<_>, Vec<_>) = seats.partition(|seat| seat.value.is_some());
    assert_eq!(waiting.len(), heap.len() + wheel.len);
    assert!(idle.iter().all(|seat| seat.place() == Place::Idle));

    let has_no_wheel = wheel.is_empty() && wheel.horizon == u64::MAX && queue.limit == FEW;
    assert!(heap.len() >= NEAR || has_no_wheel);
}

/// No chunk is there that is empty but one, and it is known which have a seat that is free.
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

/// Every node knows its seat, every seat its node, no child is before its parent, and all are before
/// the horizon.
fn the_heap_is_in_order(heap: &Heap, slab: &Slab<u64, usize>, horizon: u64) {
    for position in 0..heap.len() {
        let node = heap.get(position);
        let seat = slab.get(node.seat());
        assert_eq!(seat.place(), Place::Heap(position));
        assert!(seat.value.is_some());
        assert_eq!(node, Node::new(seat.latest, seat.turn, node.seat()));
        assert!(position == 0 || heap.get((position - 1) / ARITY) <= node);
        assert!(node.latest() < horizon);
    }
    let places = (heap.siblings.len() * ARITY).saturating_sub(ARITY - 1);
    assert!(places < heap.len() + ARITY);
    for position in heap.len()..places {
        assert_eq!(heap.get(position), Node::NEVER);
    }
}

/// Every seat is in the list in which it is looked for, and every list is found that has one.
fn the_wheel_is_in_order(wheel: &Wheel, slab: &Slab<u64, usize>) {
    assert!(wheel.horizon == u64::MAX || wheel.horizon == behind(wheel.horizon - 1));
    let mut len = 0;
    for (n, list) in wheel.lists.iter().enumerate() {
        let (level, slot) = (n / SLOTS, n % SLOTS);
        assert_eq!(wheel.occupied[level] & 1 << slot != 0, list.first != NONE);
        let (mut previous, mut at) = (NONE, list.first);
        while at != NONE {
            let seat = slab.get(at);
            assert!(matches!(seat.place(), Place::Wheel(_)));
            assert!(seat.value.is_some() && seat.latest >= wheel.horizon);
            assert_eq!(wheel.slot(seat.latest), (level, slot));
            assert_eq!(seat.link, previous);
            (previous, at) = (at, seat.next());
            len += 1;
        }
        assert_eq!(list.last, previous);
    }
    assert_eq!(wheel.len, len);
    assert!(!wheel.lists.is_empty() || wheel.occupied == [0; LEVELS]);
}
