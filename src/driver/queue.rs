//! The deadlines of one driver, in order. A data structure: no clock, no I/O, no lock.
//!
//! Moments and spans of time are numbers here, of whatever unit.
//!
//! A timer takes a seat of the slab when it first waits and keeps it until it is dropped, so its every
//! wait after the first allocates nothing, and there is no key that could be stale. What is near waits
//! in the heap, exactly in order; what is far in the wheel, where to insert and to remove it takes a few
//! stores however many there are. The horizon lies between them. Of what waits the first few are always
//! in the heap: so the first is known exactly, and most of what is given up early never sees the heap.

mod bits;
#[cfg(any(test, fuzzing))]
pub(crate) mod check;
mod heap;
mod seat;
mod slab;
mod slack;
mod span;
mod wheel;

use heap::{ARITY, Heap, Node};
use seat::Place;
use slab::Slab;
use slack::Slack;
use wheel::Wheel;

pub(crate) use seat::Key;
pub(crate) use span::Span;

/// So few need no wheel: they are all in the heap, wherever they lie.
const FEW: usize = 32;

/// So many are in the heap, if so many wait.
const NEAR: usize = 16;

/// If more are in the heap, it may be that some of them are far.
const MANY: usize = 256;

/// Values waiting for their deadlines.
///
/// Each has a span of time in which it is to be taken, from its deadline to its latest moment. They
/// are in the order of their latest moments, and of equal ones the one that was set first comes
/// first: as with the kernel's own timers that have a range, one moment serves all whose spans it
/// lies in.
///
/// Beside each 64 seats in a row the owner may keep something of its own: a `C`.
#[derive(Debug)]
pub(crate) struct Queue<T, C = ()> {
    slab: Slab<T, C>,
    /// What waits for a moment before the wheel's horizon. If something is in the wheel, at least
    /// [`NEAR`] are here.
    heap: Heap,
    wheel: Wheel,
    /// If the heap becomes larger, what is far in it goes into the wheel. [`FEW`], if there is no
    /// horizon.
    limit: usize,
    /// Tells equal moments apart. After four billion it begins anew: of two equal ones between which
    /// it did, the later one comes first.
    next_turn: u32,
}

impl<T, C: Default> Queue<T, C> {
    pub(crate) fn new() -> Self {
        Self {
            slab: Slab::new(),
            heap: Heap::default(),
            wheel: Wheel::new(),
            limit: FEW,
            next_turn: 0,
        }
    }

    /// Takes a seat, not yet waiting for anything: the lowest that is free.
    ///
    /// # Panics
    ///
    /// If there were two billion.
    #[inline]
    pub(crate) fn join(&mut self) -> Key {
        Key::new(self.slab.join())
    }

    /// Gives the seat back, with what waited in it.
    #[inline]
    pub(crate) fn leave(&mut self, key: Key) -> Option<T> {
        let value = self.cancel(key);
        self.slab.leave(key.seat());
        value
    }

    /// Whether nobody has a seat.
    pub(crate) fn is_empty(&self) -> bool {
        self.slab.taken == 0
    }

    /// What is kept beside this seat and the others of the 64. It may be made anew when all have left.
    pub(crate) fn beside(&mut self, key: Key) -> &mut C {
        self.slab.beside(key.seat())
    }

    /// Waits for `span` with `value`, in place of what this seat waited for before; returns the
    /// value it had. `period` is the time after which it is likely to wait again, or 0.
    #[inline]
    pub(crate) fn wait(&mut self, key: Key, span: Span, period: u64, value: T) -> Option<T> {
        let seat = self.slab.get_mut(key.seat());
        seat.slack = Slack::floor(span.slack());
        seat.period = period;
        let before = seat.value.replace(value);
        // One that waits for that already keeps its turn.
        if before.is_none() || seat.latest != span.latest() {
            self.put(key, span.latest());
        }
        before
    }

