//! The deadline queue: the deadlines of one shard, in order. A pure data structure: no clock, no I/O, no
//! lock.
//!
//! Timestamps and periods are plain numbers of any unit.
//!
//! A timer allocates a slot of the slab when it first waits, and keeps the slot until it is dropped. So
//! later waits allocate nothing, and no slot ID becomes stale. Near timers are in a heap, in exact order.
//! Far timers are in a wheel, where inserting and removing takes a few stores however many timers there
//! are. The horizon separates the two. The first few timers are always in the heap. So the queue knows the
//! next timer exactly, and most timers that are canceled early never enter the heap.

mod bit_set;
#[cfg(any(test, fuzzing))]
pub(crate) mod check;
mod compact_slack;
mod heap;
mod node;
mod slab;
mod slot;
mod wheel;
mod window;

use compact_slack::CompactSlack;
use heap::{ARITY, Heap};
use node::Node;
use slab::Slab;
use slot::Location;
use wheel::Wheel;

pub(crate) use slot::SlotId;
pub(crate) use window::Window;

/// Up to this many timers are all in the heap: there is no horizon.
const HEAP_ONLY_LIMIT: usize = 32;

/// At least this many timers are in the heap while the wheel is not empty.
const MIN_HEAP_LEN: usize = 16;

/// With a horizon, the heap limit is never lower than this.
const MIN_SPILL_LEN: usize = 256;

/// Values that wait for their deadlines.
///
/// Each value has a [`Window`]. As with the kernel's hrtimer ranges, the queue sorts by hard deadline and
/// pops by deadline, so one wake-up serves all windows that contain it. Equal hard deadlines are in FIFO
/// order.
///
/// The owner may keep user data of type `U` with each block of 64 slots.
#[derive(Debug)]
pub(crate) struct Queue<T, U = ()> {
    slab: Slab<T, U>,
    /// The timers whose hard deadlines are before the horizon: at least [`MIN_HEAP_LEN`] of them while the
    /// wheel is not empty.
    heap: Heap,
    wheel: Wheel,
    /// A heap that grows beyond this moves its far timers to the wheel. [`HEAP_ONLY_LIMIT`] if there is no
    /// horizon.
    heap_limit: usize,
    /// The next FIFO tie-breaker for equal hard deadlines. It wraps after four billion. Two equal hard
    /// deadlines with the wrap between them are in LIFO order.
    next_seq: u32,
}

impl<T, U: Default> Queue<T, U> {
    pub(crate) fn new() -> Self {
        Self {
            slab: Slab::new(),
            heap: Heap::default(),
            wheel: Wheel::new(),
            heap_limit: HEAP_ONLY_LIMIT,
            next_seq: 0,
        }
    }

    /// Allocates the lowest free slot. It is not waiting yet.
    ///
    /// # Panics
    ///
    /// If two billion slots are in use.
    #[inline]
    pub(crate) fn alloc(&mut self) -> SlotId {
        SlotId::new(self.slab.alloc())
    }

    /// Returns `true` if a block before that of `id` has a free slot.
    #[inline]
    pub(crate) fn has_free_before(&mut self, id: SlotId) -> bool {
        self.slab.has_free_before(id.number())
    }

    /// Frees a slot. Returns the value that was waiting there.
    #[inline]
    pub(crate) fn free(&mut self, id: SlotId) -> Option<T> {
        let value = self.remove(id);
        self.slab.free(id.number());
        value
    }

    /// Returns `true` if no slot is in use.
    pub(crate) fn is_empty(&self) -> bool {
        self.slab.in_use == 0
    }

    /// Returns the user data of the block that contains `id`. Starts over with `U::default()` when the block
    /// is freed, which may happen once none of its slots is in use.
    pub(crate) fn user_data(&mut self, id: SlotId) -> &mut U {
        self.slab.user_data(id.number())
    }

