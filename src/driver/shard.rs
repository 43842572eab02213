//! One part of a driver's timers: those that first waited on one thread, or on a few that share it.

use std::mem;
use std::task::Waker;

use super::queue::{Key, Queue, Span};
use super::slots::Slots;
use super::wakers::Batch;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

/// At no moment: [`Span`] ends before it.
pub(super) const NEVER: u64 = u64::MAX;

/// Nothing else is on its cache lines: of two, since processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Apart<T>(pub(super) T);

type Timers = Queue<Waker, Option<Arc<Slots>>>;

#[derive(Debug)]
pub(super) struct Shard {
    told: Apart<Told>,
    /// `None` once the driver is dead.
    timers: Apart<Mutex<Option<Timers>>>,
}

/// What others may know of its first timer without its lock. Neither is later than the truth: it is
/// corrected when somebody looks closer, so that a timer that comes and goes writes nothing here.
#[derive(Debug)]
struct Told {
    deadline: AtomicU64,
    latest: AtomicU64,
}

impl Told {
    /// What is true. Only under the lock of the shard.
    fn tell(&self, first: Option<Span>) {
        let deadline = first.map_or(NEVER, Span::deadline);
        let latest = first.map_or(NEVER, Span::latest);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.latest.store(latest, Ordering::Relaxed);
    }
}

/// The driver is dead.
#[derive(Debug)]
pub(super) struct Dead;

/// A timer waits now.
#[derive(Debug)]
pub(super) struct Waits {
    /// What it waited with before.
    pub(super) replaced: Option<Waker>,
    /// Its slot is among these, not among those that it could use.
    pub(super) others: Option<Arc<Slots>>,
    /// Whether it comes before what others know of: then an alarm must be set for it.
    pub(super) leads: bool,
}

impl Shard {
    pub(super) fn new() -> Self {
        let told = Told {
            deadline: AtomicU64::new(NEVER),
            latest: AtomicU64::new(NEVER),
        };
        Self {
            told: Apart(told),
            timers: Apart(Mutex::new(Some(Queue::new()))),
        }
    }

    /// Has `waker` woken within `span`, in place of what `key` waited for before. `period` is the time
    /// after which it is likely to wait again, or 0. A timer that has no key yet is given one, and may use
    /// `slots`, or is given others.
    pub(super) fn wait(
        &self,
        slots: &Arc<Slots>,
        key: &mut Option<Key>,
        span: Span,
        period: u64,
        waker: Waker,
    ) -> Result<Waits, Dead> {
        let mut timers = self.timers.0.lock();
        let timers = timers.as_mut().ok_or(Dead)?;
        let mut others = None;
        let key = *key.get_or_insert_with(|| {
            let (key, its) = Self::join(timers, slots);
            others = its;
            key
        });
        let its = others.as_ref().unwrap_or(slots);
        its.get(key).wait(span.deadline());
        Ok(Waits {
            replaced: timers.wait(key, span, period, waker),
            leads: self.leads(span),
            others,
        })
    }

    /// Takes a seat; returns other slots than `slots`, if it is among those.
    #[inline]
    fn join(timers: &mut Timers, slots: &Arc<Slots>) -> (Key, Option<Arc<Slots>>) {
        let key = timers.join();
        let beside = timers.beside(key);
        let its = beside.get_or_insert_with(|| {
            if slots.has(key) {
                Arc::clone(slots)
            } else {
                let driver = Arc::clone(&slots.driver);
                Arc::new(Slots::new(driver, slots.shard, Slots::chunk_of(key)))
            }
        });
        let other = (!Arc::ptr_eq(its, slots)).then(|| Arc::clone(its));
        (key, other)
    }

    /// Whether something that has been put into the queue comes before what others know of; they do now.
    fn leads(&self, span: Span) -> bool {
        let told = &self.told.0;
        if span.deadline() < told.deadline.load(Ordering::Relaxed) {
            told.deadline.store(span.deadline(), Ordering::Relaxed);
        }
        let leads = span.latest() < told.latest.load(Ordering::Relaxed);
        if leads {
            told.latest.store(span.latest(), Ordering::Relaxed);
        }
        leads
    }