    /// Moves a waiting seat to another span; `false` if it is not waiting.
    #[inline]
    pub(crate) fn postpone(&mut self, key: Key, span: Span) -> bool {
        let seat = self.slab.get_mut(key.seat());
        if seat.value.is_none() {
            return false;
        }
        seat.slack = Slack::floor(span.slack());
        seat.period = 0;
        if seat.latest != span.latest() {
            self.put(key, span.latest());
        }
        true
    }

    /// Moves a waiting seat to another deadline, with the slack and the period that it has, behind all
    /// others of the same latest moment; `false` if it is not waiting.
    pub(crate) fn put_off(&mut self, key: Key, deadline: u64) -> bool {
        let seat = self.slab.get_mut(key.seat());
        if seat.value.is_none() {
            return false;
        }
        let span = Span::new(deadline, seat.slack.get());
        seat.slack = Slack::floor(span.slack());
        self.put(key, span.latest());
        true
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.heap.len() + self.wheel.len
    }

    /// Stops waiting; returns what waited.
    #[inline]
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let seat = self.slab.get_mut(key.seat());
        let place = seat.place();
        let value = seat.take();
        match place {
            Place::Idle => {}
            Place::Heap(position) => {
                self.heap.remove(position, &mut self.slab);
                self.bring_near();
            }
            Place::Wheel(links) => self.wheel.remove(links, &mut self.slab),
        }
        value
    }

    /// How many are to be taken by `until`, of `most` at the most. It looks at a few times that many, and
    /// brings near what it looks at.
    pub(crate) fn count(&mut self, until: u64, most: usize) -> usize {
        loop {
            let count = self.heap.count(0, until, most);
            if count == most || self.wheel.is_empty() || self.wheel.is_near(until) {
                return count;
            }
            self.advance();
        }
    }

    /// The span of what is to be taken first.
    #[inline]
    pub(crate) fn first_span(&self) -> Option<Span> {
        let first = self.heap.first()?;
        Some(Span::until(first.latest(), self.slack(first)))
    }

    /// By when something is to be taken: the first of the latest moments.
    #[inline]
    pub(crate) fn first(&self) -> Option<u64> {
        self.heap.first().map(Node::latest)
    }

    /// How much slack the one has that is to be taken first.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn first_slack(&self) -> u64 {
        self.heap.first().map_or(0, |first| self.slack(first))
    }

    /// What is likely to be first once all are taken that `moment` serves, as it does the first.
    ///
    /// Found by a look at five nodes. So among many it is a guess, but always later than `moment`.
    pub(crate) fn second(&self, moment: u64) -> Option<Span> {
        let first = self.heap.first()?;
        let slack = self.slack(first);
        let mut next = self.again(first);
        let (mut other, mut hidden) = (None, false);
        for child in self.heap.below_first() {
            if child.latest() - self.slack(child) > moment {
                other = Some(child.latest());
                break;
            }
            next = earlier(next, self.again(child));
            // Those below it are not looked at.
            hidden |= self.heap.len() > 1 + ARITY;
        }
        if hidden && slack > 0 {
            // There is no other before that, if their slack is the same; and in a crowd one close to
            // it.
            let next = moment.saturating_add(slack);
            other = Some(other.map_or(next, |other: u64| other.min(next)));
        }
        let other = other.map(|latest| Span::until(latest, 0));
        // Not so at the end of the numbers.
        earlier(next, other).filter(|next| next.latest() > moment)
    }

    fn slack(&self, node: Node) -> u64 {
        self.slab.get(node.seat()).slack.get()
    }

    /// When the one whose node that is will be likely to wait for again.
    fn again(&self, node: Node) -> Option<Span> {
        let seat = self.slab.get(node.seat());
        let latest = node.latest().saturating_add(seat.period);
        (seat.period > 0).then(|| Span::until(latest, seat.slack.get()))
    }

    /// The first, if its deadline is `now` or before.
    #[inline]
    pub(crate) fn due(&self, now: u64) -> Option<Key> {
        let first = self.heap.first()?;
        let is_due = first.latest() <= now || self.slab.get(first.seat()).deadline() <= now;
        is_due.then(|| Key::new(first.seat()))
    }

    /// The deadline of a seat that waits.
    pub(crate) fn deadline(&self, key: Key) -> u64 {
        self.slab.get(key.seat()).deadline()
    }

    /// Takes the first value, if its deadline is `now` or before.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<T> {
        let first = self.due(now)?;
        self.cancel(first)
    }

    /// Every value that waits, in no particular order.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.slab.into_values()
    }

    /// Puts a seat, waiting or not, where it belongs by that latest moment, with a new turn.
    #[inline]
    fn put(&mut self, key: Key, latest: u64) {
        let number = key.seat();
        let seat = self.slab.get_mut(number);
        let place = seat.place();
        (seat.latest, seat.turn) = (latest, self.next_turn);
        self.next_turn = self.next_turn.wrapping_add(1);
        if self.wheel.is_near(latest) {
            let node = seat.enter_heap(number);
            match place {
                Place::Heap(position) => {
                    self.heap.replace(position, node, &mut self.slab);
                    return;
                }
                Place::Wheel(links) => self.wheel.remove(links, &mut self.slab),
                Place::Idle => {}
            }
            self.heap.push(node, &mut self.slab);
            if self.heap.len() > self.limit {
                self.put_far();
            }
            return;
        }
        match place {
            Place::Wheel(links) => self.wheel.reinsert(number, links, &mut self.slab),
            Place::Heap(position) => {
                self.heap.remove(position, &mut self.slab);
                self.wheel.insert(number, &mut self.slab);
                self.bring_near();
            }
            Place::Idle => self.wheel.insert(number, &mut self.slab),
        }
    }

    /// The heap has become large, perhaps since the horizon has gone far: then it comes back to right
    /// behind the first.
    ///
    /// What this costs is paid for by those that have made the heap as large.
    #[cold]
    fn put_far(&mut self) {
        let Some(first) = self.first() else { return };
        if self.wheel.rewind(first, &mut self.slab) {
            let horizon = self.wheel.horizon;
            let wheel = &mut self.wheel;
            let far = |seat, slab: &mut Slab<T, C>| wheel.insert(seat, slab);
            self.heap.split_off(horizon, &mut self.slab, far);
        }
        self.set_limit();
        self.bring_near();
    }

    /// The heap may become twice as large; and as large as it takes to pay for a wheel that is set back.
    fn set_limit(&mut self) {
        self.limit = MANY.max(2 * self.heap.len()).max(self.wheel.len / 8);
    }

    /// Sees to it that the first few are in the heap.
    #[inline]
    fn bring_near(&mut self) {
        if self.heap.len() < NEAR && self.limit != FEW {
            self.fill();
        }
    }

    #[cold]
    fn fill(&mut self) {
        while self.heap.len() < NEAR {
            if self.wheel.is_empty() {
                // They are few: there is no need for a horizon.
                self.wheel.end();
                self.limit = FEW;
                return;
            }
            self.advance();
        }
        self.set_limit();
    }

    fn advance(&mut self) {
        let heap = &mut self.heap;
        self.wheel.advance(&mut self.slab, |seat, slab| {
            let node = slab.get_mut(seat).enter_heap(seat);
            heap.push(node, slab);
        });
    }
}

