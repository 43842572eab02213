//! Compares a queue with a sorted map, for random operations under a paused clock.

use std::collections::{BTreeMap, HashMap};
use std::task::Poll;
use std::time::Duration;

use super::poll;
use crate::support::{CountingWaker, THIRTY_YEARS, panic_message, paused};
use proptest::prelude::*;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, advance};
use tokio_osinterval::delay_queue::{DelayQueue, Key};

/// A `usize` selects a key among all keys so far, valid or stale.
#[derive(Debug, Clone)]
enum Op {
    Insert(Duration),
    /// Nanoseconds after the start, or before it if negative.
    InsertAt(i64),
    Remove(usize),
    TryRemove(usize),
    Reset(usize, Duration),
    ResetAt(usize, i64),
    Advance(Duration),
    Poll,
    PollAll,
    Clear,
    Compact,
    ShrinkToFit,
    Reserve(usize),
}

/// Generates whole milliseconds, which are often equal, nanoseconds, and long durations.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => (0_u64..20).prop_map(Duration::from_millis),
        3 => (0_u64..20_000_000).prop_map(Duration::from_nanos),
        1 => (0_u64..1 << 50).prop_map(Duration::from_nanos),
        1 => Just(Duration::MAX),
    ]
}

fn offset() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => (-10_i64..60).prop_map(|millis| millis * 1_000_000),
        3 => -10_000_000_i64..60_000_000,
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => duration().prop_map(Op::Insert),
        8 => offset().prop_map(Op::InsertAt),
        3 => any::<usize>().prop_map(Op::Remove),
        3 => any::<usize>().prop_map(Op::TryRemove),
        4 => (any::<usize>(), duration()).prop_map(|(key, after)| Op::Reset(key, after)),
        4 => (any::<usize>(), offset()).prop_map(|(key, at)| Op::ResetAt(key, at)),
        4 => (0_u64..8).prop_map(|millis| Op::Advance(Duration::from_millis(millis))),
        8 => Just(Op::Poll),
        1 => Just(Op::PollAll),
        1 => Just(Op::Clear),
        2 => Just(Op::Compact),
        1 => Just(Op::ShrinkToFit),
        1 => (0_usize..100).prop_map(Op::Reserve),
    ]
}

/// The place of a value in the expected order: its deadline, and a number that counts insertions and resets.
type Place = (Instant, u64);

struct Model {
    queue: DelayQueue<u64>,
    start: Instant,
    values: BTreeMap<Place, u64>,
    /// The place of each valid key.
    places: HashMap<Key, Place>,
    /// All keys so far.
    keys: Vec<Key>,
    next_number: u64,
    waker: CountingWaker,
    /// Set while a task waits for a value and is not woken yet.
    waits: bool,
    /// Set while a task has found the queue empty and is not woken yet.
    found_empty: bool,
    expected_wakes: usize,
}

impl Model {
    fn new() -> Self {
        Self {
            queue: DelayQueue::new(),
            start: Instant::now(),
            values: BTreeMap::new(),
            places: HashMap::new(),
            keys: Vec::new(),
            next_number: 0,
            waker: CountingWaker::new(),
            waits: false,
            found_empty: false,
            expected_wakes: 0,
        }
    }

    fn at(&self, nanos: i64) -> Instant {
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        if nanos < 0 {
            self.start - distance
        } else {
            self.start + distance
        }
    }

    fn after(duration: Duration) -> Instant {
        Instant::now() + duration.min(THIRTY_YEARS)
    }

    fn first_deadline(&self) -> Option<Instant> {
        self.values.keys().next().map(|(deadline, _)| *deadline)
    }

    fn expect_wake(&mut self) {
        if self.waits || self.found_empty {
            self.expected_wakes += 1;
        }
        (self.waits, self.found_empty) = (false, false);
    }

    fn insert(&mut self, deadline: Instant, insert: impl FnOnce(&mut DelayQueue<u64>, u64) -> Key) {
        let is_first = self.first_deadline().is_none_or(|first| deadline < first);
        let value = self.next_number;
        let key = insert(&mut self.queue, value);
        self.place(key, deadline, value);
        self.keys.push(key);
        if is_first {
            self.expect_wake();
        }
    }

    fn place(&mut self, key: Key, deadline: Instant, value: u64) {
        let place = (deadline, self.next_number);
        self.next_number += 1;
        self.values.insert(place, value);
        let other = self.places.insert(key, place);
        assert!(other.is_none(), "the key of another value");
    }

    fn take(&mut self, key: Key) -> Option<(Instant, u64)> {
        let place = self.places.remove(&key)?;
        let value = self.values.remove(&place);
        Some((place.0, value.expect("a valid key has a value")))
    }

    fn key(&self, index: usize) -> Option<Key> {
        (!self.keys.is_empty()).then(|| self.keys[index % self.keys.len()])
    }

    fn remove(&mut self, key: Key, tries: bool) {
        let expected = self.take(key);
        let queue = &mut self.queue;
        let removed = match expected {
            Some(_) if !tries => Some(queue.remove(&key)),
            None if !tries => {
                assert_eq!(panic_message(|| _ = queue.remove(&key)), "invalid key");
                None
            }
            _ => queue.try_remove(&key),
        };
        let removed = removed.map(|value| {
            assert_eq!(value.key(), key);
            (value.deadline(), value.into_inner())
        });
        assert_eq!(removed, expected);
        if expected.is_some() && self.values.is_empty() {
            self.expect_wake();
        }
    }

