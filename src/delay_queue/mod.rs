//! A queue of values that expire, each at a deadline of its own.
//!
//! [`DelayQueue`] has the API of [`tokio_util::time::DelayQueue`], and this module the names of
//! [`tokio_util::time::delay_queue`]. To migrate, change the import.
//!
//! [`tokio_util::time::DelayQueue`]: https://docs.rs/tokio-util/0.7/tokio_util/time/struct.DelayQueue.html
//! [`tokio_util::time::delay_queue`]: https://docs.rs/tokio-util/0.7/tokio_util/time/delay_queue/index.html
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! use tokio_osinterval::delay_queue::{DelayQueue, Expired, Key};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut queue = DelayQueue::new();
//! let key: Key = queue.insert("value", Duration::from_secs(1));
//! let removed: Expired<&str> = queue.remove(&key);
//! assert_eq!(removed.into_inner(), "value");
//! # }
//! ```

mod epoch;
mod expired;
mod options;
#[cfg(feature = "stream")]
mod stream;
mod values;

use std::fmt;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::task::coop;
use tokio::time::Instant;

use crate::driver::Entry;
use crate::driver::queue::{self, Queue, Window};
use crate::precision::TimerOptions;
use crate::saturating;
use epoch::Epoch;
use values::Values;

pub use expired::{Expired, Key};

/// The most values that a queue holds.
const MOST: usize = (1 << 30) - 1;

/// A queue of values that expire, each at a deadline of its own.
///
/// [`insert`](Self::insert) takes a value and returns a [`Key`], by which the value can be removed or
/// its deadline moved. [`poll_expired`](Self::poll_expired) returns the values whose deadlines have
/// passed, in the order of the deadlines. Values with the same deadline come in the order in which
/// they were inserted, or last moved to that deadline.
///
/// It has the methods of [`tokio_util::time::DelayQueue`] with their meaning. Where tokio's rounds
/// each deadline up to a millisecond, this one keeps it to the nanosecond.
///
/// With the feature `stream` it is a `Stream` of [`Expired`], which ends when the queue is empty and
/// goes on when a value is inserted.
///
/// However many values it holds, the queue is one timer of its runtime. That belongs to the runtime
/// which is current when a value is inserted into an empty queue.
///
/// [`tokio_util::time::DelayQueue`]: https://docs.rs/tokio-util/0.7/tokio_util/time/struct.DelayQueue.html
///
/// # Precision
///
/// A value never expires early. It is as late as the operating system's own timer: see
/// [the crate's documentation](crate#platforms). With [`Precision::Spin`](crate::Precision::Spin) it
/// is closer ([`set_precision`](Self::set_precision)), and with a tolerance
/// ([`set_tolerance`](Self::set_tolerance)) the queue shares wake-ups with other timers.
///
/// # Examples
///
/// A cache whose entries expire one after the other:
///
/// ```
/// use std::collections::HashMap;
/// use std::future::poll_fn;
/// use std::time::Duration;
///
/// use tokio_osinterval::DelayQueue;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut cache = HashMap::from([("one", 1), ("two", 2)]);
/// let mut expirations = DelayQueue::new();
/// expirations.insert("one", Duration::from_micros(300));
/// let two = expirations.insert("two", Duration::from_micros(600));
///
/// // It was used: it stays for longer.
/// expirations.reset(&two, Duration::from_millis(2));
///
/// while let Some(expired) = poll_fn(|cx| expirations.poll_expired(cx)).await {
///     cache.remove(expired.get_ref());
/// }
/// assert!(cache.is_empty());
/// # }
/// ```
pub struct DelayQueue<T> {
    /// The deadlines. Nobody has a slot who does not wait.
    queue: Queue<()>,
    values: Values<T>,
    epoch: Epoch,
    /// The last moment at which the clock was seen: what is due by then needs no look at it.
    seen: u64,
    options: TimerOptions,
    /// Waits, if at all, for the first deadline, which is after what was seen. `None` while the queue
    /// is empty: a value may next be inserted in another runtime.
    entry: Option<Entry>,
    /// Who found the queue empty.
    waker: Option<Waker>,
}

