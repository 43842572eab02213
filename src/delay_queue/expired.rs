//! The keys of a `DelayQueue`, and the values that have left it.

use tokio::time::Instant;

use crate::driver::queue;

/// Identifies a value in a [`DelayQueue`](super::DelayQueue).
///
/// [`insert`](super::DelayQueue::insert) and [`insert_at`](super::DelayQueue::insert_at) return a key. The
/// key is valid until [`poll_expired`](super::DelayQueue::poll_expired) returns the value, or until the
/// value is removed or cleared. After that, the queue may reuse the key for another value. A key is valid
/// only for the queue that returned it.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// use tokio_osinterval::delay_queue::{DelayQueue, Key};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut queue = DelayQueue::new();
/// let mut keys: HashMap<&str, Key> = HashMap::new();
/// keys.insert("session", queue.insert("session", Duration::from_secs(30)));
///
/// // The session was used: it expires 30 seconds from now.
/// queue.reset(&keys["session"], Duration::from_secs(30));
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub(super) queue::SlotId);

/// A value that has expired or was removed.
///
/// Returned by [`poll_expired`](super::DelayQueue::poll_expired), [`remove`](super::DelayQueue::remove) and
/// [`try_remove`](super::DelayQueue::try_remove).
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
/// let key = queue.insert("value", Duration::from_secs(1));
/// let removed = queue.remove(&key);
/// assert_eq!(removed.key(), key);
/// assert_eq!(removed.into_inner(), "value");
/// # }
/// ```
#[derive(Debug)]
pub struct Expired<T> {
    pub(super) value: T,
    pub(super) deadline: Instant,
    pub(super) key: Key,
}

impl<T> Expired<T> {
    /// Returns a reference to the value.
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
    /// let key = queue.insert(7, Duration::from_secs(1));
    /// assert_eq!(queue.remove(&key).get_ref(), &7);
    /// # }
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// Returns a mutable reference to the value.
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
    /// let key = queue.insert(7, Duration::from_secs(1));
    /// let mut removed = queue.remove(&key);
    /// *removed.get_mut() += 1;
    /// assert_eq!(removed.into_inner(), 8);
    /// # }
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// Consumes `self` and returns the value.
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
    /// let key = queue.insert("value", Duration::from_secs(1));
    /// assert_eq!(queue.remove(&key).into_inner(), "value");
    /// # }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the deadline of the value.
    ///
    /// This is the deadline that was set, not the time at which the value was returned.
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
    /// let deadline = Instant::now() + Duration::from_micros(1_234_567);
    /// let key = queue.insert_at("value", deadline);
    /// assert_eq!(queue.remove(&key).deadline(), deadline);
    /// # }
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns the key that the value had.
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
    /// let key = queue.insert("value", Duration::from_secs(1));
    /// assert_eq!(queue.remove(&key).key(), key);
    /// # }
    /// ```
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }
}
