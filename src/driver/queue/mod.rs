//! The deadlines of one driver, in order. A data structure: no clock, no I/O, no lock.
//!
//! Moments and windows of time are numbers here, of whatever unit.
//!
//! A timer takes a slot of the slab when it first waits and keeps it until it is dropped, so its every
//! wait after the first allocates nothing, and there is no id that could be stale. What is near waits
//! in the heap, exactly in order; what is far in the wheel, where to insert and to remove it takes a few
//! stores however many there are. The horizon lies between them. Of what waits the first few are always
//! in the heap: so the first is known exactly, and most of what is given up early never sees the heap.

mod bits;
#[cfg(any(test, fuzzing))]
pub(crate) mod check;
mod heap;
mod slab;
mod slack;
mod slot;
mod wheel;
mod window;

use heap::{ARITY, Heap, Node};
use slab::Slab;
use slack::Slack;
use slot::Position;
use wheel::Wheel;

pub(crate) use slot::SlotId;
pub(crate) use window::Window;

/// So few need no wheel: they are all in the heap, wherever they lie.
const WITHOUT_WHEEL: usize = 32;

/// So many are in the heap, if so many wait.
const MIN_HEAP: usize = 16;

/// If more are in the heap, it may be that some of them are far.
const SPILL_AT: usize = 256;

/// Values waiting for their deadlines.
///
/// Each has a window of time in which it is to be in_use, from its deadline to its hard_deadline moment. They
/// are in the order of their hard_deadline moments, and of equal ones the one that was set first comes
/// first: as with the kernel's own timers that have a range, one moment serves all whose windows it
/// lies in.
///
/// Beside each 64 slots in a row the owner may keep something of its own: a `C`.
#[derive(Debug)]
pub(crate) struct Queue<T, C = ()> {
    slab: Slab<T, C>,
    /// What waits for a moment before the wheel's horizon. If something is in the wheel, at least
    /// [`MIN_HEAP`] are here.
    heap: Heap,
    wheel: Wheel,
    /// If the heap becomes larger, what is far in it goes into the wheel. [`WITHOUT_WHEEL`], if there is no
    /// horizon.
    limit: usize,
    /// Tells equal moments apart. After four billion it begins anew: of two equal ones between which
    /// it did, the later one comes first.
    next_seq: u32,
}

impl<T, C: Default> Queue<T, C> {
    pub(crate) fn new() -> Self {
        Self {
            slab: Slab::new(),
            heap: Heap::default(),
            wheel: Wheel::new(),
            limit: WITHOUT_WHEEL,
            next_seq: 0,
        }
    }

    /// Takes a slot, not yet waiting for anything: the lowest that is free.
    ///
    /// # Panics
    ///
    /// If there were two billion.
    #[inline]
    pub(crate) fn alloc(&mut self) -> SlotId {
        SlotId::new(self.slab.alloc())
    }

    /// Gives the slot back, with what waited in it.
    #[inline]
    pub(crate) fn free(&mut self, id: SlotId) -> Option<T> {
        let value = self.remove(id);
        self.slab.free(id.number());
        value
    }

    /// Whether nobody has a slot.
    pub(crate) fn is_empty(&self) -> bool {
        self.slab.in_use == 0
    }

    /// What is kept beside this slot and the others of the 64. It may be made anew when all have left.
    pub(crate) fn user_data(&mut self, id: SlotId) -> &mut C {
        self.slab.user_data(id.number())
    }

