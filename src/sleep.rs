//! `Sleep`, `sleep` and `sleep_until`.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::driver::Entry;
use crate::precision::{Precision, TimerOptions};
use crate::saturating;

/// Waits until `duration` has elapsed.
///
/// This function is equivalent to [`sleep_until`]`(Instant::now() + duration)`. A `duration` of more than 30
/// years is clamped to 30 years.
///
/// # Panics
///
/// This function panics if [`sleep_until`] does.
///
/// # Cancel safety
///
/// Dropping the [`Sleep`] cancels the wait. Nothing else is lost.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let before = Instant::now();
/// tokio_osinterval::sleep(Duration::from_micros(200)).await;
/// assert!(before.elapsed() >= Duration::from_micros(200));
/// # }
/// ```
#[inline]
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let now = Instant::now();
    let entry = Entry::current_for(now, duration);
    Sleep::new(entry, saturating::after(now, duration))
}

/// Waits until `deadline`.
///
/// A `deadline` in the past is ready at the first poll. A sleep registers with the runtime's driver at the
/// first poll that has to wait.
///
/// # Panics
///
/// This function panics:
///
/// - Outside a tokio runtime, and in a runtime that has shut down.
/// - In a runtime without the driver that timers need. On most systems this is the I/O driver
///   ([`enable_io`](tokio::runtime::Builder::enable_io) or
///   [`enable_all`](tokio::runtime::Builder::enable_all)); see [the requirements](crate#requirements).
/// - If the operating system refuses the runtime's first timer, and the runtime has no time driver or the
///   system is Windows. Otherwise [`tokio::time::Sleep`] serves, with tokio's precision, until the operating
///   system accepts a timer.
/// - In a forked child, if the runtime is the parent's and has had a timer.
///
/// # Cancel safety
///
/// Dropping the [`Sleep`] cancels the wait. Nothing else is lost.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let deadline = Instant::now() + Duration::from_millis(1);
/// tokio_osinterval::sleep_until(deadline).await;
/// assert!(Instant::now() >= deadline);
/// # }
/// ```
#[inline]
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(Entry::current(), deadline)
}

pin_project! {
    /// A future that is ready at its deadline, returned by [`sleep`] and [`sleep_until`].
    ///
    /// It has the methods of [`tokio::time::Sleep`], with the same semantics.
    ///
    /// # Precision
    ///
    /// A sleep never ends early. Its lateness is that of the operating system's timer; see
    /// [the crate's documentation](crate#platforms). [`Precision::Spin`] and a
    /// [tolerance](Self::set_tolerance) change it.
    ///
    /// # Cancel safety
    ///
    /// Dropping a sleep cancels the wait. Nothing else is lost.
    ///
    /// # Panics
    ///
    /// A poll that has to wait panics if the runtime that was current when the sleep was created has shut
    /// down.
    ///
    /// # Examples
    ///
    /// Use one sleep repeatedly:
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sleep = pin!(tokio_osinterval::sleep(Duration::from_millis(1)));
    /// for _ in 0..3 {
    ///     sleep.as_mut().await;
    ///     sleep.as_mut().reset(Instant::now() + Duration::from_millis(1));
    /// }
    /// # }
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        entry: Entry,
        deadline: Instant,
        // `is_elapsed` is false until the first poll or reset, as for tokio's `Sleep`.
        polled_or_reset: bool,
        // `!Unpin` as tokio's `Sleep`, so that code can move back to tokio.
        #[pin]
        _pinned: PhantomPinned,
    }
}

impl Sleep {
    #[inline]
    pub(crate) fn new(entry: Entry, deadline: Instant) -> Self {
        Self {
            entry,
            deadline,
            polled_or_reset: false,
            _pinned: PhantomPinned,
        }
    }

