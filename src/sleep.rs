//! `Sleep`, and the two functions that make it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::driver::Entry;
use crate::precision::Precision;
use crate::saturating;

/// Waits until `duration` has elapsed.
///
/// The same as [`sleep_until`]`(Instant::now() + duration)`. More than 30 years are taken for 30
/// years.
///
/// # Panics
///
/// As [`sleep_until`] does.
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
/// A `deadline` in the past is ready at the first poll. Nothing is registered with the runtime's
/// driver before the first poll that has to wait.
///
/// # Panics
///
/// - Outside a tokio runtime, and in one that has shut down.
/// - In a runtime without the I/O driver
///   ([`enable_io`](tokio::runtime::Builder::enable_io) or
///   [`enable_all`](tokio::runtime::Builder::enable_all)). Where there is no native timer, and
///   without the feature `os-native`, it is the time driver
///   ([`enable_time`](tokio::runtime::Builder::enable_time)) instead; with the feature `test-util`
///   that one besides. On Windows no driver is needed, unless by `test-util`.
/// - In a runtime without the time driver, and on Windows, if this is the runtime's first timer and the
///   operating system refuses it. Elsewhere [`tokio::time::Sleep`] serves until it agrees, with tokio's
///   precision.
/// - In a child that was forked off, if the runtime is its parent's and has had a timer.
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
    /// A future that is ready at its deadline; made by [`sleep`] and [`sleep_until`].
    ///
    /// It has the methods of [`tokio::time::Sleep`] with their meaning.
    ///
    /// # Precision
    ///
    /// Never early, and as late as the operating system's own timer: see
    /// [the crate's documentation](crate#platforms).
    ///
    /// # Cancel safety
    ///
    /// Dropping it cancels the wait; there is nothing else to lose.
    ///
    /// # Panics
    ///
    /// A poll that has to wait panics if the runtime that was current when the sleep was made has
    /// shut down.
    ///
    /// # Examples
    ///
    /// One sleep, used again and again:
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
        // Polled or reset: until then it does not count as elapsed, whatever its deadline.
        begun: bool,
        // As tokio's: code that relies on it being `Unpin` would not move back.
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
            begun: false,
            _pinned: PhantomPinned,
        }
    }

    /// When it is ready.
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

    /// Whether its deadline has passed; never before it was first polled or reset.
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
        self.begun && self.entry.now() >= self.deadline
    }

    /// Moves the deadline, before or after it has passed. A task that waits goes on waiting, for
    /// the new one.
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
    /// sleep.await; // not an hour
    /// # }
    /// ```
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        *this.deadline = deadline;
        *this.begun = true;
        this.entry.reset(deadline, Duration::MAX);
    }

    /// How close to its deadline it is ready.
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

    /// For how long it may keep looking at the clock, with [`Precision::Spin`]. Without it: 200 µs.
    /// More than 30 years are taken for 30 years.
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

    /// How late it may be so as to share a wake-up with other timers: see
    /// [`set_tolerance`](Self::set_tolerance).
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

    /// How close to its deadline it is ready.
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

    /// For how long it may keep looking at the clock.
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

    /// How late it may be so as to share a wake-up with other timers.
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

    /// As [`with_spin_limit`](Self::with_spin_limit), for one that is pinned already.
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
        let this = self.project();
        this.entry
            .configure(|options| options.set_spin_limit(limit));
        this.entry.apply_options(*this.deadline, Duration::MAX);
    }

    /// As [`with_precision`](Self::with_precision), for one that is pinned already. A task that
    /// waits goes on waiting, in the new way.
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
        let this = self.project();
        this.entry
            .configure(|options| options.set_precision(precision));
        this.entry.apply_options(*this.deadline, Duration::MAX);
    }

    /// How late it may be so as to share a wake-up with other timers: it is woken for between its
    /// deadline and `tolerance` after it; with no other to share with, at the end. Without it: not at
    /// all later than need be. With
    /// [`Precision::Spin`] it has no effect. More than 30 years are taken for 30 years. A task that
    /// waits goes on waiting, in the new way.
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
        let this = self.project();
        this.entry
            .configure(|options| options.set_tolerance(tolerance));
        this.entry.apply_options(*this.deadline, Duration::MAX);
    }
}

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        *this.begun = true;
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