    /// Waits for `window` with `value`, in place of what this slot waited for before; returns the
    /// value it had. `period` is the time after which it is likely to wait again, or 0.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        id: SlotId,
        window: Window,
        period: u64,
        value: T,
    ) -> Option<T> {
        let slot = self.slab.get_mut(id.number());
        slot.slack = Slack::floor(window.slack());
        slot.period = period;
        let before = slot.value.replace(value);
        // One that waits for that already keeps its seq.
        if before.is_none() || slot.hard_deadline != window.hard_deadline() {
            self.place(id, window.hard_deadline());
        }
        before
    }

    /// Moves a waiting slot to another window; `false` if it is not waiting.
    #[inline]
    pub(crate) fn reset(&mut self, id: SlotId, window: Window) -> bool {
        let slot = self.slab.get_mut(id.number());
        if slot.value.is_none() {
            return false;
        }
        slot.slack = Slack::floor(window.slack());
        slot.period = 0;
        if slot.hard_deadline != window.hard_deadline() {
            self.place(id, window.hard_deadline());
        }
        true
    }

    /// Moves a waiting slot to another deadline, with the slack and the period that it has, behind all
    /// others of the same hard_deadline moment; `false` if it is not waiting.
    pub(crate) fn reschedule(&mut self, id: SlotId, deadline: u64) -> bool {
        let slot = self.slab.get_mut(id.number());
        if slot.value.is_none() {
            return false;
        }
        let window = Window::new(deadline, slot.slack.get());
        slot.slack = Slack::floor(window.slack());
        self.place(id, window.hard_deadline());
        true
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.heap.len() + self.wheel.len
    }

    /// Stops waiting; returns what waited.
    #[inline]
    pub(crate) fn remove(&mut self, id: SlotId) -> Option<T> {
        let slot = self.slab.get_mut(id.number());
        let position = slot.position();
        let value = slot.take();
        match position {
            Position::Idle => {}
            Position::Heap(at) => {
                self.heap.remove(at, &mut self.slab);
                self.refill();
            }
            Position::Wheel(links) => self.wheel.remove(links, &mut self.slab),
        }
        value
    }

    /// How many are to be in_use by `until`, of `most` at the most. It looks at a few times that many, and
    /// brings near what it looks at.
    pub(crate) fn count(&mut self, until: u64, most: usize) -> usize {
        loop {
            let count = self.heap.count(0, until, most);
            if count == most || self.wheel.is_empty() || self.wheel.is_before_horizon(until) {
                return count;
            }
            self.advance();
        }
    }

    /// The window of what is to be in_use first.
    #[inline]
    pub(crate) fn next_window(&self) -> Option<Window> {
        let first = self.heap.first()?;
        Some(Window::until(first.hard_deadline(), self.slack(first)))
    }

    /// By when something is to be in_use: the first of the hard_deadline moments.
    #[inline]
    pub(crate) fn next_hard_deadline(&self) -> Option<u64> {
        self.heap.first().map(Node::hard_deadline)
    }

    /// How much slack the one has that is to be in_use first.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn next_slack(&self) -> u64 {
        self.heap.first().map_or(0, |first| self.slack(first))
    }

    /// What is likely to be first once all are in_use that `moment` serves, as it does the first.
    ///
    /// Found by a look at five nodes. So among many it is a guess, but always later than `moment`.
    pub(crate) fn predict_after(&self, moment: u64) -> Option<Window> {
        let first = self.heap.first()?;
        let slack = self.slack(first);
        let mut next = self.next_window_of(first);
        let (mut other, mut hidden) = (None, false);
        for child in self.heap.below_first() {
            if child.hard_deadline() - self.slack(child) > moment {
                other = Some(child.hard_deadline());
                break;
            }
            next = earlier(next, self.next_window_of(child));
            // Those below it are not looked at.
            hidden |= self.heap.len() > 1 + ARITY;
        }
        if hidden && slack > 0 {
            // There is no other before that, if their slack is the same; and in a crowd one close to
            // it.
            let next = moment.saturating_add(slack);
            other = Some(other.map_or(next, |other: u64| other.min(next)));
        }
        let other = other.map(|hard_deadline| Window::until(hard_deadline, 0));
        // Not so at the end of the numbers.
        earlier(next, other).filter(|next| next.hard_deadline() > moment)
    }

    fn slack(&self, node: Node) -> u64 {
        self.slab.get(node.slot()).slack.get()
    }

    /// When the one whose node that is will be likely to wait for again.
    fn next_window_of(&self, node: Node) -> Option<Window> {
        let slot = self.slab.get(node.slot());
        let hard_deadline = node.hard_deadline().saturating_add(slot.period);
        (slot.period > 0).then(|| Window::until(hard_deadline, slot.slack.get()))
    }

    /// The first, if its deadline is `now` or before.
    #[inline]
    pub(crate) fn next_due(&self, now: u64) -> Option<SlotId> {
        let first = self.heap.first()?;
        let is_due = first.hard_deadline() <= now || self.slab.get(first.slot()).deadline() <= now;
        is_due.then(|| SlotId::new(first.slot()))
    }

    /// The deadline of a slot that waits.
    pub(crate) fn deadline(&self, id: SlotId) -> u64 {
        self.slab.get(id.number()).deadline()
    }

    /// Takes the first value, if its deadline is `now` or before.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<T> {
        let first = self.next_due(now)?;
        self.remove(first)
    }

    /// Every value that waits, in no particular order.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.slab.into_values()
    }

    /// Puts a slot, waiting or not, where it belongs by that hard_deadline moment, with a new seq.
    #[inline]
    fn place(&mut self, id: SlotId, hard_deadline: u64) {
        let number = id.number();
        let slot = self.slab.get_mut(number);
        let position = slot.position();
        (slot.hard_deadline, slot.seq) = (hard_deadline, self.next_seq);
        self.next_seq = self.next_seq.wrapping_add(1);
        if self.wheel.is_before_horizon(hard_deadline) {
            let node = slot.enter_heap(number);
            match position {
                Position::Heap(at) => {
                    self.heap.replace(at, node, &mut self.slab);
                    return;
                }
                Position::Wheel(links) => self.wheel.remove(links, &mut self.slab),
                Position::Idle => {}
            }
            self.heap.push(node, &mut self.slab);
            if self.heap.len() > self.limit {
                self.spill();
            }
            return;
        }
        match position {
            Position::Wheel(links) => self.wheel.reinsert(number, links, &mut self.slab),
            Position::Heap(at) => {
                self.heap.remove(at, &mut self.slab);
                self.wheel.insert(number, &mut self.slab);
                self.refill();
            }
            Position::Idle => self.wheel.insert(number, &mut self.slab),
        }
    }

    /// The heap has become large, perhaps since the horizon has gone far: then it comes back to right
    /// behind the first.
    ///
    /// What this costs is paid for by those that have made the heap as large.
    #[cold]
    fn spill(&mut self) {
        let Some(first) = self.next_hard_deadline() else {
            return;
        };
        if self.wheel.rewind(first, &mut self.slab) {
            let horizon = self.wheel.horizon;
            let wheel = &mut self.wheel;
            let far = |slot, slab: &mut Slab<T, C>| wheel.insert(slot, slab);
            self.heap.split_off(horizon, &mut self.slab, far);
        }
        self.set_limit();
        self.refill();
    }

    /// The heap may become twice as large; and as large as it takes to pay for a wheel that is set back.
    fn set_limit(&mut self) {
        self.limit = SPILL_AT.max(2 * self.heap.len()).max(self.wheel.len / 8);
    }

    /// Sees to it that the first few are in the heap.
    #[inline]
    fn refill(&mut self) {
        if self.heap.len() < MIN_HEAP && self.limit != WITHOUT_WHEEL {
            self.refill_slow();
        }
    }

    #[cold]
    fn refill_slow(&mut self) {
        while self.heap.len() < MIN_HEAP {
            if self.wheel.is_empty() {
                // They are few: there is no need for a horizon.
                self.wheel.end();
                self.limit = WITHOUT_WHEEL;
                return;
            }
            self.advance();
        }
        self.set_limit();
    }

    fn advance(&mut self) {
        let heap = &mut self.heap;
        self.wheel.advance(&mut self.slab, |slot, slab| {
            let node = slab.get_mut(slot).enter_heap(slot);
            heap.push(node, slab);
        });
    }
}