    /// Returns the deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let deadline = Instant::now() + Duration::from_secs(1);
    /// assert_eq!(tokio_osinterval::sleep_until(deadline).deadline(), deadline);
    /// # }
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns `true` if the deadline has passed.
    ///
    /// Returns `false` until the sleep is first polled or reset.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sleep = pin!(tokio_osinterval::sleep(Duration::from_millis(1)));
    /// assert!(!sleep.is_elapsed());
    /// sleep.as_mut().await;
    /// assert!(sleep.is_elapsed());
    /// # }
    /// ```
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        self.polled_or_reset && self.entry.now() >= self.deadline
    }

    /// Moves the deadline to `deadline`.
    ///
    /// You can call this method before and after the sleep has elapsed. A task that waits is woken at the new
    /// deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sleep = pin!(tokio_osinterval::sleep(Duration::from_secs(3600)));
    /// sleep.as_mut().reset(Instant::now() + Duration::from_millis(1));
    /// sleep.await; // Takes 1 ms, not an hour.
    /// # }
    /// ```
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        *this.deadline = deadline;
        *this.polled_or_reset = true;
        this.entry.reset(deadline, Duration::MAX);
    }

    /// Sets how close to its deadline the sleep ends. Default: [`Precision::Kernel`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{Precision, sleep};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// sleep(Duration::from_micros(300)).with_precision(Precision::Spin).await;
    /// # }
    /// ```
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.entry
            .configure(|options| options.set_precision(precision));
        self
    }

    /// Sets the longest time for which the sleep may spin, with [`Precision::Spin`]. Default: 200 µs.
    ///
    /// A `limit` of more than 30 years is clamped to 30 years.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{Precision, sleep};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// sleep(Duration::from_micros(300))
    ///     .with_precision(Precision::Spin)
    ///     .with_spin_limit(Duration::from_micros(50))
    ///     .await;
    /// # }
    /// ```
    pub fn with_spin_limit(mut self, limit: Duration) -> Self {
        self.entry
            .configure(|options| options.set_spin_limit(limit));
        self
    }

    /// Sets how late the sleep may end in order to share a wake-up with other timers. Default: zero.
    ///
    /// See [`set_tolerance`](Self::set_tolerance).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// tokio_osinterval::sleep(Duration::from_millis(2))
    ///     .with_tolerance(Duration::from_millis(1))
    ///     .await;
    /// # }
    /// ```
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.entry
            .configure(|options| options.set_tolerance(tolerance));
        self
    }

    /// Returns how close to its deadline the sleep ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::{Precision, sleep};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert_eq!(sleep(Duration::from_secs(1)).precision(), Precision::Kernel);
    /// # }
    /// ```
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.entry.options().precision()
    }

    /// Returns the longest time for which the sleep may spin, with [`Precision::Spin`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::sleep;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let sleep = sleep(Duration::from_secs(1));
    /// assert_eq!(sleep.spin_limit(), Duration::from_micros(200));
    /// # }
    /// ```
    #[must_use]
    pub fn spin_limit(&self) -> Duration {
        self.entry.options().spin_limit()
    }

    /// Returns how late the sleep may end in order to share a wake-up with other timers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_osinterval::sleep;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert_eq!(sleep(Duration::from_secs(1)).tolerance(), Duration::ZERO);
    /// # }
    /// ```
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.entry.options().tolerance()
    }

    /// Sets the longest time for which the sleep may spin, with [`Precision::Spin`].
    ///
    /// This is [`with_spin_limit`](Self::with_spin_limit) for a pinned sleep. The change affects a task that
    /// waits already.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    /// use tokio_osinterval::{Precision, sleep};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sleep = pin!(sleep(Duration::from_micros(300)));
    /// sleep.as_mut().set_precision(Precision::Spin);
    /// sleep.as_mut().set_spin_limit(Duration::from_micros(50));
    /// sleep.await;
    /// # }
    /// ```
    pub fn set_spin_limit(self: Pin<&mut Self>, limit: Duration) {
        self.set_options(|options| options.set_spin_limit(limit));
    }

    /// Sets how close to its deadline the sleep ends.
    ///
    /// This is [`with_precision`](Self::with_precision) for a pinned sleep. The change affects a task that
    /// waits already.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    /// use tokio_osinterval::{Precision, sleep};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sleep = pin!(sleep(Duration::from_micros(300)));
    /// sleep.as_mut().set_precision(Precision::Spin);
    /// sleep.await;
    /// # }
    /// ```
    pub fn set_precision(self: Pin<&mut Self>, precision: Precision) {
        self.set_options(|options| options.set_precision(precision));
    }

    /// Sets how late the sleep may end in order to share a wake-up with other timers.
    ///
    /// This is [`with_tolerance`](Self::with_tolerance) for a pinned sleep. The change affects a task that
    /// waits already.
    ///
    /// The driver wakes the task between the deadline and `tolerance` after it. A sleep that shares its
    /// wake-up with no other timer ends at the end of its tolerance. With [`Precision::Spin`] a tolerance has
    /// no effect. A `tolerance` of more than 30 years is clamped to 30 years.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sleep = pin!(tokio_osinterval::sleep(Duration::from_millis(2)));
    /// sleep.as_mut().set_tolerance(Duration::from_millis(1));
    /// sleep.await;
    /// # }
    /// ```
    pub fn set_tolerance(self: Pin<&mut Self>, tolerance: Duration) {
        self.set_options(|options| options.set_tolerance(tolerance));
    }

    fn set_options(self: Pin<&mut Self>, set: impl FnOnce(&mut TimerOptions)) {
        let this = self.project();
        this.entry.configure(set);
        this.entry.apply_options(*this.deadline, Duration::MAX);
    }
}

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        *this.polled_or_reset = true;
        this.entry
            .poll_elapsed(cx, *this.deadline, Duration::MAX)
            .map(drop)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("precision", &self.precision())
            .field("spin_limit", &self.spin_limit())
            .field("tolerance", &self.tolerance())
            .finish_non_exhaustive()
    }
}