    /// Inserts `value` to wait for `window`. Replaces the slot's previous wait and returns the value of that.
    /// `period` is the time after which the timer is likely to wait again, or 0.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        id: SlotId,
        window: Window,
        period: u64,
        value: T,
    ) -> Option<T> {
        let slot = self.slab.get_mut(id.number());
        slot.slack = CompactSlack::round_down(window.slack());
        slot.period = period;
        let before = slot.value.replace(value);
        // An unchanged hard deadline keeps its seq.
        if before.is_none() || slot.hard_deadline != window.hard_deadline() {
            self.enqueue(id, window.hard_deadline());
        }
        before
    }

    /// Returns `true` if the slot is waiting.
    #[inline]
    pub(crate) fn is_waiting(&self, id: SlotId) -> bool {
        self.slab.get(id.number()).value.is_some()
    }

    /// Returns `true` if the slot is waiting for an earlier window with the slack of `window`.
    #[inline]
    pub(crate) fn expires_before(&self, id: SlotId, window: Window) -> bool {
        let slot = self.slab.get(id.number());
        slot.value.is_some()
            && slot.hard_deadline < window.hard_deadline()
            && slot.slack.get() == window.slack()
    }

    /// Replaces the value of a waiting slot, but not its window. Returns the old value.
    #[inline]
    pub(crate) fn replace(&mut self, id: SlotId, period: u64, value: T) -> Option<T> {
        let slot = self.slab.get_mut(id.number());
        debug_assert!(slot.value.is_some(), "the slot is waiting");
        slot.period = period;
        slot.value.replace(value)
    }

    /// Moves a waiting slot to another window. Returns `false` if the slot is not waiting.
    #[inline]
    pub(crate) fn reset(&mut self, id: SlotId, window: Window) -> bool {
        let slot = self.slab.get_mut(id.number());
        if slot.value.is_none() {
            return false;
        }
        slot.slack = CompactSlack::round_down(window.slack());
        slot.period = 0;
        if slot.hard_deadline != window.hard_deadline() {
            self.enqueue(id, window.hard_deadline());
        }
        true
    }

    /// Moves a waiting slot to another deadline, after all others with the same hard deadline. Keeps its
    /// slack and its period. Returns `false` if the slot is not waiting.
    pub(crate) fn reschedule(&mut self, id: SlotId, deadline: u64) -> bool {
        let slot = self.slab.get_mut(id.number());
        if slot.value.is_none() {
            return false;
        }
        let window = Window::new(deadline, slot.slack.get());
        slot.slack = CompactSlack::round_down(window.slack());
        self.enqueue(id, window.hard_deadline());
        true
    }

    /// Returns the number of waiting slots.
    pub(crate) fn waiting(&self) -> usize {
        self.heap.len() + self.wheel.len
    }

    /// Removes and returns the value that waits in the slot. Does not free the slot.
    #[inline]
    pub(crate) fn remove(&mut self, id: SlotId) -> Option<T> {
        let slot = self.slab.get_mut(id.number());
        let location = slot.location();
        let value = slot.take_value();
        match location {
            Location::Idle => {}
            Location::Heap(index) => {
                self.heap.remove(index, &mut self.slab);
                self.refill();
            }
            Location::Wheel(links) => self.wheel.remove(links, &mut self.slab),
        }
        value
    }

    /// Counts the timers whose hard deadline is `until` or earlier, up to `max`. Looks at a few times as many,
    /// and moves those it looks at to the heap.
    pub(crate) fn count(&mut self, until: u64, max: usize) -> usize {
        loop {
            let count = self.heap.count(0, until, max);
            if count == max || self.wheel.is_empty() || self.wheel.is_before_horizon(until) {
                return count;
            }
            self.advance();
        }
    }

    /// Returns the window of the next timer.
    #[inline]
    pub(crate) fn next_window(&self) -> Option<Window> {
        let first = self.heap.first()?;
        Some(Window::ending_at(first.hard_deadline(), self.slack(first)))
    }

    /// Returns the hard deadline of the next timer, which is the earliest of all.
    #[inline]
    pub(crate) fn next_hard_deadline(&self) -> Option<u64> {
        self.heap.first().map(Node::hard_deadline)
    }

    /// Returns the slack of the next timer, or 0 if none is waiting.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn next_slack(&self) -> u64 {
        self.heap.first().map_or(0, |first| self.slack(first))
    }

    /// Predicts the next window after a wake-up at `timestamp`, which serves at least the next timer.
    ///
    /// Looks at five nodes. So the prediction is a guess among many timers, but always later than
    /// `timestamp`.
    pub(crate) fn predict_after(&self, timestamp: u64) -> Option<Window> {
        let first = self.heap.first()?;
        let slack = self.slack(first);
        let mut next = self.predicted_window(first);
        let (mut unserved, mut has_hidden) = (None, false);
        for child in self.heap.root_children() {
            if child.hard_deadline() - self.slack(child) > timestamp {
                unserved = Some(child.hard_deadline());
                break;
            }
            next = earlier_window(next, self.predicted_window(child));
            // The children of this child are not looked at.
            has_hidden |= self.heap.len() > 1 + ARITY;
        }
        if has_hidden && slack > 0 {
            // If all slacks are equal, a hidden timer that this wake-up does not serve has a later hard
            // deadline than this. Among dense timers, one has it soon after.
            let hidden = timestamp.saturating_add(slack);
            unserved = Some(unserved.map_or(hidden, |unserved: u64| unserved.min(hidden)));
        }
        let unserved = unserved.map(|hard_deadline| Window::ending_at(hard_deadline, 0));
        // A saturated prediction may not be later than `timestamp`.
        earlier_window(next, unserved).filter(|next| next.hard_deadline() > timestamp)
    }

    fn slack(&self, node: Node) -> u64 {
        self.slab.get(node.slot()).slack.get()
    }

    /// Returns the window for which the timer of `node` is likely to wait again.
    fn predicted_window(&self, node: Node) -> Option<Window> {
        let slot = self.slab.get(node.slot());
        let hard_deadline = node.hard_deadline().saturating_add(slot.period);
        (slot.period > 0).then(|| Window::ending_at(hard_deadline, slot.slack.get()))
    }

    /// Returns the next timer.
    pub(crate) fn first(&self) -> Option<SlotId> {
        self.heap.first().map(|first| SlotId::new(first.slot()))
    }

    /// Returns the next timer if its deadline is `now` or earlier.
    #[inline]
    pub(crate) fn next_due(&self, now: u64) -> Option<SlotId> {
        let first = self.heap.first()?;
        let is_due = first.hard_deadline() <= now || self.slab.get(first.slot()).deadline() <= now;
        is_due.then(|| SlotId::new(first.slot()))
    }

    /// Returns the hard deadline of a waiting slot.
    pub(crate) fn hard_deadline(&self, id: SlotId) -> u64 {
        self.slab.get(id.number()).hard_deadline
    }

    /// Returns the deadline of a waiting slot.
    pub(crate) fn deadline(&self, id: SlotId) -> u64 {
        self.slab.get(id.number()).deadline()
    }

    /// Removes and returns the next value if its deadline is `now` or earlier.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<T> {
        let first = self.next_due(now)?;
        self.remove(first)
    }

    /// Returns every waiting value, in no particular order.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.slab.into_values()
    }

    /// Queues a slot, waiting or not, for `hard_deadline` with a new seq.
    #[inline]
    fn enqueue(&mut self, id: SlotId, hard_deadline: u64) {
        let number = id.number();
        let slot = self.slab.get_mut(number);
        let location = slot.location();
        (slot.hard_deadline, slot.seq) = (hard_deadline, self.next_seq);
        self.next_seq = self.next_seq.wrapping_add(1);
        if self.wheel.is_before_horizon(hard_deadline) {
            let node = slot.move_to_heap(number);
            match location {
                Location::Heap(index) => {
                    self.heap.replace(index, node, &mut self.slab);
                    return;
                }
                Location::Wheel(links) => self.wheel.remove(links, &mut self.slab),
                Location::Idle => {}
            }
            self.heap.push(node, &mut self.slab);
            if self.heap.len() > self.heap_limit {
                self.spill();
            }
            return;
        }
        match location {
            Location::Wheel(links) => self.wheel.reinsert(number, links, &mut self.slab),
            Location::Heap(index) => {
                self.heap.remove(index, &mut self.slab);
                self.wheel.insert(number, &mut self.slab);
                self.refill();
            }
            Location::Idle => self.wheel.insert(number, &mut self.slab),
        }
    }

    /// Moves far timers from a large heap to the wheel: moves the horizon back to the next timer if it is
    /// further away.
    ///
    /// The insertions that made the heap large amortize the cost.
    #[cold]
    fn spill(&mut self) {
        let Some(first) = self.next_hard_deadline() else {
            return;
        };
        if self.wheel.rewind(first, &mut self.slab) {
            let horizon = self.wheel.horizon;
            let wheel = &mut self.wheel;
            let far = |slot, slab: &mut Slab<T, U>| wheel.insert(slot, slab);
            self.heap.split_off(horizon, &mut self.slab, far);
        }
        self.update_heap_limit();
        self.refill();
    }

    /// Lets the heap double, or grow until its insertions pay for rewinding the wheel.
    fn update_heap_limit(&mut self) {
        self.heap_limit = MIN_SPILL_LEN
            .max(2 * self.heap.len())
            .max(self.wheel.len / 8);
    }

    /// Ensures that the first few timers are in the heap.
    #[inline]
    fn refill(&mut self) {
        if self.heap.len() < MIN_HEAP_LEN && self.heap_limit != HEAP_ONLY_LIMIT {
            self.refill_from_wheel();
        }
    }

    #[cold]
    fn refill_from_wheel(&mut self) {
        while self.heap.len() < MIN_HEAP_LEN {
            if self.wheel.is_empty() {
                // Few timers are left: a horizon is not needed.
                self.wheel.clear_horizon();
                self.heap_limit = HEAP_ONLY_LIMIT;
                return;
            }
            self.advance();
        }
        self.update_heap_limit();
    }

    fn advance(&mut self) {
        let heap = &mut self.heap;
        self.wheel.advance(&mut self.slab, |slot, slab| {
            let node = slab.get_mut(slot).move_to_heap(slot);
            heap.push(node, slab);
        });
    }
}