/// The one whose hard_deadline moment comes first.
fn earlier(one: Option<Window>, other: Option<Window>) -> Option<Window> {
    one.into_iter()
        .chain(other)
        .min_by_key(|window| window.hard_deadline())
}

/// Gives memory back if less than a quarter is used. A little is kept in any case.
fn shrink<E>(vec: &mut Vec<E>) {
    const RETAINED: usize = 64;
    if vec.capacity() > RETAINED && vec.len() <= vec.capacity() / 4 {
        vec.shrink_to((2 * vec.len()).max(RETAINED));
    }
}

#[cfg(test)]
mod tests {
    use super::check::Op;
    use super::slab::SLOTS_PER_BLOCK;
    use super::*;
    use proptest::prelude::*;

    fn op(moment: impl Strategy<Value = u64> + Clone + 'static) -> impl Strategy<Value = Op> {
        let moment = || moment.clone();
        let slack = || prop_oneof![3 => Just(0_u64), 1 => 0_u64..10, 1 => moment()];
        prop_oneof![
            3 => Just(Op::Alloc),
            1 => any::<usize>().prop_map(Op::Free),
            6 => (any::<usize>(), moment(), slack(), slack())
                .prop_map(|(id, at, for_, every)| Op::Insert(id, at, for_, every)),
            2 => (any::<usize>(), moment(), slack())
                .prop_map(|(id, at, for_)| Op::Reset(id, at, for_)),
            1 => (any::<usize>(), moment()).prop_map(|(id, at)| Op::Reschedule(id, at)),
            1 => any::<usize>().prop_map(Op::Remove),
            2 => moment().prop_map(Op::PopDue),
            1 => (0_u8..30, moment()).prop_map(|(many, until)| Op::Count(many, until)),
        ]
    }

    /// Few distinct ones, so that many are equal.
    fn near() -> impl Strategy<Value = u64> + Clone {
        0_u64..20
    }

