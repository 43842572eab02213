//! Any use of a queue, under a paused clock, against a sorted map.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::{counted, poll};
use crate::support::{Count, panic_of};
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, advance};
use tokio_osinterval::delay_queue::{DelayQueue, Key};

/// `usize` picks a key among all that were ever given, valid or not.
#[derive(Debug, Clone)]
enum Op {
    Insert(Duration),
    /// So many nanoseconds after the start, or half of that before it.
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

/// Whole milliseconds, of which some are equal, or any nanoseconds, or far away.
fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => (0_u64..20).prop_map(Duration::from_millis),
        3 => (0_u64..20_000_000).prop_map(Duration::from_nanos),
        1 => (0_u64..1 << 50).prop_map(Duration::from_nanos),
        1 => Just(Duration::MAX),
    ]
}

fn at() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => (-10_i64..60).prop_map(|millis| millis * 1_000_000),
        3 => -10_000_000_i64..60_000_000,
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => span().prop_map(Op::Insert),
        8 => at().prop_map(Op::InsertAt),
        3 => any::<usize>().prop_map(Op::Remove),
        3 => any::<usize>().prop_map(Op::TryRemove),
        4 => (any::<usize>(), span()).prop_map(|(key, span)| Op::Reset(key, span)),
        4 => (any::<usize>(), at()).prop_map(|(key, at)| Op::ResetAt(key, at)),
        4 => (0_u64..8).prop_map(|millis| Op::Advance(Duration::from_millis(millis))),
        8 => Just(Op::Poll),
        1 => Just(Op::PollAll),
        1 => Just(Op::Clear),
        2 => Just(Op::Compact),
        1 => Just(Op::ShrinkToFit),
        1 => (0_usize..100).prop_map(Op::Reserve),
    ]
}

struct Model {
    queue: DelayQueue<u64>,
    start: Instant,
    /// By deadline and order.
    waiting: BTreeMap<(Instant, u64), u64>,
    /// Where the value of each valid key is.
    places: HashMap<Key, (Instant, u64)>,
    /// Each that was ever given.
    keys: Vec<Key>,
    next: u64,
    count: Arc<Count>,
    waker: Waker,
    /// Whether a task waits, and was not to be woken yet.
    waits: bool,
    /// How often it was to be woken.
    woken: usize,
    /// Whether a task has found the queue empty.
    found_empty: bool,
}

const THIRTY_YEARS: Duration = Duration::from_secs(86_400 * 365 * 30);

impl Model {
    fn new() -> Self {
        let (count, waker) = counted();
        // Some deadlines are before it.
        let queue = DelayQueue::new();
        Self {
            queue,
            start: Instant::now(),
            waiting: BTreeMap::new(),
            places: HashMap::new(),
            keys: Vec::new(),
            next: 0,
            count,
            waker,
            waits: false,
            woken: 0,
            found_empty: false,
        }
    }

    fn at(&self, nanos: i64) -> Instant {
        let away = Duration::from_nanos(nanos.unsigned_abs());
        if nanos < 0 {
            self.start - away
        } else {
            self.start + away
        }
    }

    fn after(span: Duration) -> Instant {
        Instant::now() + span.min(THIRTY_YEARS)
    }

