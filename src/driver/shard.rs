//! One part of a driver's timers: those that first waited on one thread, or on a few that share it.

use std::mem;
use std::task::Waker;

use super::queue::{Queue, SlotId, Window};
use super::states::StateBlock;
use super::wakers::Batch;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

/// At no moment: [`Window`] ends before it.
pub(super) const NEVER: u64 = u64::MAX;

/// Nothing else is on its cache lines: of two, since processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct CachePadded<T>(pub(super) T);

type Timers = Queue<Waker, Option<Arc<StateBlock>>>;

#[derive(Debug)]
pub(super) struct Shard {
    bounds: CachePadded<Bounds>,
    /// `None` once the driver is closed.
    timers: CachePadded<Mutex<Option<Timers>>>,
}

/// What others may know of its first timer without its lock. Neither is later than the truth: it is
/// corrected when somebody looks closer, so that a timer that comes and goes writes nothing here.
#[derive(Debug)]
struct Bounds {
    deadline: AtomicU64,
    hard_deadline: AtomicU64,
}

impl Bounds {
    /// What is true. Only under the lock of the shard.
    fn set(&self, first: Option<Window>) {
        let deadline = first.map_or(NEVER, Window::deadline);
        let hard_deadline = first.map_or(NEVER, Window::hard_deadline);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.hard_deadline.store(hard_deadline, Ordering::Relaxed);
    }
}

/// The driver is closed.
#[derive(Debug)]
pub(super) struct Closed;

/// A timer waits now.
#[derive(Debug)]
pub(super) struct Inserted {
    /// What it waited with before.
    pub(super) replaced: Option<Waker>,
    /// Its state is among these, not among those that it could use.
    pub(super) others: Option<Arc<StateBlock>>,
    /// Whether it comes before what others know of: then an alarm must be set for it.
    pub(super) is_first: bool,
}

impl Shard {
    pub(super) fn new() -> Self {
        let bounds = Bounds {
            deadline: AtomicU64::new(NEVER),
            hard_deadline: AtomicU64::new(NEVER),
        };
        Self {
            bounds: CachePadded(bounds),
            timers: CachePadded(Mutex::new(Some(Queue::new()))),
        }
    }

    /// Has `waker` woken within `window`, in place of what `id` waited for before. `period` is the time
    /// after which it is likely to wait again, or 0. A timer that has no id yet is given one, and may use
    /// `block`, or is given others.
    pub(super) fn insert(
        &self,
        block: &Arc<StateBlock>,
        id: &mut Option<SlotId>,
        window: Window,
        period: u64,
        waker: Waker,
    ) -> Result<Inserted, Closed> {
        let mut timers = self.timers.0.lock();
        let timers = timers.as_mut().ok_or(Closed)?;
        let mut others = None;
        let id = *id.get_or_insert_with(|| {
            let (id, its) = Self::alloc(timers, block);
            others = its;
            id
        });
        let its = others.as_ref().unwrap_or(block);
        its.get(id).set_deadline(window.deadline());
        Ok(Inserted {
            replaced: timers.insert(id, window, period, waker),
            is_first: self.is_first(window),
            others,
        })
    }

    /// Takes a seat; returns other block than `block`, if it is among those.
    #[inline]
    fn alloc(timers: &mut Timers, block: &Arc<StateBlock>) -> (SlotId, Option<Arc<StateBlock>>) {
        let id = timers.alloc();
        let user_data = timers.user_data(id);
        let its = user_data.get_or_insert_with(|| {
            if block.has(id) {
                Arc::clone(block)
            } else {
                let driver = Arc::clone(&block.driver);
                Arc::new(StateBlock::new(
                    driver,
                    block.shard,
                    StateBlock::index_of(id),
                ))
            }
        });
        let other = (!Arc::ptr_eq(its, block)).then(|| Arc::clone(its));
        (id, other)
    }

    /// Whether something that has been put into the queue comes before what others know of; they do now.
    fn is_first(&self, window: Window) -> bool {
        let bounds = &self.bounds.0;
        if window.deadline() < bounds.deadline.load(Ordering::Relaxed) {
            bounds.deadline.store(window.deadline(), Ordering::Relaxed);
        }
        let is_first = window.hard_deadline() < bounds.hard_deadline.load(Ordering::Relaxed);
        if is_first {
            bounds
                .hard_deadline
                .store(window.hard_deadline(), Ordering::Relaxed);
        }
        is_first
    }