    /// In any bucket of any level of the wheel, and several in each.
    fn far() -> impl Strategy<Value = u64> + Clone {
        let anywhere = (0_u32..64, 0_u64..64, 0_u64..4);
        prop_oneof![
            2 => (0_u64..200, 0_u64..3).prop_map(|(bucket, more)| (bucket << 20) + more),
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
        fn large_queue_behaves_as_a_sorted_map(
            waits in prop::collection::vec((0_u64..200, 0_u64..3), 1..100),
            ops in prop::collection::vec(op(near()), 1..60),
        ) {
            let crowd = waits.into_iter().enumerate();
            let crowd = crowd.flat_map(|(n, (at, for_))| [Op::Alloc, Op::Insert(n, at, for_, 0)]);
            check::behaves_as_a_sorted_map(crowd.chain(ops));
        }
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn multi_level_queue_behaves_as_a_sorted_map(
            crowds in prop::collection::vec(crowd(), 1..4),
            ops in prop::collection::vec(op_on_many(), 1..60),
        ) {
            check::behaves_as_a_sorted_map(crowds.into_iter().chain(ops));
        }
    }

    #[test]
    fn one_wakeup_serves_all_windows_that_contain_it() {
        let mut queue = Queue::<_>::new();
        let mut wait = |value, deadline, slack| {
            let id = queue.alloc();
            queue.insert(id, Window::new(deadline, slack), 0, value);
        };
        wait("strict", 5, 0);
        wait("tolerant", 3, 4);
        wait("later", 6, 3);
        assert_eq!(queue.next_hard_deadline(), Some(5));
        let at_five = [(); 3].map(|()| queue.pop_due(5));
        assert_eq!(at_five, [Some("strict"), Some("tolerant"), None]);
        assert_eq!(queue.next_hard_deadline(), Some(9));
    }

    const SLOT: u64 = 1 << wheel::SHIFT;

    fn add(queue: &mut Queue<()>, moment: u64) -> SlotId {
        let id = queue.alloc();
        queue.insert(id, Window::new(moment, 0), 0, ());
        id
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
    fn small_queue_has_no_wheel() {
        let mut queue = Queue::new();
        for n in 0..WITHOUT_WHEEL as u64 {
            add(&mut queue, n * 1000 * SLOT);
        }
        assert_eq!(
            (queue.heap.len(), queue.wheel.lists.capacity()),
            (WITHOUT_WHEEL, 0)
        );
    }

    #[test]
    fn far_deadlines_wait_in_the_wheel() {
        let mut queue = Queue::new();
        for n in 0..10_000 {
            add(&mut queue, n * SLOT);
        }
        assert!(queue.heap.len() <= WITHOUT_WHEEL);
    }

    /// Its horizon is where the first of those that are far were.
    #[test]
    fn heap_spills_when_the_horizon_is_far() {
        let mut queue = Queue::new();
        for n in 0..1000 {
            add(&mut queue, (1_000_000 + n) * SLOT);
        }
        for n in 0..10_000 {
            add(&mut queue, n * SLOT);
            assert!(queue.heap.len() <= SPILL_AT.max(queue.wheel.len / 8));
        }
    }

    /// Where there is nothing to put away, that is not tried again and again.
    #[test]
    fn near_deadlines_stay_in_the_heap() {
        let mut queue = Queue::new();
        for n in 0..10_000 {
            add(&mut queue, n);
        }
        assert_eq!((queue.heap.len(), queue.wheel.len), (10_000, 0));
        assert!(queue.limit >= 10_000);
        // And forgotten when it is over.
        while queue.pop_due(u64::MAX).is_some() {}
        assert_eq!(queue.limit, WITHOUT_WHEEL);
    }

    #[test]
    fn emptied_queue_frees_its_memory() {
        let mut queue = Queue::new();
        let keys: Vec<_> = (0..100_000)
            .map(|n| add(&mut queue, n * SLOT / 10))
            .collect();
        for id in keys {
            assert_eq!(queue.free(id), Some(()));
        }
        assert!(memory(&queue) < 16_384, "{} bytes", memory(&queue));
    }

    #[test]
    fn spike_frees_its_memory_while_a_timer_remains() {
        let far = |n: u64| n * SLOT / 10;
        let near = |n: u64| n % 1000;
        let moments: [fn(u64) -> u64; 2] = [far, near];
        for moment in moments {
            let mut queue = Queue::new();
            add(&mut queue, 0);
            let keys: Vec<_> = (0..200_000).map(|n| add(&mut queue, moment(n))).collect();
            for id in keys {
                queue.remove(id);
                queue.free(id);
            }
            assert_eq!(queue.next_hard_deadline(), Some(0));
            assert!(memory(&queue) < 16_384, "{} bytes", memory(&queue));
        }
    }

    /// Few timers that come and go again and again are no crowd.
    #[test]
    fn small_queue_retains_its_memory() {
        let mut queue = Queue::new();
        let mut kept = None;
        for _ in 0..10 {
            let keys = [7; SLOTS_PER_BLOCK].map(|moment| add(&mut queue, moment));
            let before = *kept.get_or_insert(memory(&queue));
            for id in keys {
                queue.free(id);
            }
            assert_eq!(memory(&queue), before);
        }
    }

    #[test]
    fn freed_slots_are_reused() {
        let mut queue = Queue::new();
        for _ in 0..1000 {
            let id = add(&mut queue, 7);
            assert_eq!(id.index(), 0);
            queue.free(id);
        }
    }
}
