//! The queue against a sorted map. For the tests beside it and for the fuzzer.
#![cfg_attr(
    not(fuzzing),
    allow(unreachable_pub, reason = "public for the fuzzer alone")
)]

use std::collections::BTreeMap;

use super::{ARITY, Key, Node, Queue, Span};

/// What is done to a queue. A `usize` picks one of the seats that are taken; if there is none,
/// nothing is done.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// Takes a seat.
    Join,
    /// Gives it back.
    Leave(usize),
    /// Waits for a deadline, with so much slack.
    Wait(usize, u64, u64),
    /// Moves one that waits to another deadline and slack.
    Postpone(usize, u64, u64),
    /// Stops waiting.
    Cancel(usize),
    /// Takes the first, if it is due at that moment.
    PopDue(u64),
}

/// What waits, by latest moment and turn: its deadline, whose it is and what it is.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<(u64, u64), (u64, usize, u64)>,
    turn: u64,
}

impl Model {
    fn find(&self, owner: usize) -> Option<(u64, u64)> {
        let found = self.waiting.iter().find(|(_, wait)| wait.1 == owner);
        found.map(|(place, _)| *place)
    }

    fn put(&mut self, owner: usize, deadline: u64, slack: u64, value: u64) -> Option<u64> {
        // The last number there is means "never".
        let deadline = deadline.min(u64::MAX - 1);
        let latest = deadline.saturating_add(slack).min(u64::MAX - 1);
        let place = self.find(owner);
        let before = place.and_then(|place| self.waiting.remove(&place));
        let turn = match place {
            // The same latest moment keeps its turn.
            Some((same, turn)) if same == latest => turn,
            _ => {
                self.turn += 1;
                self.turn
            }
        };
        self.waiting
            .insert((latest, turn), (deadline, owner, value));
        before.map(|wait| wait.2)
    }

    fn remove(&mut self, owner: usize) -> Option<u64> {
        let place = self.find(owner)?;
        self.waiting.remove(&place).map(|wait| wait.2)
    }

    fn pop_due(&mut self, now: u64) -> Option<u64> {
        let first = self.waiting.first_entry()?;
        (first.get().0 <= now).then(|| first.remove().2)
    }
}

/// Does all `ops`.
///
/// # Panics
///
/// If the queue does anything that the map does not.
pub fn behaves_as_a_sorted_map(ops: impl IntoIterator<Item = Op>) {
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
            Op::Leave(n) => {
                if let Some((owner, key)) = pick(&keys, n) {
                    keys.retain(|(other, _)| *other != owner);
                    assert_eq!(queue.leave(key), model.remove(owner));
                }
            }
            Op::Wait(n, deadline, slack) => {
                if let Some((owner, key)) = pick(&keys, n) {
                    let replaced = queue.wait(key, Span::new(deadline, slack), next_value);
                    assert_eq!(replaced, model.put(owner, deadline, slack, next_value));
                    next_value += 1;
                }
            }
            Op::Postpone(n, deadline, slack) => {
                if let Some((owner, key)) = pick(&keys, n) {
                    let waits = model.find(owner).map(|place| model.waiting[&place].2);
                    let moved = queue.postpone(key, Span::new(deadline, slack));
                    assert_eq!(moved, waits.is_some());
                    if let Some(value) = waits {
                        model.put(owner, deadline, slack, value);
                    }
                }
            }
            Op::Cancel(n) => {
                if let Some((owner, key)) = pick(&keys, n) {
                    assert_eq!(queue.cancel(key), model.remove(owner));
                }
            }
            Op::PopDue(now) => assert_eq!(queue.pop_due(now), model.pop_due(now)),
        }
        let first = model.waiting.first_key_value();
        assert_eq!(queue.first(), first.map(|((latest, _), _)| *latest));
        let slack = first.map(|((latest, _), (deadline, ..))| latest - deadline);
        assert_eq!(queue.first_slack(), slack.unwrap_or(0));
        assert_eq!(queue.len(), model.waiting.len());
        is_in_order(&queue);
    }

    let mut left: Vec<u64> = queue.into_values().collect();
    left.sort_unstable();
    let mut expected: Vec<u64> = model.waiting.into_values().map(|wait| wait.2).collect();
    expected.sort_unstable();
    assert_eq!(left, expected);
}

/// Every node knows its seat, every seat its node, and no child is before its parent.
fn is_in_order<T>(queue: &Queue<T>) {
    let heap = &queue.heap;
    for position in 0..heap.len {
        let node = heap.get(position);
        assert_eq!(queue.positions[node.seat()] as usize, position);
        assert!(queue.waits[node.seat()].is_some());
        assert!(position == 0 || heap.get((position - 1) / ARITY) <= node);
    }
    for position in heap.len..(heap.siblings.len() * ARITY).saturating_sub(ARITY - 1) {
        assert_eq!(heap.get(position), Node::NEVER);
    }
    let waits = queue.waits.iter().filter(|wait| wait.is_some());
    assert_eq!(waits.count(), heap.len);
}
