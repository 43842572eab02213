//! What a `DelayQueue` gives away: keys, and values that are out of it.

use tokio::time::Instant;

use crate::driver::queue;

/// Stands for a value in a [`DelayQueue`](super::DelayQueue).
///
/// [`insert`](super::DelayQueue::insert) and [`insert_at`](super::DelayQueue::insert_at) return it. It
/// is valid until its value expires, is removed or is cleared. After that the queue may use it for
/// another value. A key of one queue means nothing to another.
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
/// [`poll_expired`](super::DelayQueue::poll_expired), [`remove`](super::DelayQueue::remove) and
/// [`try_remove`](super::DelayQueue::try_remove) return it.
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

    /// Returns the value.
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

    /// Returns the deadline of the value: the one it was given, not the time at which it was taken out.
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