/// Returns the window whose hard deadline is earlier.
fn earlier_window(one: Option<Window>, other: Option<Window>) -> Option<Window> {
    one.into_iter()
        .chain(other)
        .min_by_key(|window| window.hard_deadline())
}

/// Frees memory if at most a quarter of the capacity is in use. Always retains a little.
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

    fn op(timestamp: impl Strategy<Value = u64> + Clone + 'static) -> impl Strategy<Value = Op> {
        let timestamp = || timestamp.clone();
        let slack = || prop_oneof![3 => Just(0_u64), 1 => 0_u64..10, 1 => timestamp()];
        prop_oneof![
            3 => Just(Op::Alloc),
            1 => any::<usize>().prop_map(Op::Free),
            6 => (any::<usize>(), timestamp(), slack(), slack())
                .prop_map(|(n, deadline, slack, period)| Op::Insert(n, deadline, slack, period)),
            2 => (any::<usize>(), timestamp(), slack())
                .prop_map(|(n, deadline, slack)| Op::Reset(n, deadline, slack)),
            1 => (any::<usize>(), timestamp()).prop_map(|(n, deadline)| Op::Reschedule(n, deadline)),
            1 => (any::<usize>(), slack()).prop_map(|(n, period)| Op::Replace(n, period)),
            1 => any::<usize>().prop_map(Op::Remove),
            2 => timestamp().prop_map(Op::PopDue),
            1 => (0_u8..30, timestamp()).prop_map(|(max, until)| Op::Count(max, until)),
        ]
    }

    /// Few distinct timestamps, so that many are equal.
    fn near() -> impl Strategy<Value = u64> + Clone {
        0_u64..20
    }

    /// Timestamps in every bucket of every level of the wheel, several in each.
    fn far() -> impl Strategy<Value = u64> + Clone {
        let anywhere = (0_u32..64, 0_u64..64, 0_u64..4);
        prop_oneof![
            2 => (0_u64..200, 0_u64..3).prop_map(|(bucket, more)| (bucket << 20) + more),
            3 => anywhere.prop_map(|(shift, digit, more)| (digit << shift).saturating_add(more)),
            1 => (0_u64..4).prop_map(|less| u64::MAX - less),
        ]
    }

    /// Sizes on both sides of the queue's limits.
    fn insert_many() -> impl Strategy<Value = Op> {
        let count = prop_oneof![4 => 10_u16..50, 1 => 200_u16..400];
        let step = prop_oneof![Just(0), Just(1_000), 0_u64..1 << 22, far()];
        (count, far(), step).prop_map(|(count, first, step)| Op::InsertMany(count, first, step))
    }

    fn op_on_many() -> impl Strategy<Value = Op> {
        prop_oneof![
            20 => op(far()),
            3 => insert_many(),
            2 => (20_u16..300, any::<usize>()).prop_map(|(count, n)| Op::FreeMany(count, n)),
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
        fn queue_behaves_as_a_sorted_map(ops in prop::collection::vec(op(near()), 1..120)) {
            check::behaves_as_a_sorted_map(ops);
        }

        /// The heap has several levels.
        #[test]
        fn large_queue_behaves_as_a_sorted_map(
            windows in prop::collection::vec((0_u64..200, 0_u64..3), 1..100),
            ops in prop::collection::vec(op(near()), 1..60),
        ) {
            let inserts = windows.into_iter().enumerate().flat_map(|(n, (deadline, slack))| {
                [Op::Alloc, Op::Insert(n, deadline, slack, 0)]
            });
            check::behaves_as_a_sorted_map(inserts.chain(ops));
        }
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn multi_level_queue_behaves_as_a_sorted_map(
            inserts in prop::collection::vec(insert_many(), 1..4),
            ops in prop::collection::vec(op_on_many(), 1..60),
        ) {
            check::behaves_as_a_sorted_map(inserts.into_iter().chain(ops));
        }
    }

    #[test]
    fn one_wakeup_serves_all_windows_that_contain_it() {
        let mut queue = Queue::<_>::new();
        let mut insert = |value, deadline, slack| {
            let id = queue.alloc();
            queue.insert(id, Window::new(deadline, slack), 0, value);
        };
        insert("strict", 5, 0);
        insert("tolerant", 3, 4);
        insert("later", 6, 3);
        assert_eq!(queue.next_hard_deadline(), Some(5));
        let at_five = [(); 3].map(|()| queue.pop_due(5));
        assert_eq!(at_five, [Some("strict"), Some("tolerant"), None]);
        assert_eq!(queue.next_hard_deadline(), Some(9));
    }

    const BUCKET_WIDTH: u64 = 1 << wheel::BUCKET_BITS;

    fn add(queue: &mut Queue<()>, timestamp: u64) -> SlotId {
        let id = queue.alloc();
        queue.insert(id, Window::new(timestamp, 0), 0, ());
        id
    }

    /// Returns how many bytes the queue has allocated.
    fn memory(queue: &Queue<()>) -> usize {
        let Queue {
            slab, heap, wheel, ..
        } = queue;
        let blocks = slab.blocks.iter().flatten();
        size_of::<slab::Block<(), ()>>() * blocks.count()
            + size_of::<usize>() * slab.blocks.capacity()
            + size_of::<u64>() * slab.available.words.capacity()
            + size_of::<[Node; ARITY]>() * heap.siblings.capacity()
            + size_of::<wheel::Bucket>() * wheel.buckets.capacity()
    }

    #[test]
    fn small_queue_has_no_wheel() {
        let mut queue = Queue::new();
        for n in 0..HEAP_ONLY_LIMIT as u64 {
            add(&mut queue, n * 1000 * BUCKET_WIDTH);
        }
        assert_eq!(
            (queue.heap.len(), queue.wheel.buckets.capacity()),
            (HEAP_ONLY_LIMIT, 0)
        );
    }

    #[test]
    fn far_deadlines_wait_in_the_wheel() {
        let mut queue = Queue::new();
        for n in 0..10_000 {
            add(&mut queue, n * BUCKET_WIDTH);
        }
        assert!(queue.heap.len() <= HEAP_ONLY_LIMIT);
    }

    /// The far timers put the horizon after all the near ones.
    #[test]
    fn heap_spills_when_the_horizon_is_far() {
        let mut queue = Queue::new();
        for n in 0..1000 {
            add(&mut queue, (1_000_000 + n) * BUCKET_WIDTH);
        }
        for n in 0..10_000 {
            add(&mut queue, n * BUCKET_WIDTH);
            assert!(queue.heap.len() <= MIN_SPILL_LEN.max(queue.wheel.len / 8));
        }
    }

    /// The heap limit grows, so the queue does not retry a spill that moves nothing.
    #[test]
    fn near_deadlines_stay_in_the_heap() {
        let mut queue = Queue::new();
        for n in 0..10_000 {
            add(&mut queue, n);
        }
        assert_eq!((queue.heap.len(), queue.wheel.len), (10_000, 0));
        assert!(queue.heap_limit >= 10_000);
        // The limit does not outlast the timers.
        while queue.pop_due(u64::MAX).is_some() {}
        assert_eq!(queue.heap_limit, HEAP_ONLY_LIMIT);
    }

    #[test]
    fn emptied_queue_frees_its_memory() {
        let mut queue = Queue::new();
        let ids: Vec<_> = (0..100_000)
            .map(|n| add(&mut queue, n * BUCKET_WIDTH / 10))
            .collect();
        for id in ids {
            assert_eq!(queue.free(id), Some(()));
        }
        assert!(memory(&queue) < 16_384, "{} bytes", memory(&queue));
    }

    #[test]
    fn spike_frees_its_memory_while_a_timer_remains() {
        let far = |n: u64| n * BUCKET_WIDTH / 10;
        let near = |n: u64| n % 1000;
        let deadlines: [fn(u64) -> u64; 2] = [far, near];
        for deadline in deadlines {
            let mut queue = Queue::new();
            add(&mut queue, 0);
            let ids: Vec<_> = (0..200_000).map(|n| add(&mut queue, deadline(n))).collect();
            for id in ids {
                queue.remove(id);
                queue.free(id);
            }
            assert_eq!(queue.next_hard_deadline(), Some(0));
            assert!(memory(&queue) < 16_384, "{} bytes", memory(&queue));
        }
    }

    /// Creating and dropping few timers again and again allocates nothing.
    #[test]
    fn small_queue_retains_its_memory() {
        let mut queue = Queue::new();
        let mut retained = None;
        for _ in 0..10 {
            let ids = [7; SLOTS_PER_BLOCK].map(|timestamp| add(&mut queue, timestamp));
            let before = *retained.get_or_insert(memory(&queue));
            for id in ids {
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