    /// Moves what `key` waits for, if it waits, to `span`; returns whether an alarm must be set for it.
    pub(super) fn postpone(&self, slots: &Slots, key: Key, span: Span) -> bool {
        let mut timers = self.timers.0.lock();
        let Some(timers) = timers.as_mut() else {
            return false;
        };
        if !timers.postpone(key, span) {
            return false;
        }
        slots.get(key).wait(span.deadline());
        self.leads(span)
    }

    /// Forgets what `key` waits for.
    pub(super) fn cancel(&self, slots: &Slots, key: Key) -> Option<Waker> {
        let mut timers = self.timers.0.lock();
        slots.get(key).cancel();
        timers.as_mut()?.cancel(key)
    }

    /// Forgets `key`.
    pub(super) fn leave(&self, slots: &Slots, key: Key) -> Option<Waker> {
        let _empty;
        let mut timers = self.timers.0.lock();
        slots.get(key).cancel();
        let all = timers.as_mut()?;
        let canceled = all.leave(key);
        // Its slots hold the driver, and it may be that nothing would ever tell it to let go of them.
        if all.is_empty() && !slots.driver.outlives_timers() {
            _empty = mem::replace(all, Queue::new());
        }
        canceled
    }

    /// How many timers wait.
    pub(super) fn waiting(&self) -> usize {
        let timers = self.timers.0.lock();
        timers.as_ref().map_or(0, Queue::waiting)
    }

    /// Lets go of the slots of nobody, and so of the driver.
    pub(super) fn let_go(&self) {
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
            (&raw const self.told).addr(),
            (&raw const self.timers).addr(),
        ]
    }

    /// Whether somebody may be due at `now`.
    pub(super) fn may_be_due(&self, now: u64) -> bool {
        self.told.0.deadline.load(Ordering::Relaxed) <= now
    }

    /// Takes the wakers of those that are due, as long as there is room for them.
    pub(super) fn take_due(&self, now: u64, due: &mut Batch) {
        let mut timers = self.timers.0.lock();
        let Some(timers) = timers.as_mut() else {
            return;
        };
        while due.has_room() {
            let Some(key) = timers.due(now) else {
                break;
            };
            if let Some(waker) = expire(timers, key) {
                due.push(waker);
            }
        }
        self.told.0.tell(timers.first_span());
    }

    /// No later than this is the latest moment of the first timer.
    pub(super) fn bound(&self) -> u64 {
        self.told.0.latest.load(Ordering::Relaxed)
    }

    /// The span of the first timer.
    pub(super) fn first(&self) -> Option<Span> {
        let mut timers = self.timers.0.lock();
        let first = timers.as_mut()?.first_span();
        self.told.0.tell(first);
        first
    }

    /// What is likely to be first once all are taken that `moment` serves.
    pub(super) fn after(&self, moment: u64) -> Option<Span> {
        let mut timers = self.timers.0.lock();
        let timers = timers.as_mut()?;
        let first = timers.first_span()?;
        if first.deadline() > moment {
            Some(first)
        } else {
            timers.second(moment)
        }
    }

    /// How many are to be taken by `until`, of `most` at the most.
    pub(super) fn count(&self, until: u64, most: usize) -> usize {
        let mut timers = self.timers.0.lock();
        timers
            .as_mut()
            .map_or(0, |timers| timers.count(until, most))
    }

    /// The driver is dead: gives everyone who waits to `wake`, not under the lock.
    pub(super) fn close(&self, mut wake: impl FnMut(Waker)) {
        let Some(mut timers) = self.timers.0.lock().take() else {
            return;
        };
        while let Some(key) = timers.due(NEVER) {
            if let Some(waker) = expire(&mut timers, key) {
                wake(waker);
            }
        }
    }
}

/// Takes what `key` waits with; or moves it to the later moment that it has been put off to.
fn expire(timers: &mut Timers, key: Key) -> Option<Waker> {
    let deadline = timers.deadline(key);
    let slots = timers.beside(key).as_ref().expect("they came with the key");
    match slots.get(key).expire(deadline) {
        Some(later) => {
            timers.put_off(key, later);
            None
        }
        None => timers.cancel(key),
    }
}