/// The one whose latest moment comes first.
fn earlier(one: Option<Span>, other: Option<Span>) -> Option<Span> {
    one.into_iter()
        .chain(other)
        .min_by_key(|span| span.latest())
}

/// Gives memory back if less than a quarter is used. A little is kept in any case.
fn shrink<E>(vec: &mut Vec<E>) {
    const KEPT: usize = 64;
    if vec.capacity() > KEPT && vec.len() <= vec.capacity() / 4 {
        vec.shrink_to((2 * vec.len()).max(KEPT));
    }
}

#[cfg(test)]
mod tests {
    use super::check::Op;
    use super::slab::SEATS;
    use super::*;
    use proptest::prelude::*;

    fn op(moment: impl Strategy<Value = u64> + Clone + 'static) -> impl Strategy<Value = Op> {
        let moment = || moment.clone();
        let slack = || prop_oneof![3 => Just(0_u64), 1 => 0_u64..10, 1 => moment()];
        prop_oneof![
            3 => Just(Op::Join),
            1 => any::<usize>().prop_map(Op::Leave),
            6 => (any::<usize>(), moment(), slack(), slack())
                .prop_map(|(key, at, for_, every)| Op::Wait(key, at, for_, every)),
            2 => (any::<usize>(), moment(), slack())
                .prop_map(|(key, at, for_)| Op::Postpone(key, at, for_)),
            1 => (any::<usize>(), moment()).prop_map(|(key, at)| Op::PutOff(key, at)),
            1 => any::<usize>().prop_map(Op::Cancel),
            2 => moment().prop_map(Op::PopDue),
            1 => (0_u8..30, moment()).prop_map(|(many, until)| Op::Count(many, until)),
        ]
    }

