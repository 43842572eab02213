//! A queue of values that expire, each at its own deadline.
//!
//! [`DelayQueue`] has the API of [`tokio_util::time::DelayQueue`]. This module has the names of
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

/// The most values that a queue can hold.
const MAX_VALUES: usize = (1 << 30) - 1;

/// A queue of values that expire, each at its own deadline.
///
/// [`insert`](Self::insert) takes a value and returns a [`Key`]. Use the key to remove the value or to
/// reset its deadline. [`poll_expired`](Self::poll_expired) returns the values whose deadlines have
/// passed, in the order of the deadlines. Values with equal deadlines expire in the order in which they
/// were inserted or last reset to that deadline.
///
/// The queue has the methods of [`tokio_util::time::DelayQueue`], with the same meaning. tokio-util rounds
/// each deadline up to a millisecond. This queue keeps deadlines to the nanosecond.
///
/// With the feature `stream`, the queue is a `Stream` of [`Expired`]. The stream ends when the queue is
/// empty, and continues when a value is inserted.
///
/// The queue uses one timer of the runtime, however many values it holds. The timer belongs to the runtime
/// that is current when a value is inserted into the empty queue.
///
/// [`tokio_util::time::DelayQueue`]: https://docs.rs/tokio-util/0.7/tokio_util/time/struct.DelayQueue.html
///
/// # Precision
///
/// A value never expires early. It is as late as the operating system's timer: see
/// [the crate's documentation](crate#platforms). To make values expire closer to their deadlines, use
/// [`set_precision`](Self::set_precision) with [`Precision::Spin`](crate::Precision::Spin). To share
/// wake-ups with other timers, use [`set_tolerance`](Self::set_tolerance).
///
/// # Examples
///
/// A cache whose entries expire:
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
/// // The entry was used: it stays for longer.
/// expirations.reset(&two, Duration::from_millis(2));
///
/// while let Some(expired) = poll_fn(|cx| expirations.poll_expired(cx)).await {
///     cache.remove(expired.get_ref());
/// }
/// assert!(cache.is_empty());
/// # }
/// ```
pub struct DelayQueue<T> {
    /// The deadlines. Every slot in use is waiting.
    queue: Queue<()>,
    values: Values<T>,
    epoch: Epoch,
    /// The timestamp of the last clock reading. Values that were due then need no further reading.
    cached_now: u64,
    options: TimerOptions,
    /// If it waits, it waits for the first deadline, which is after `cached_now`. `None` while the queue is
    /// empty, because the next value may be inserted in another runtime.
    entry: Option<Entry>,
    /// The waker of the task that found the queue empty.
    empty_waker: Option<Waker>,
}

