//! How close to its deadline each value expires.

use std::time::Duration;

use super::DelayQueue;
use crate::precision::{Precision, TimerOptions};

impl<T> DelayQueue<T> {
    /// As [`set_precision`](Self::set_precision), for a queue that is being made.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_osinterval::{DelayQueue, Precision};
    ///
    /// let queue = DelayQueue::<u32>::new().with_precision(Precision::Spin);
    /// assert_eq!(queue.precision(), Precision::Spin);
    /// ```
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.set_precision(precision);
        self
    }

    /// As [`set_spin_limit`](Self::set_spin_limit), for a queue that is being made.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::{DelayQueue, Precision};
    ///
    /// let queue = DelayQueue::<u32>::new()
    ///     .with_precision(Precision::Spin)
    ///     .with_spin_limit(Duration::from_micros(50));
    /// assert_eq!(queue.spin_limit(), Duration::from_micros(50));
    /// ```
    #[must_use]
    pub fn with_spin_limit(mut self, limit: Duration) -> Self {
        self.set_spin_limit(limit);
        self
    }

    /// As [`set_tolerance`](Self::set_tolerance), for a queue that is being made.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// let queue = DelayQueue::<u32>::new().with_tolerance(Duration::from_millis(1));
    /// assert_eq!(queue.tolerance(), Duration::from_millis(1));
    /// ```
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.set_tolerance(tolerance);
        self
    }

    /// Sets how close to its deadline each value expires.
    ///
    /// Without it: [`Precision::Kernel`]. A task that waits goes on waiting, in the new way.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::{DelayQueue, Precision};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut queue = DelayQueue::new();
    /// queue.set_precision(Precision::Spin);
    /// queue.insert("value", Duration::from_micros(300));
    /// assert!(poll_fn(|cx| queue.poll_expired(cx)).await.is_some());
    /// # }
    /// ```
    pub fn set_precision(&mut self, precision: Precision) {
        self.set(|options| options.set_precision(precision));
    }

    /// Sets for how long the queue may look at the clock before each deadline, with
    /// [`Precision::Spin`].
    ///
    /// Without it: 200 µs. More than 30 years are taken for 30 years.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::{DelayQueue, Precision};
    ///
    /// let mut queue = DelayQueue::<u32>::new();
    /// queue.set_precision(Precision::Spin);
    /// queue.set_spin_limit(Duration::from_micros(50));
    /// ```
    pub fn set_spin_limit(&mut self, limit: Duration) {
        self.set(|options| options.set_spin_limit(limit));
    }

    /// Sets how late the queue may be woken so as to share a wake-up with other timers.
    ///
    /// The task is woken between the first deadline and `tolerance` after it; with no other timer to
    /// share with, at the end. All values whose deadlines have passed by then expire together, in their
    /// order. Without it: zero. With [`Precision::Spin`] it has no effect. More than 30 years are taken
    /// for 30 years. A task that waits goes on waiting, in the new way.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// let mut queue = DelayQueue::<u32>::new();
    /// queue.set_tolerance(Duration::from_millis(1));
    /// ```
    pub fn set_tolerance(&mut self, tolerance: Duration) {
        self.set(|options| options.set_tolerance(tolerance));
    }

    /// Returns how close to its deadline each value expires.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_osinterval::{DelayQueue, Precision};
    ///
    /// assert_eq!(DelayQueue::<u32>::new().precision(), Precision::Kernel);
    /// ```
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.options.precision()
    }

    /// Returns for how long the queue may look at the clock before each deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// assert_eq!(DelayQueue::<u32>::new().spin_limit(), Duration::from_micros(200));
    /// ```
    #[must_use]
    pub fn spin_limit(&self) -> Duration {
        self.options.spin_limit()
    }

    /// Returns how late the queue may be woken so as to share a wake-up with other timers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_osinterval::DelayQueue;
    ///
    /// assert_eq!(DelayQueue::<u32>::new().tolerance(), Duration::ZERO);
    /// ```
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.options.tolerance()
    }

    fn set(&mut self, set: impl FnOnce(&mut TimerOptions)) {
        set(&mut self.options);
        if let (Some(entry), Some(first)) = (&mut self.entry, self.queue.next_hard_deadline()) {
            entry.configure(|options| *options = self.options);
            entry.apply_options(self.epoch.instant(first), Duration::MAX);
        }
    }
}