    /// Moves what `id` waits for, if it waits, to `window`; returns whether an alarm must be set for it.
    pub(super) fn reset(&self, block: &StateBlock, id: SlotId, window: Window) -> bool {
        let mut timers = self.timers.0.lock();
        let Some(timers) = timers.as_mut() else {
            return false;
        };
        if !timers.reset(id, window) {
            return false;
        }
        block.get(id).set_deadline(window.deadline());
        self.is_first(window)
    }

    /// Forgets what `id` waits for.
    pub(super) fn cancel(&self, block: &StateBlock, id: SlotId) -> Option<Waker> {
        let mut timers = self.timers.0.lock();
        block.get(id).cancel();
        timers.as_mut()?.remove(id)
    }

    /// Forgets `id`.
    pub(super) fn remove(&self, block: &StateBlock, id: SlotId) -> Option<Waker> {
        let _empty;
        let mut timers = self.timers.0.lock();
        block.get(id).cancel();
        let all = timers.as_mut()?;
        let canceled = all.free(id);
        // Its block hold the driver, and it may be that nothing would ever tell it to let go of them.
        if all.is_empty() && !block.driver.outlives_timers() {
            _empty = mem::replace(all, Queue::new());
        }
        canceled
    }

    /// How many timers wait.
    pub(super) fn waiting(&self) -> usize {
        let timers = self.timers.0.lock();
        timers.as_ref().map_or(0, Queue::waiting)
    }

    /// Lets go of the block of nobody, and so of the driver.
    pub(super) fn release_blocks(&self) {
        let _empty;
        let mut timers = self.timers.0.lock();
        if let Some(all) = timers.as_mut().filter(|all| all.is_empty()) {
            _empty = mem::replace(all, Queue::new());
        }
    }

    /// Where its parts are.
    #[cfg(all(test, not(model)))]
    pub(super) fn addresses(&self) -> [usize; 2] {
        [
            (&raw const self.bounds).addr(),
            (&raw const self.timers).addr(),
        ]
    }

    /// Whether somebody may be due at `now`.
    pub(super) fn may_be_due(&self, now: u64) -> bool {
        self.bounds.0.deadline.load(Ordering::Relaxed) <= now
    }

    /// Takes the wakers of those that are due, as long as there is room for them.
    pub(super) fn pop_due(&self, now: u64, due: &mut Batch) {
        let mut timers = self.timers.0.lock();
        let Some(timers) = timers.as_mut() else {
            return;
        };
        while due.has_room() {
            let Some(id) = timers.next_due(now) else {
                break;
            };
            if let Some(waker) = expire(timers, id) {
                due.push(waker);
            }
        }
        self.bounds.0.set(timers.next_window());
    }

    /// No later than this is the hard_deadline moment of the first timer.
    pub(super) fn bound(&self) -> u64 {
        self.bounds.0.hard_deadline.load(Ordering::Relaxed)
    }

    /// The window of the first timer.
    pub(super) fn first(&self) -> Option<Window> {
        let mut timers = self.timers.0.lock();
        let first = timers.as_mut()?.next_window();
        self.bounds.0.set(first);
        first
    }

    /// What is likely to be first once all are taken that `moment` serves.
    pub(super) fn after(&self, moment: u64) -> Option<Window> {
        let mut timers = self.timers.0.lock();
        let timers = timers.as_mut()?;
        let first = timers.next_window()?;
        if first.deadline() > moment {
            Some(first)
        } else {
            timers.predict_after(moment)
        }
    }

    /// How many are to be taken by `until`, of `most` at the most.
    pub(super) fn count(&self, until: u64, most: usize) -> usize {
        let mut timers = self.timers.0.lock();
        timers
            .as_mut()
            .map_or(0, |timers| timers.count(until, most))
    }

    /// The driver is closed: gives everyone who waits to `wake`, not under the lock.
    pub(super) fn close(&self, mut wake: impl FnMut(Waker)) {
        let Some(mut timers) = self.timers.0.lock().take() else {
            return;
        };
        while let Some(id) = timers.next_due(NEVER) {
            if let Some(waker) = expire(&mut timers, id) {
                wake(waker);
            }
        }
    }
}

/// Takes what `id` waits with; or moves it to the later moment that it has been put off to.
fn expire(timers: &mut Timers, id: SlotId) -> Option<Waker> {
    let deadline = timers.deadline(id);
    let block = timers
        .user_data(id)
        .as_ref()
        .expect("they came with the id");
    match block.get(id).expire(deadline) {
        Some(later) => {
            timers.reschedule(id, later);
            None
        }
        None => timers.remove(id),
    }
}