impl<T> DelayQueue<T> {
    /// Creates an empty queue.
    ///
    /// This allocates nothing and needs no runtime. Inserting a value does.
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
    /// See [`capacity`](Self::capacity) for what the capacity includes.
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
            cached_now: Epoch::START,
            options: TimerOptions::default(),
            entry: None,
            empty_waker: None,
        }
    }

    /// Inserts a value that expires `timeout` from now, and returns its key.
    ///
    /// This is the same as [`insert_at`](Self::insert_at)`(value, Instant::now() + timeout)`. A `timeout` of
    /// more than 30 years is clamped to 30 years. A value with a `timeout` of zero expires at the next poll.
    ///
    /// # Panics
    ///
    /// See [`insert_at`](Self::insert_at).
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

    /// Inserts a value that expires at `when`, and returns its key.
    ///
    /// A value whose deadline is in the past expires at the next poll. If the new deadline is the earliest,
    /// this wakes the task that waits in [`poll_expired`](Self::poll_expired) or found the queue empty
    /// there. The key may equal that of a value that is no longer in the queue.
    ///
    /// # Panics
    ///
    /// Panics if the queue holds 2<sup>30</sup> - 1 values. If the queue is empty, also panics:
    ///
    /// - Outside a tokio runtime, and in a runtime that has shut down.
    /// - In a runtime without the I/O driver ([`enable_io`](tokio::runtime::Builder::enable_io) or
    ///   [`enable_all`](tokio::runtime::Builder::enable_all)). Where there is no native timer, and without
    ///   the feature `os-native`, the queue needs the time driver
    ///   ([`enable_time`](tokio::runtime::Builder::enable_time)) instead. With the feature `test-util`, it
    ///   needs both. On Windows, it needs no driver, unless `test-util` is enabled.
    /// - If this is the runtime's first timer and the operating system refuses it, in a runtime without the
    ///   time driver and on Windows. Elsewhere, [`tokio::time::Sleep`] serves with its own precision until
    ///   the operating system accepts the timer.
    /// - In a forked child process, if the runtime is its parent's and has had a timer.
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
        assert!(self.len() < MAX_VALUES, "max entries exceeded");
        if self.entry.is_none() {
            self.create_entry();
        }
        let timestamp = self.epoch.timestamp(when);
        let is_first = self
            .queue
            .next_hard_deadline()
            .is_none_or(|first| timestamp < first);
        let slot = self.queue.alloc();
        self.queue.insert(slot, Window::new(timestamp, 0), 0, ());
        let key = self.values.insert(slot, value);
        if is_first {
            self.wake();
        }
        key
    }

    /// Polls for the next expired value.
    ///
    /// Returns:
    ///
    /// - `Poll::Ready(Some(expired))` if the first deadline has passed. The value is removed from the queue.
    /// - `Poll::Pending` if no deadline has passed. The task that polled last is woken when the first
    ///   deadline passes.
    /// - `Poll::Ready(None)` if the queue is empty. The next insertion wakes the task.
    ///
    /// Each value counts once against tokio's cooperative budget. One reading of the clock serves all values
    /// whose deadlines have passed by then.
    ///
    /// # Panics
    ///
    /// Panics if it has to wait and the runtime of the queue has shut down.
    ///
    /// # Cancel safety
    ///
    /// A future that calls this method is cancel safe: a value is either returned or stays in the queue.
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
            self.store_waker(cx.waker());
            return Poll::Ready(None);
        };
        if first <= self.cached_now {
            ready!(coop::poll_proceed(cx)).made_progress();
        } else {
            let deadline = self.epoch.instant(first);
            let now = ready!(entry.poll_elapsed(cx, deadline, Duration::MAX));
            self.cached_now = self.epoch.timestamp(now);
        }
        let slot = self.queue.next_due(self.cached_now);
        let expired = slot.and_then(|slot| self.take_value(slot, first));
        if self.queue.is_empty() {
            self.drop_entry();
        }
        Poll::Ready(expired)
    }

    /// Removes a value, whether or not its deadline has passed.
    ///
    /// If this leaves the queue empty, wakes the task that waits in [`poll_expired`](Self::poll_expired).
    ///
    /// # Panics
    ///
    /// Panics if `key` is not in the queue. See [`try_remove`](Self::try_remove) for a method that does not.
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
    /// Otherwise, this is the same as [`remove`](Self::remove).
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
        let slot = self.values.slot_of(*key)?;
        let first = self.queue.next_hard_deadline();
        let removed = self.take_value(slot, self.queue.deadline(slot));
        if self.queue.is_empty() {
            self.wake();
            self.drop_entry();
        } else if self.queue.next_hard_deadline() != first {
            self.update_wait();
        }
        removed
    }

    /// Resets the deadline of a value to `timeout` from now.
    ///
    /// This is the same as [`reset_at`](Self::reset_at)`(key, Instant::now() + timeout)`. A `timeout` of
    /// more than 30 years is clamped to 30 years.
    ///
    /// # Panics
    ///
    /// Panics if `key` is not in the queue.
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

    /// Resets the deadline of a value to `when`, whether or not the old deadline has passed.
    ///
    /// A task that waits in [`poll_expired`](Self::poll_expired) keeps waiting, for the deadline that is now
    /// the first. A value whose new deadline is in the past expires at the next poll.
    ///
    /// # Panics
    ///
    /// Panics if `key` is not in the queue.
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
        let Some(slot) = self.values.slot_of(*key) else {
            invalid_key()
        };
        let first = self.queue.next_hard_deadline();
        let timestamp = self.epoch.timestamp(when);
        self.queue.reset(slot, Window::new(timestamp, 0));
        if self.queue.next_hard_deadline() != first {
            self.update_wait();
        }
    }

    /// Returns the deadline of a value, exact to the nanosecond.
    ///
    /// # Panics
    ///
    /// Panics if `key` is not in the queue.
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
        match self.values.slot_of(*key) {
            Some(slot) => self.epoch.instant(self.queue.deadline(slot)),
            None => invalid_key(),
        }
    }

    /// Returns the key of the next value that [`poll_expired`](Self::poll_expired) will return, or `None` if
    /// the queue is empty.
    ///
    /// The value may or may not have expired.
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

    /// Drops all values and retains the [`capacity`](Self::capacity).
    ///
    /// Wakes the task that waits in [`poll_expired`](Self::poll_expired). Its next poll finds the queue
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
        // If a destructor panics, a waiting task is woken at the old deadline.
        self.values.clear();
        self.wake();
        self.drop_entry();
    }

    /// Returns how many values the queue can hold without allocating more memory for values.
    ///
    /// The deadlines use memory of their own. It is allocated on demand for 64 deadlines at a time, and freed
    /// when it is no longer needed. On a 64-bit system, a deadline takes 40 bytes, and 16 more if it is
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

    /// Returns the number of values in the queue.
    ///
    /// This includes values that have expired but were not returned yet.
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

    /// Returns `true` if there are no values in the queue.
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

    /// Reserves capacity for at least `additional` more values.
    ///
    /// Does nothing if the [`capacity`](Self::capacity) is sufficient.
    ///
    /// # Panics
    ///
    /// Panics if the sum of the capacity and `additional` is more than 2<sup>30</sup> - 1.
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
        let required = self.capacity().saturating_add(additional);
        assert!(required <= MAX_VALUES, "max queue capacity exceeded");
        self.values.reserve(additional);
    }

    /// Reduces the capacity as far as possible without moving values.
    ///
    /// Often that is not far. [`compact`](Self::compact) moves values. This method may take time in
    /// proportion to the capacity.
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

    /// Reduces the capacity to the number of values in the queue, by moving values.
    ///
    /// All keys stay valid. For *n* values, this takes O(*n* log *n*) time. Until all moved values have left
    /// the queue, every operation on a key looks it up in a hash map.
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

    /// Creates the queue's timer in the current runtime.
    ///
    /// # Panics
    ///
    /// See [`Entry::current`].
    #[track_caller]
    fn create_entry(&mut self) {
        let mut entry = Entry::current();
        entry.configure(|options| *options = self.options);
        self.entry = Some(entry);
    }

    /// Drops the timer of an empty queue. Forgets the last clock reading, because the clock of the next
    /// runtime may be behind it.
    fn drop_entry(&mut self) {
        self.entry = None;
        self.cached_now = Epoch::START;
    }

    /// Wakes the task that waits or has found the queue empty.
    fn wake(&mut self) {
        let waiting = self.entry.as_mut().and_then(Entry::take_waker);
        for waker in [waiting, self.empty_waker.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Stores the waker of a task that found the queue empty.
    #[cold]
    fn store_waker(&mut self, waker: &Waker) {
        match &mut self.empty_waker {
            Some(last) => last.clone_from(waker),
            None => self.empty_waker = Some(waker.clone()),
        }
    }

    /// Makes a waiting task wait for the first deadline, which has changed.
    fn update_wait(&mut self) {
        let Some(first) = self.queue.next_hard_deadline() else {
            return;
        };
        if first <= self.cached_now {
            self.wake();
        } else if let Some(entry) = &mut self.entry {
            entry.reset(self.epoch.instant(first), Duration::MAX);
        }
    }

    /// Removes the value of `slot`, whose deadline is `timestamp`.
    #[inline]
    fn take_value(&mut self, slot: queue::SlotId, timestamp: u64) -> Option<Expired<T>> {
        self.queue.free(slot);
        let (key, value) = self.values.remove(slot)?;
        Some(Expired {
            value,
            deadline: self.epoch.instant(timestamp),
            key,
        })
    }
}

#[cold]
#[track_caller]
fn invalid_key() -> ! {
    panic!("invalid key")
}

// Values are never pinned.
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
