//! The timers of a shard: a queue of wakers, and at most one vacant slot.
//!
//! Most timers are dropped long before their deadline, and soon another one is created. So the slot of a
//! dropped timer stays in the queue, without a task, for the next timer. If that has a later deadline, as
//! with timeouts of one length, the queue stays as it is. When the slot comes first, it is rescheduled.

use std::task::Waker;

use super::queue::{Queue, SlotId, Window};
use super::timer_state::StateBlock;
use crate::sync::Arc;

/// How many slots are rescheduled in one step at most, while the shard is locked.
const MAX_RESCHEDULED: usize = 64;

#[derive(Debug)]
pub(super) struct Timers {
    queue: Queue<Waker, Option<Arc<StateBlock>>>,
    /// A slot that no timer owns and that waits nevertheless, with a waker that does nothing.
    vacant: Option<SlotId>,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self {
            queue: Queue::new(),
            vacant: None,
        }
    }

    /// Returns `true` if no slot is in use.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the number of waiting timers.
    pub(super) fn waiting(&self) -> usize {
        self.queue.waiting() - usize::from(self.vacant.is_some())
    }

    /// Allocates a slot. Also returns the block that holds its state, if that is not `block`.
    #[inline]
    pub(super) fn alloc(&mut self, block: &Arc<StateBlock>) -> (SlotId, Option<Arc<StateBlock>>) {
        let slot = self.vacant.take().unwrap_or_else(|| self.queue.alloc());
        let user_data = self.queue.user_data(slot);
        let slots_block = user_data.get_or_insert_with(|| {
            if block.contains(slot) {
                Arc::clone(block)
            } else {
                let driver = Arc::clone(&block.driver);
                let index = StateBlock::index_of(slot);
                Arc::new(StateBlock::new(driver, block.shard, index))
            }
        });
        let other = (!Arc::ptr_eq(slots_block, block)).then(|| Arc::clone(slots_block));
        (slot, other)
    }

    /// Inserts `waker` to wait for `window`. Returns the waker that the slot waited with before.
    ///
    /// A slot that is queued for an earlier deadline already stays there, until it comes first.
    #[inline]
    pub(super) fn insert(
        &mut self,
        slot: SlotId,
        window: Window,
        period: u64,
        waker: Waker,
    ) -> Option<Waker> {
        if self.queue.expires_before(slot, window) {
            self.queue.replace(slot, period, waker)
        } else {
            self.queue.insert(slot, window, period, waker)
        }
    }

    /// Moves a waiting slot to `window`. Returns `false` if the slot is not waiting.
    pub(super) fn reset(&mut self, slot: SlotId, window: Window) -> bool {
        self.queue.reset(slot, window)
    }

    /// Stops the slot's wait. Returns its waker.
    pub(super) fn cancel(&mut self, slot: SlotId) -> Option<Waker> {
        self.queue.remove(slot)
    }

    /// Frees the slot of a dropped timer. Returns its waker.
    pub(super) fn free(&mut self, slot: SlotId) -> Option<Waker> {
        self.queue.free(slot)
    }

    /// Leaves the slot of a dropped timer vacant, or frees it. Returns its waker.
    ///
    /// Only a low slot stays vacant: a high number would keep the queue from returning memory.
    #[inline]
    pub(super) fn vacate(&mut self, slot: SlotId) -> Option<Waker> {
        let is_low =
            self.vacant.is_none_or(|vacant| slot < vacant) && !self.queue.has_free_before(slot);
        if !is_low || !self.queue.is_waiting(slot) {
            return self.queue.free(slot);
        }
        self.free_vacant();
        self.vacant = Some(slot);
        self.queue.replace(slot, 0, Waker::noop().clone())
    }

    pub(super) fn free_vacant(&mut self) {
        if let Some(vacant) = self.vacant.take() {
            self.queue.free(vacant);
        }
    }

    #[inline]
    fn free_vacant_if_first(&mut self) {
        if self.vacant.is_some() && self.queue.first() == self.vacant {
            self.free_vacant();
        }
    }

    /// Returns the next slot if its deadline is `now` or earlier. It is not the vacant one.
    #[inline]
    pub(super) fn next_due(&mut self, now: u64) -> Option<SlotId> {
        self.free_vacant_if_first();
        self.queue.next_due(now)
    }

    /// Returns the deadline of the timer in a waiting slot, if it is later than the one in the queue.
    fn later_deadline(&mut self, slot: SlotId) -> Option<u64> {
        let deadline = self.queue.deadline(slot);
        let block = self.queue.user_data(slot).as_ref();
        block?.get(slot).later_than(deadline)
    }

    /// Removes a slot that is due and returns its waker. If the timer has a later deadline, reschedules the
    /// slot instead.
    pub(super) fn expire(&mut self, slot: SlotId) -> Option<Waker> {
        let deadline = self.queue.deadline(slot);
        let block = self.queue.user_data(slot).as_ref();
        let block = block.expect("each slot is allocated with a block");
        match block.get(slot).expire(deadline) {
            Some(later) => {
                self.queue.reschedule(slot, later);
                None
            }
            None => self.queue.remove(slot),
        }
    }

    /// Returns the window of the next timer.
    ///
    /// An alarm will be armed for it. So a vacant slot at the front is freed, and slots whose timers have later
    /// deadlines are rescheduled, up to a limit.
    pub(super) fn next_window(&mut self) -> Option<Window> {
        self.free_vacant_if_first();
        for _ in 0..MAX_RESCHEDULED {
            let first = self.queue.first()?;
            let Some(later) = self.later_deadline(first) else {
                break;
            };
            self.queue.reschedule(first, later);
            self.free_vacant_if_first();
        }
        self.queue.next_window()
    }

    /// Predicts the next window after a wake-up at `wakeup`.
    pub(super) fn predict_after(&mut self, wakeup: u64) -> Option<Window> {
        self.free_vacant();
        let first = self.next_window()?;
        if first.deadline() > wakeup {
            Some(first)
        } else {
            self.queue.predict_after(wakeup)
        }
    }

    /// Counts the timers whose hard deadline is `until` or earlier, up to `max`.
    pub(super) fn count(&mut self, until: u64, max: usize) -> usize {
        let vacant = self.vacant;
        let vacant = vacant.filter(|slot| self.queue.hard_deadline(*slot) <= until);
        let vacant = usize::from(vacant.is_some());
        self.queue.count(until, max + vacant) - vacant
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;
    use crate::driver::Driver;
    use tokio::runtime::{Builder, Runtime};

    struct Fixture {
        timers: Timers,
        block: Arc<StateBlock>,
        _runtime: Runtime,
    }

    impl Fixture {
        fn new() -> Self {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let driver = Driver::get_or_start(runtime.handle()).unwrap();
            Self {
                timers: Timers::new(),
                block: Arc::new(StateBlock::new(driver, 0, 0)),
                _runtime: runtime,
            }
        }

        /// Creates a timer that waits until `deadline`. Returns its slot and the block of its state.
        fn wait(&mut self, deadline: u64) -> (SlotId, Arc<StateBlock>) {
            let (slot, block) = self.timers.alloc(&self.block);
            let block = block.unwrap_or_else(|| Arc::clone(&self.block));
            block.get(slot).set_deadline(deadline);
            let window = Window::new(deadline, 0);
            drop(self.timers.insert(slot, window, 0, Waker::noop().clone()));
            (slot, block)
        }

        fn drop_timer(&mut self, (slot, block): (SlotId, Arc<StateBlock>)) {
            block.get(slot).cancel();
            assert!(self.timers.vacate(slot).is_some());
        }

        /// Returns the deadlines that the queue expires at, up to `now`.
        fn expire(&mut self, now: u64) -> Vec<u64> {
            let mut expired = Vec::new();
            while let Some(slot) = self.timers.next_due(now) {
                expired.push(self.timers.queue.deadline(slot));
                self.timers.expire(slot);
            }
            expired
        }
    }

    #[test]
    fn vacant_slot_serves_the_next_timer() {
        // The queue is as it was for a later deadline, and changes for an earlier one.
        for (deadline, queued_for) in [(900, 500), (500, 500), (100, 100)] {
            let mut all = Fixture::new();
            let (dropped, block) = all.wait(500);
            all.drop_timer((dropped, block));
            assert_eq!(all.timers.waiting(), 0);
            let (slot, block) = all.wait(deadline);
            assert_eq!((slot, all.timers.waiting()), (dropped, 1));
            assert_eq!(all.timers.queue.hard_deadline(slot), queued_for);
            assert_eq!(
                all.expire(deadline - 1),
                [500][..usize::from(deadline == 900)]
            );
            assert!(block.get(slot).is_waiting());
            assert_eq!(all.expire(deadline), [deadline]);
            assert!(!block.get(slot).is_waiting());
            assert!(all.timers.free(slot).is_none());
            assert!(all.timers.is_empty());
        }
    }

    #[test]
    fn vacant_slot_is_freed_when_it_comes_first() {
        let mut all = Fixture::new();
        let first = all.wait(500);
        let other = all.wait(900);
        all.drop_timer(first);
        assert!(all.timers.vacant.is_some());
        let next = all.timers.next_window().unwrap();
        assert_eq!((next.hard_deadline(), all.timers.vacant), (900, None));

        all.drop_timer(other);
        assert!(!all.timers.is_empty());
        assert_eq!(all.timers.next_due(0), None);
        assert!(all.timers.is_empty());
    }

    #[test]
    fn vacant_slot_is_not_counted_or_predicted() {
        let mut all = Fixture::new();
        let [first, vacant, _last] = [100, 150, 200].map(|deadline| all.wait(deadline));
        all.drop_timer(vacant);
        let counts = [99, 100, 199, 200].map(|until| all.timers.count(until, 9));
        assert_eq!(counts, [0, 1, 1, 2]);
        assert_eq!(all.timers.count(200, 1), 1);
        let predicted = all.timers.predict_after(100).unwrap();
        assert_eq!(predicted.hard_deadline(), 200);
        assert_eq!(all.timers.next_due(100), Some(first.0));
    }

    /// The dropped timers' deadlines are left in the queue by the timers that have their slots now.
    #[test]
    fn slots_of_later_deadlines_are_rescheduled_when_they_come_first() {
        let mut all = Fixture::new();
        let mut timers: Vec<_> = (0..80).map(|n| all.wait(100 + n)).collect();
        for (n, timer) in (0..).zip(&mut timers) {
            all.drop_timer(timer.clone());
            *timer = all.wait(1_000 + n);
        }
        let in_queue: Vec<_> = timers
            .iter()
            .map(|(slot, _)| all.timers.queue.hard_deadline(*slot))
            .collect();
        assert!(in_queue.into_iter().eq(100..180));
        let next = [(); 3].map(|()| all.timers.next_window().unwrap().hard_deadline());
        assert_eq!(next, [164, 1_000, 1_000]);
        assert!(all.expire(2_000).into_iter().eq(1_000..1_080));
    }

    #[test]
    fn low_slot_stays_vacant() {
        for reversed in [false, true] {
            let mut all = Fixture::new();
            let mut timers: Vec<_> = (0..200).map(|n| all.wait(500 + n)).collect();
            let lowest = timers[0].0;
            if reversed {
                timers.reverse();
            }
            for timer in timers {
                all.drop_timer(timer);
            }
            assert_eq!((all.timers.vacant, all.timers.waiting()), (Some(lowest), 0));
            assert_eq!(all.wait(600).0, lowest);
        }

        let mut all = Fixture::new();
        let mut timers: Vec<_> = (0..65).map(|n| all.wait(500 + n)).collect();
        let (high, low) = (timers.pop().unwrap(), timers.swap_remove(7));
        all.drop_timer(low);
        all.timers.free_vacant();
        all.drop_timer(high);
        assert_eq!(all.timers.vacant, None, "a block before it has a free slot");
    }
}