    fn first(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(deadline, _)| *deadline)
    }

    fn wake(&mut self) {
        if self.waits || self.found_empty {
            self.woken += 1;
        }
        (self.waits, self.found_empty) = (false, false);
    }

    fn insert(&mut self, deadline: Instant, insert: impl FnOnce(&mut DelayQueue<u64>, u64) -> Key) {
        let leads = self.first().is_none_or(|first| deadline < first);
        let value = self.next;
        let key = insert(&mut self.queue, value);
        self.put(key, deadline, value);
        self.keys.push(key);
        if leads {
            self.wake();
        }
    }

    fn put(&mut self, key: Key, deadline: Instant, value: u64) {
        let place = (deadline, self.next);
        self.next += 1;
        self.waiting.insert(place, value);
        assert!(self.places.insert(key, place).is_none(), "a key of another");
    }

    fn take(&mut self, key: Key) -> Option<(Instant, u64)> {
        let place = self.places.remove(&key)?;
        let value = self.waiting.remove(&place);
        Some((place.0, value.expect("it waits")))
    }

    fn pick(&self, key: usize) -> Option<Key> {
        (!self.keys.is_empty()).then(|| self.keys[key % self.keys.len()])
    }

    fn remove(&mut self, key: Key, tries: bool) {
        let expected = self.take(key);
        let queue = &mut self.queue;
        let removed = match expected {
            Some(_) if !tries => Some(queue.remove(&key)),
            None if !tries => {
                let panic = panic_of(|| _ = queue.remove(&key));
                assert_eq!(panic.expect("no panic").0, "invalid key");
                None
            }
            _ => queue.try_remove(&key),
        };
        let removed = removed.map(|value| {
            assert_eq!(value.key(), key);
            (value.deadline(), value.into_inner())
        });
        assert_eq!(removed, expected);
        if expected.is_some() && self.waiting.is_empty() {
            self.wake();
        }
    }

    fn reset(&mut self, key: Key, deadline: Instant, reset: impl FnOnce(&mut DelayQueue<u64>)) {
        let queue = &mut self.queue;
        let Some((before, _)) = self.places.get(&key).copied() else {
            let panic = panic_of(|| reset(queue));
            assert_eq!(panic.expect("no panic").0, "invalid key");
            return;
        };
        reset(queue);
        // One that has that deadline already keeps its place.
        if before != deadline {
            let (_, value) = self.take(key).expect("it is valid");
            self.put(key, deadline, value);
        }
    }

    /// Returns whether there may be more.
    fn poll(&mut self) -> bool {
        let polled = poll(&mut self.queue, &self.waker);
        let Some(first) = self.first() else {
            assert!(matches!(polled, Poll::Ready(None)));
            (self.waits, self.found_empty) = (false, true);
            return false;
        };
        match polled {
            Poll::Ready(expired) => {
                let expired = expired.expect("it is not empty");
                assert!(first <= Instant::now(), "early");
                let ((deadline, _), value) = self.waiting.first_key_value().unwrap();
                assert_eq!((expired.deadline(), expired.get_ref()), (*deadline, value));
                assert_eq!(self.take(expired.key()).unwrap().1, expired.into_inner());
                self.waits = false;
                true
            }
            Poll::Pending => {
                // Who waits for a fraction of a millisecond is told by tokio's alarm.
                assert!(!self.is_overdue(), "late");
                self.waits = true;
                false
            }
        }
    }

    /// By whole milliseconds, as tokio counts them.
    fn is_overdue(&self) -> bool {
        let first = self
            .first()
            .map(|first| first.saturating_duration_since(self.start));
        let first = first.map(|first| first.as_nanos().div_ceil(1_000_000));
        first.is_some_and(|first| first <= self.start.elapsed().as_millis())
    }

    async fn run(&mut self, op: Op) {
        match op {
            Op::Insert(span) => {
                self.insert(Self::after(span), |queue, value| queue.insert(value, span));
            }
            Op::InsertAt(nanos) => {
                let at = self.at(nanos);
                self.insert(at, |queue, value| queue.insert_at(value, at));
            }
            Op::Remove(key) | Op::TryRemove(key) => {
                if let Some(key) = self.pick(key) {
                    self.remove(key, matches!(op, Op::TryRemove(_)));
                }
            }
            Op::Reset(key, span) => {
                if let Some(key) = self.pick(key) {
                    self.reset(key, Self::after(span), |queue| queue.reset(&key, span));
                }
            }
            Op::ResetAt(key, nanos) => {
                if let Some(key) = self.pick(key) {
                    let at = self.at(nanos);
                    self.reset(key, at, |queue| queue.reset_at(&key, at));
                }
            }
            Op::Advance(span) => advance(span).await,
            Op::Poll => _ = self.poll(),
            Op::PollAll => while self.poll() {},
            Op::Clear => {
                let before = (self.queue.capacity(), self.waiting.is_empty());
                self.queue.clear();
                assert_eq!(self.queue.capacity(), before.0);
                self.waiting.clear();
                self.places.clear();
                if !before.1 {
                    self.wake();
                }
            }
            Op::Compact => {
                self.queue.compact();
                assert_eq!(self.queue.capacity(), self.waiting.len());
            }
            Op::ShrinkToFit => self.queue.shrink_to_fit(),
            Op::Reserve(additional) => {
                self.queue.reserve(additional);
                assert!(self.queue.capacity() >= self.waiting.len() + additional);
            }
        }
    }

    async fn check(&mut self) {
        // A reset, or the clock, may have made the first due.
        if self.waits && self.is_overdue() {
            tokio::task::yield_now().await;
            self.wake();
        }
        let may_be_due = self.waits && self.first().is_some_and(|first| first <= Instant::now());
        if may_be_due && self.count.get() > self.woken {
            self.wake();
        }
        assert_eq!(self.count.get(), self.woken, "woken, and to be woken");
        assert_eq!(self.queue.len(), self.waiting.len());
        assert_eq!(self.queue.is_empty(), self.waiting.is_empty());
        let first = self.queue.peek().map(|key| self.places[&key]);
        assert_eq!(first, self.waiting.keys().next().copied());
        for (key, (deadline, _)) in self.places.iter().take(3) {
            assert_eq!(self.queue.deadline(key), *deadline);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_delay_queue_behaves_as_a_sorted_map(ops in prop::collection::vec(op(), 1..150)) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(unconstrained(async {
            advance(Duration::from_secs(1)).await;
            let mut model = Model::new();
            for op in ops {
                model.run(op).await;
                model.check().await;
            }
        }));
    }
}
