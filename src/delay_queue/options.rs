//! The precision, spin limit and tolerance of a `DelayQueue`.

use std::time::Duration;

use super::DelayQueue;
use crate::precision::{Precision, TimerOptions};

impl<T> DelayQueue<T> {
    /// Sets how close to its deadline each value expires.
    ///
    /// This is [`set_precision`](Self::set_precision) for a chain of calls.
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

    /// Sets how long the queue may spin before each deadline, with [`Precision::Spin`].
    ///
    /// This is [`set_spin_limit`](Self::set_spin_limit) for a chain of calls.
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

    /// Sets how late the queue may be woken in order to share a wake-up with other timers.
    ///
    /// This is [`set_tolerance`](Self::set_tolerance) for a chain of calls.
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
    /// The default is [`Precision::Kernel`]. If a task is waiting, the change applies at once.
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
        self.update_options(|options| options.set_precision(precision));
    }

    /// Sets how long the queue may spin before each deadline, with [`Precision::Spin`].
    ///
    /// The default is 200 µs. A limit of more than 30 years is clamped to 30 years.
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
        self.update_options(|options| options.set_spin_limit(limit));
    }

    /// Sets how late the queue may be woken in order to share a wake-up with other timers.
    ///
    /// The task is woken between the first deadline and `tolerance` after it. If there is no other timer to
    /// share a wake-up with, the task is woken at the end of that time. All values whose deadlines have
    /// passed by then expire together, in order.
    ///
    /// The default is zero. A tolerance has no effect with [`Precision::Spin`]. A tolerance of more than 30
    /// years is clamped to 30 years. If a task is waiting, the change applies at once.
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
        self.update_options(|options| options.set_tolerance(tolerance));
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

    /// Returns how long the queue may spin before each deadline, with [`Precision::Spin`].
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

    /// Returns how late the queue may be woken in order to share a wake-up with other timers.
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

    /// Changes the options, also of a task that is waiting.
    fn update_options(&mut self, update: impl FnOnce(&mut TimerOptions)) {
        update(&mut self.options);
        if let (Some(entry), Some(first)) = (&mut self.entry, self.queue.next_hard_deadline()) {
            entry.configure(|options| *options = self.options);
            entry.apply_options(self.epoch.instant(first), Duration::MAX);
        }
    }
}