    /// Few distinct ones, so that many are equal.
    fn near() -> impl Strategy<Value = u64> + Clone {
        0_u64..20
    }

    /// In any slot of any level of the wheel, and several in each.
    fn far() -> impl Strategy<Value = u64> + Clone {
        let anywhere = (0_u32..64, 0_u64..64, 0_u64..4);
        prop_oneof![
            2 => (0_u64..200, 0_u64..3).prop_map(|(slot, more)| (slot << 20) + more),
            3 => anywhere.prop_map(|(shift, digit, more)| (digit << shift).saturating_add(more)),
            1 => (0_u64..4).prop_map(|less| u64::MAX - less),
        ]
    }

    /// Sizes beyond which something else happens lie between them.
    fn crowd() -> impl Strategy<Value = Op> {
        let many = prop_oneof![4 => 10_u16..50, 1 => 200_u16..400];
        let apart = prop_oneof![Just(0), Just(1_000), 0_u64..1 << 22, far()];
        (many, far(), apart).prop_map(|(many, at, apart)| Op::Crowd(many, at, apart))
    }

    fn op_on_many() -> impl Strategy<Value = Op> {
        prop_oneof![
            20 => op(far()),
            3 => crowd(),
            2 => (20_u16..300, any::<usize>()).prop_map(|(many, n)| Op::Disperse(many, n)),
            2 => far().prop_map(Op::PopAllDue),
        ]
    }

    fn cases(cases: u32) -> ProptestConfig {
        ProptestConfig {
            cases,
            ..ProptestConfig::default()
        }
    }

    proptest! {
        #![proptest_config(cases(2000))]

        #[test]
        fn behaves_as_a_sorted_map(ops in prop::collection::vec(op(near()), 1..120)) {
            check::behaves_as_a_sorted_map(ops);
        }

        /// When there are some levels of the heap.
        #[test]
        fn a_large_one_behaves_as_a_sorted_map(
            waits in prop::collection::vec((0_u64..200, 0_u64..3), 1..100),
            ops in prop::collection::vec(op(near()), 1..60),
        ) {
            let crowd = waits.into_iter().enumerate();
            let crowd = crowd.flat_map(|(n, (at, for_))| [Op::Join, Op::Wait(n, at, for_, 0)]);
            check::behaves_as_a_sorted_map(crowd.chain(ops));
        }
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn one_over_many_levels_behaves_as_a_sorted_map(
            crowds in prop::collection::vec(crowd(), 1..4),
            ops in prop::collection::vec(op_on_many(), 1..60),
        ) {
            check::behaves_as_a_sorted_map(crowds.into_iter().chain(ops));
        }
    }

    #[test]
    fn one_moment_serves_all_whose_spans_it_lies_in() {
        let mut queue = Queue::<_>::new();
        let mut wait = |value, deadline, slack| {
            let key = queue.join();
            queue.wait(key, Span::new(deadline, slack), 0, value);
        };
        wait("strict", 5, 0);
        wait("tolerant", 3, 4);
        wait("later", 6, 3);
        assert_eq!(queue.first(), Some(5));
        let at_five = [(); 3].map(|()| queue.pop_due(5));
        assert_eq!(at_five, [Some("strict"), Some("tolerant"), None]);
        assert_eq!(queue.first(), Some(9));
    }

    const SLOT: u64 = 1 << wheel::SHIFT;