    fn reset(&mut self, key: Key, deadline: Instant, reset: impl FnOnce(&mut DelayQueue<u64>)) {
        let queue = &mut self.queue;
        let Some((before, _)) = self.places.get(&key).copied() else {
            assert_eq!(panic_message(|| reset(queue)), "invalid key");
            return;
        };
        reset(queue);
        // A value that is reset to its own deadline keeps its place.
        if before != deadline {
            let (_, value) = self.take(key).expect("the key is valid");
            self.place(key, deadline, value);
        }
    }

    /// Returns `true` if there may be another expired value.
    fn poll(&mut self) -> bool {
        let polled = poll(&mut self.queue, &self.waker);
        let Some(first) = self.first_deadline() else {
            assert!(matches!(polled, Poll::Ready(None)));
            (self.waits, self.found_empty) = (false, true);
            return false;
        };
        match polled {
            Poll::Ready(expired) => {
                let expired = expired.expect("the queue is not empty");
                assert!(first <= Instant::now(), "early");
                let ((deadline, _), value) = self.values.first_key_value().unwrap();
                assert_eq!((expired.deadline(), expired.get_ref()), (*deadline, value));
                assert_eq!(self.take(expired.key()).unwrap().1, expired.into_inner());
                self.waits = false;
                true
            }
            Poll::Pending => {
                // A deadline within a millisecond may be due and yet pending: tokio's timer serves it.
                assert!(!self.is_overdue(), "late");
                self.waits = true;
                false
            }
        }
    }

    /// Returns `true` if the first deadline has passed in whole milliseconds, as tokio counts them.
    fn is_overdue(&self) -> bool {
        let first = self
            .first_deadline()
            .map(|first| first.saturating_duration_since(self.start));
        let first = first.map(|first| first.as_nanos().div_ceil(1_000_000));
        first.is_some_and(|first| first <= self.start.elapsed().as_millis())
    }

    async fn run(&mut self, op: Op) {
        match op {
            Op::Insert(after) => {
                self.insert(Self::after(after), |queue, value| {
                    queue.insert(value, after)
                });
            }
            Op::InsertAt(nanos) => {
                let at = self.at(nanos);
                self.insert(at, |queue, value| queue.insert_at(value, at));
            }
            Op::Remove(index) | Op::TryRemove(index) => {
                if let Some(key) = self.key(index) {
                    self.remove(key, matches!(op, Op::TryRemove(_)));
                }
            }
            Op::Reset(index, after) => {
                if let Some(key) = self.key(index) {
                    self.reset(key, Self::after(after), |queue| queue.reset(&key, after));
                }
            }
            Op::ResetAt(index, nanos) => {
                if let Some(key) = self.key(index) {
                    let at = self.at(nanos);
                    self.reset(key, at, |queue| queue.reset_at(&key, at));
                }
            }
            Op::Advance(time) => advance(time).await,
            Op::Poll => _ = self.poll(),
            Op::PollAll => while self.poll() {},
            Op::Clear => {
                let (capacity, was_empty) = (self.queue.capacity(), self.values.is_empty());
                self.queue.clear();
                assert_eq!(self.queue.capacity(), capacity);
                self.values.clear();
                self.places.clear();
                if !was_empty {
                    self.expect_wake();
                }
            }
            Op::Compact => {
                self.queue.compact();
                assert_eq!(self.queue.capacity(), self.values.len());
            }
            Op::ShrinkToFit => self.queue.shrink_to_fit(),
            Op::Reserve(additional) => {
                self.queue.reserve(additional);
                assert!(self.queue.capacity() >= self.values.len() + additional);
            }
        }
    }

    async fn check(&mut self) {
        // A reset or the clock may have made the first value due.
        if self.waits && self.is_overdue() {
            tokio::task::yield_now().await;
            self.expect_wake();
        }
        let may_be_due = self.waits
            && self
                .first_deadline()
                .is_some_and(|first| first <= Instant::now());
        if may_be_due && self.waker.wakes() > self.expected_wakes {
            self.expect_wake();
        }
        assert_eq!(self.waker.wakes(), self.expected_wakes);
        assert_eq!(self.queue.len(), self.values.len());
        assert_eq!(self.queue.is_empty(), self.values.is_empty());
        let first = self.queue.peek().map(|key| self.places[&key]);
        assert_eq!(first, self.values.keys().next().copied());
        for (key, (deadline, _)) in self.places.iter().take(3) {
            assert_eq!(self.queue.deadline(key), *deadline);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn delay_queue_behaves_as_a_sorted_map(ops in prop::collection::vec(op(), 1..150)) {
        paused().block_on(unconstrained(async {
            // Leave room for deadlines before the creation of the queue.
            advance(Duration::from_secs(1)).await;
            let mut model = Model::new();
            for op in ops {
                model.run(op).await;
                model.check().await;
            }
        }));
    }
}