impl<T> DelayQueue<T> {
    /// Creates an empty queue.
    ///
    /// It allocates nothing, and needs no runtime, before the first value is inserted.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_osinterval::DelayQueue;
    ///
    /// let queue: DelayQueue<u32> = DelayQueue::new();
    /// assert_eq!(queue.capacity(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// Creates an empty queue with room for at least `capacity` values.
    ///
    /// See [`capacity`](Self::capacity) for what that means.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_osinterval::DelayQueue;
    ///
    /// let queue: DelayQueue<u32> = DelayQueue::with_capacity(10);
    /// assert!(queue.is_empty());
    /// assert!(queue.capacity() >= 10);
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            queue: Queue::new(),
            values: Values::with_capacity(capacity),
            epoch: Epoch::new(Instant::now()),
            seen: Epoch::START,
            options: TimerOptions::default(),
            entry: None,
            waker: None,
        }
    }

    /// Inserts a value that expires `timeout` from now.
    ///
    /// The same as [`insert_at`](Self::insert_at)`(value, Instant::now() + timeout)`. A `timeout` of
    /// more than 30 years is taken for 30 years; one of zero expires at the next poll.
    ///
    /// # Panics
    ///
    /// As [`insert_at`](Self::insert_at) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let key = queue.insert("value", Duration::from_secs(5));
    /// assert_eq!(queue.remove(&key).into_inner(), "value");
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn insert(&mut self, value: T, timeout: Duration) -> Key {
        self.insert_at(value, saturating::after(Instant::now(), timeout))
    }

    /// Inserts a value that expires at `when`.
    ///
    /// A `when` in the past expires at the next poll. Wakes the task that waits in
    /// [`poll_expired`](Self::poll_expired), or found the queue empty there, if the value comes before
    /// all others. The key that is returned may be one of a value that is not in the queue any more.
    ///
    /// # Panics
    ///
    /// - If the queue holds 2<sup>30</sup> - 1 values.
    /// - If the queue is empty, outside a tokio runtime and in one that has shut down.
    /// - If the queue is empty, in a runtime without the I/O driver
    ///   ([`enable_io`](tokio::runtime::Builder::enable_io) or
    ///   [`enable_all`](tokio::runtime::Builder::enable_all)). Where there is no native timer, and
    ///   without the feature `os-native`, it is the time driver
    ///   ([`enable_time`](tokio::runtime::Builder::enable_time)) instead; with the feature `test-util`
    ///   that one besides. On Windows no driver is needed, unless by `test-util`.
    /// - If the queue is empty, in a runtime without the time driver, and on Windows, if this is the
    ///   runtime's first timer and the operating system refuses it. Elsewhere
    ///   [`tokio::time::Sleep`] serves until it agrees, with tokio's precision.
    /// - If the queue is empty, in a child that was forked off, if the runtime is its parent's and has
    ///   had a timer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio::time::Instant;
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let deadline = Instant::now() + Duration::from_secs(5);
    /// let key = queue.insert_at("value", deadline);
    /// assert_eq!(queue.deadline(&key), deadline);
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn insert_at(&mut self, value: T, when: Instant) -> Key {
        assert!(self.len() < MOST, "max entries exceeded");
        if self.entry.is_none() {
            self.enter();
        }
        let moment = self.epoch.timestamp(when);
        let is_first = self
            .queue
            .next_hard_deadline()
            .is_none_or(|first| moment < first);
        let slot = self.queue.alloc();
        self.queue.insert(slot, Window::new(moment, 0), 0, ());
        let key = self.values.insert(slot, value);
        if is_first {
            self.wake();
        }
        key
    }

    /// Polls for the next value that has expired.
    ///
    /// Returns `Poll::Pending` if no deadline has passed, and has the task woken when the first one
    /// does: the one that polled last. Returns `Poll::Ready(None)` if the queue is empty; the next
    /// insertion wakes the task then.
    ///
    /// Takes part in tokio's cooperative budget, once for each value. A clock that was read for one
    /// value serves all others whose deadlines have passed by then.
    ///
    /// # Panics
    ///
    /// If it has to wait and its runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// A future that calls this can be dropped: a value is returned, or it stays in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::time::Duration;
    ///
    /// use tokio::time::Instant;
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// queue.insert("later", Duration::from_micros(500));
    /// queue.insert("sooner", Duration::from_micros(200));
    /// while let Some(expired) = poll_fn(|cx| queue.poll_expired(cx)).await {
    ///     assert!(Instant::now() >= expired.deadline());
    ///     println!("{}", expired.get_ref());
    /// }
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Option<Expired<T>>> {
        let (Some(first), Some(entry)) = (self.queue.next_hard_deadline(), &mut self.entry) else {
            self.wait_for_insertion(cx.waker());
            return Poll::Ready(None);
        };
        if first <= self.seen {
            ready!(coop::poll_proceed(cx)).made_progress();
        } else {
            let deadline = self.epoch.instant(first);
            let now = ready!(entry.poll_elapsed(cx, deadline, Duration::MAX));
            self.seen = self.epoch.timestamp(now);
        }
        let slot = self.queue.next_due(self.seen);
        let expired = slot.and_then(|slot| self.take(slot, first));
        if self.queue.is_empty() {
            self.leave();
        }
        Poll::Ready(expired)
    }

    /// Removes a value before it has expired, or after that.
    ///
    /// Wakes the task that waits in [`poll_expired`](Self::poll_expired), if this leaves the queue
    /// empty.
    ///
    /// # Panics
    ///
    /// If `key` is not in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let key = queue.insert("value", Duration::from_secs(5));
    /// assert_eq!(queue.remove(&key).into_inner(), "value");
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn remove(&mut self, key: &Key) -> Expired<T> {
        match self.try_remove(key) {
            Some(removed) => removed,
            None => invalid_key(),
        }
    }

    /// Removes a value, or returns `None` if `key` is not in the queue.
    ///
    /// Otherwise the same as [`remove`](Self::remove).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let key = queue.insert("value", Duration::from_secs(5));
    /// assert!(queue.try_remove(&key).is_some());
    /// assert!(queue.try_remove(&key).is_none());
    /// # }
    /// ```
    #[inline]
    pub fn try_remove(&mut self, key: &Key) -> Option<Expired<T>> {
        let slot = self.values.id_of(*key)?;
        let first = self.queue.next_hard_deadline();
        let removed = self.take(slot, self.queue.deadline(slot));
        if self.queue.is_empty() {
            self.wake();
            self.leave();
        } else if self.queue.next_hard_deadline() != first {
            self.follow();
        }
        removed
    }

    /// Moves the deadline of a value to `timeout` from now.
    ///
    /// The same as [`reset_at`](Self::reset_at)`(key, Instant::now() + timeout)`. A `timeout` of more
    /// than 30 years is taken for 30 years.
    ///
    /// # Panics
    ///
    /// If `key` is not in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio::time::Instant;
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let key = queue.insert("value", Duration::from_secs(5));
    /// queue.reset(&key, Duration::from_secs(3600));
    /// assert!(queue.deadline(&key) > Instant::now() + Duration::from_secs(3000));
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn reset(&mut self, key: &Key, timeout: Duration) {
        self.reset_at(key, saturating::after(Instant::now(), timeout));
    }

    /// Moves the deadline of a value to `when`, before or after it has passed.
    ///
    /// A task that waits in [`poll_expired`](Self::poll_expired) goes on waiting, for what is the first
    /// deadline then. A `when` in the past expires at the next poll.
    ///
    /// # Panics
    ///
    /// If `key` is not in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio::time::Instant;
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let key = queue.insert("value", Duration::from_secs(5));
    /// let deadline = Instant::now() + Duration::from_micros(200);
    /// queue.reset_at(&key, deadline);
    /// assert_eq!(queue.deadline(&key), deadline);
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn reset_at(&mut self, key: &Key, when: Instant) {
        let Some(slot) = self.values.id_of(*key) else {
            invalid_key()
        };
        let first = self.queue.next_hard_deadline();
        let moment = self.epoch.timestamp(when);
        self.queue.reset(slot, Window::new(moment, 0));
        if self.queue.next_hard_deadline() != first {
            self.follow();
        }
    }

    /// Returns the deadline of a value, as it was given.
    ///
    /// # Panics
    ///
    /// If `key` is not in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// let sooner = queue.insert("sooner", Duration::from_secs(5));
    /// let later = queue.insert("later", Duration::from_secs(10));
    /// assert!(queue.deadline(&sooner) < queue.deadline(&later));
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn deadline(&self, key: &Key) -> Instant {
        match self.values.id_of(*key) {
            Some(slot) => self.epoch.instant(self.queue.deadline(slot)),
            None => invalid_key(),
        }
    }

    /// Returns the key of the value that [`poll_expired`](Self::poll_expired) returns next, whether or
    /// not its deadline has passed, or `None` if the queue is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// queue.insert("later", Duration::from_secs(10));
    /// let sooner = queue.insert("sooner", Duration::from_secs(5));
    /// assert_eq!(queue.peek(), Some(sooner));
    /// # }
    /// ```
    #[must_use]
    pub fn peek(&self) -> Option<Key> {
        self.values.key(self.queue.next_due(u64::MAX)?)
    }

    /// Drops all values, and keeps the [`capacity`](Self::capacity).
    ///
    /// Wakes the task that waits in [`poll_expired`](Self::poll_expired), which then finds the queue
    /// empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// queue.insert("value", Duration::from_secs(5));
    /// queue.clear();
    /// assert!(queue.is_empty());
    /// # }
    /// ```
    pub fn clear(&mut self) {
        if self.is_empty() {
            return;
        }
        self.queue = Queue::new();
        // A destructor may panic. Who waits is woken at the old deadline then.
        self.values.clear();
        self.wake();
        self.leave();
    }

    /// Returns for how many values the queue has room.
    ///
    /// So many can be in it before it allocates memory for further values. The order of their deadlines
    /// has memory of its own, which is allocated as it is needed, for 64 values at a time, and freed as
    /// it is not: 40 bytes for each value on a system of 64 bits, and 16 more for each of those that are
    /// close to the first.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_osinterval::DelayQueue;
    ///
    /// let queue: DelayQueue<u32> = DelayQueue::with_capacity(10);
    /// assert!(queue.capacity() >= 10);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.values.capacity()
    }

    /// Returns the number of values in the queue, those that have expired and were not polled for
    /// among them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// queue.insert("value", Duration::from_secs(5));
    /// assert_eq!(queue.len(), 1);
    /// # }
    /// ```
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether no value is in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// assert!(queue.is_empty());
    /// queue.insert("value", Duration::from_secs(5));
    /// assert!(!queue.is_empty());
    /// # }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for at least `additional` values more than are in the queue.
    ///
    /// Does nothing if the [`capacity`](Self::capacity) is sufficient.
    ///
    /// # Panics
    ///
    /// If the capacity and `additional` are together more than 2<sup>30</sup> - 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// queue.insert("value", Duration::from_secs(5));
    /// queue.reserve(10);
    /// assert!(queue.capacity() >= 11);
    /// # }
    /// ```
    #[track_caller]
    pub fn reserve(&mut self, additional: usize) {
        let most = self.capacity().saturating_add(additional);
        assert!(most <= MOST, "max queue capacity exceeded");
        self.values.reserve(additional);
    }

    /// Reduces the capacity as far as no value has to be moved.
    ///
    /// Mostly that is not far. [`compact`](Self::compact) moves values. May take time in proportion to
    /// the capacity.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_osinterval::DelayQueue;
    ///
    /// let mut queue: DelayQueue<u32> = DelayQueue::with_capacity(10);
    /// queue.shrink_to_fit();
    /// assert_eq!(queue.capacity(), 0);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.values.shrink_to_fit();
    }

    /// Reduces the capacity to the number of values in the queue.
    ///
    /// All keys stay valid. Takes time in proportion to the number of values and its logarithm. While
    /// values that were moved are in the queue, each operation on a key looks it up in a hash map.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::with_capacity(10);
    /// let one = queue.insert(1, Duration::from_secs(5));
    /// let two = queue.insert(2, Duration::from_secs(10));
    /// queue.remove(&one);
    /// queue.compact();
    /// assert_eq!(queue.capacity(), 1);
    /// assert_eq!(queue.remove(&two).into_inner(), 2);
    /// # }
    /// ```
    pub fn compact(&mut self) {
        self.values.compact(&mut self.queue);
    }

    /// Is a timer of the current runtime from now on.
    ///
    /// # Panics
    ///
    /// As [`Entry::current`] does.
    #[track_caller]
    fn enter(&mut self) {
        let mut entry = Entry::current();
        entry.configure(|options| *options = self.options);
        self.entry = Some(entry);
    }

    /// The queue is empty. Another runtime's clock may be behind what was seen of this one's.
    fn leave(&mut self) {
        self.entry = None;
        self.seen = Epoch::START;
    }

    /// Wakes who waits, or has found the queue empty.
    fn wake(&mut self) {
        let waits = self.entry.as_mut().and_then(Entry::take_waker);
        for waker in [waits, self.waker.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    #[cold]
    fn wait_for_insertion(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(last) => last.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }

    /// Has who waits woken for another deadline than before.
    fn follow(&mut self) {
        let Some(first) = self.queue.next_hard_deadline() else {
            return;
        };
        if first <= self.seen {
            self.wake();
        } else if let Some(entry) = &mut self.entry {
            entry.reset(self.epoch.instant(first), Duration::MAX);
        }
    }

    /// Takes out the value at that slot, which waits for `moment`.
    #[inline]
    fn take(&mut self, slot: queue::SlotId, moment: u64) -> Option<Expired<T>> {
        self.queue.free(slot);
        let (key, value) = self.values.remove(slot)?;
        Some(Expired {
            value,
            deadline: self.epoch.instant(moment),
            key,
        })
    }
}

#[cold]
#[track_caller]
fn invalid_key() -> ! {
    panic!("invalid key")
}

// No value is pinned.
impl<T> Unpin for DelayQueue<T> {}

impl<T> Default for DelayQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for DelayQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.queue.next_hard_deadline();
        f.debug_struct("DelayQueue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("deadline", &first.map(|first| self.epoch.instant(first)))
            .field("precision", &self.precision())
            .field("spin_limit", &self.spin_limit())
            .field("tolerance", &self.tolerance())
            .finish_non_exhaustive()
    }
}