    fn add(queue: &mut Queue<()>, moment: u64) -> Key {
        let key = queue.join();
        queue.wait(key, Span::new(moment, 0), 0, ());
        key
    }

    /// In bytes, of all that the queue has allocated.
    fn memory(queue: &Queue<()>) -> usize {
        let Queue {
            slab, heap, wheel, ..
        } = queue;
        let chunks = slab.chunks.iter().flatten();
        size_of::<slab::Chunk<(), ()>>() * chunks.count()
            + size_of::<usize>() * slab.chunks.capacity()
            + size_of::<u64>() * slab.open.words.capacity()
            + size_of::<[Node; ARITY]>() * heap.siblings.capacity()
            + size_of::<wheel::List>() * wheel.lists.capacity()
    }

    #[test]
    fn few_need_no_wheel() {
        let mut queue = Queue::new();
        for n in 0..FEW as u64 {
            add(&mut queue, n * 1000 * SLOT);
        }
        assert_eq!((queue.heap.len(), queue.wheel.lists.capacity()), (FEW, 0));
    }

    #[test]
    fn what_is_far_waits_in_the_wheel() {
        let mut queue = Queue::new();
        for n in 0..10_000 {
            add(&mut queue, n * SLOT);
        }
        assert!(queue.heap.len() <= FEW);
    }

    /// Its horizon is where the first of those that are far were.
    #[test]
    fn what_is_far_waits_in_the_wheel_also_after_the_near_have_gone() {
        let mut queue = Queue::new();
        for n in 0..1000 {
            add(&mut queue, (1_000_000 + n) * SLOT);
        }
        for n in 0..10_000 {
            add(&mut queue, n * SLOT);
            assert!(queue.heap.len() <= MANY.max(queue.wheel.len / 8));
        }
    }

    /// Where there is nothing to put away, that is not tried again and again.
    #[test]
    fn what_is_near_is_in_the_heap_however_many() {
        let mut queue = Queue::new();
        for n in 0..10_000 {
            add(&mut queue, n);
        }
        assert_eq!((queue.heap.len(), queue.wheel.len), (10_000, 0));
        assert!(queue.limit >= 10_000);
        // And forgotten when it is over.
        while queue.pop_due(u64::MAX).is_some() {}
        assert_eq!(queue.limit, FEW);
    }

    #[test]
    fn a_crowd_leaves_no_memory_behind() {
        let mut queue = Queue::new();
        let keys: Vec<_> = (0..100_000)
            .map(|n| add(&mut queue, n * SLOT / 10))
            .collect();
        for key in keys {
            assert_eq!(queue.leave(key), Some(()));
        }
        assert!(memory(&queue) < 16_384, "{} bytes", memory(&queue));
    }

    #[test]
    fn a_spike_leaves_no_memory_beside_what_lives_on() {
        let far = |n: u64| n * SLOT / 10;
        let near = |n: u64| n % 1000;
        let moments: [fn(u64) -> u64; 2] = [far, near];
        for moment in moments {
            let mut queue = Queue::new();
            add(&mut queue, 0);
            let keys: Vec<_> = (0..200_000).map(|n| add(&mut queue, moment(n))).collect();
            for key in keys {
                queue.cancel(key);
                queue.leave(key);
            }
            assert_eq!(queue.first(), Some(0));
            assert!(memory(&queue) < 16_384, "{} bytes", memory(&queue));
        }
    }

    /// Few timers that come and go again and again are no crowd.
    #[test]
    fn what_is_no_crowd_keeps_its_memory() {
        let mut queue = Queue::new();
        let mut kept = None;
        for _ in 0..10 {
            let keys = [7; SEATS].map(|moment| add(&mut queue, moment));
            let before = *kept.get_or_insert(memory(&queue));
            for key in keys {
                queue.leave(key);
            }
            assert_eq!(memory(&queue), before);
        }
    }

    #[test]
    fn seats_are_used_again() {
        let mut queue = Queue::new();
        for _ in 0..1000 {
            let key = add(&mut queue, 7);
            assert_eq!(key.index(), 0);
            queue.leave(key);
        }
    }
}
