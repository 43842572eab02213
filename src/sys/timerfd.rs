//! Linux and Android: [timerfd] on `CLOCK_MONOTONIC`.
//!
//! That is also the clock of [`Instant`] there, so an absolute alarm is exact, does not drift and
//! is not subject to the timer slack that `epoll_wait` and `nanosleep` add.
//!
//! [timerfd]: https://man7.org/linux/man-pages/man2/timerfd_create.2.html

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::Armed;
use super::clock::Clock;

const ZERO: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The last second that every kernel can be given: one without 64-bit time takes 32 bits. The
/// clock counts from boot, so this is 68 years of uptime.
const LAST_SECOND: i64 = i32::MAX as i64;

/// One descriptor, and two system calls for each expiry: `timerfd_settime` here and `epoll_wait`
/// in the reactor. The expirations are never read, since `timerfd_settime` takes them back.
#[derive(Debug)]
pub(crate) struct Alarm {
    fd: AsyncFd<OwnedFd>,
    clock: Clock,
    epoch: Epoch,
    /// Holds back the next time it is armed.
    not_before: Option<Instant>,
}

/// How long an alarm that was early is kept from being so again: a clock that stands still would
/// otherwise have it fire over and over.
const BACK_OFF: Duration = Duration::from_millis(1);

impl Alarm {
    pub(crate) const EXACT: bool = false;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = Clock::new(runtime);
        Ok(Self {
            fd: register(create()?)?,
            epoch: Epoch::read(&clock),
            clock,
            not_before: None,
        })
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        // `poll_read_ready` charges the budget of whichever task happens to call, and when that is
        // spent it says `Pending` without having registered the waker: hence `unconstrained`.
        let shutdown = pin!(unconstrained(poll_fn(|cx| {
            loop {
                match ready!(self.fd.poll_read_ready(cx)) {
                    Ok(mut expired) => expired.clear_ready(),
                    Err(error) => return Poll::Ready(error),
                }
            }
        })));
        match shutdown.poll(&mut Context::from_waker(waker)) {
            Poll::Pending => Ok(()),
            Poll::Ready(error) => Err(error),
        }
    }

    pub(crate) fn arm(&mut self, deadline: Instant, _waker: &Waker) -> io::Result<Armed> {
        let not_before = self.not_before.take().unwrap_or(deadline);
        let once = Itimerspec {
            it_interval: ZERO,
            it_value: self.epoch.at(deadline.max(not_before)),
        };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(Armed::Waiting)
    }

    /// An alarm that nobody waits for costs one wake-up, and disarming it a system call as well.
    pub(crate) fn disarm(&mut self) {}

    pub(crate) fn resync(&mut self) {
        self.compare_clocks();
        self.not_before = Some(self.clock.now() + BACK_OFF);
    }

    /// Tells deadlines by how the two clocks stand to each other now.
    pub(crate) fn compare_clocks(&mut self) {
        self.epoch = Epoch::read(&self.clock);
    }
}

/// The same moment on tokio's clock and on the kernel's.
#[derive(Debug)]
struct Epoch {
    instant: Instant,
    kernel: Timespec,
}

impl Epoch {
    /// The kernel's clock is read second: what lies between the readings makes every alarm late by
    /// that much, and none early. Hence the closest of a few pairs, in case this thread is
    /// preempted between two readings.
    fn read(clock: &Clock) -> Self {
        const TRIES: usize = 8;
        const CLOSE: Duration = Duration::from_nanos(500);

        let mut closest = Self::read_once(clock);
        for _ in 1..TRIES {
            if closest.0 < CLOSE {
                break;
            }
            let pair = Self::read_once(clock);
            if pair.0 < closest.0 {
                closest = pair;
            }
        }
        closest.1
    }

    /// A pair of readings, and how far apart they can be.
    fn read_once(clock: &Clock) -> (Duration, Self) {
        let before = clock_gettime(ClockId::Monotonic);
        let instant = clock.now();
        let kernel = clock_gettime(ClockId::Monotonic);
        let apart = kernel.checked_sub(before).map(Duration::try_from);
        let apart = apart.and_then(Result::ok).unwrap_or(Duration::MAX);
        (apart, Self { instant, kernel })
    }

    fn at(&self, deadline: Instant) -> Timespec {
        let wait = deadline.saturating_duration_since(self.instant);
        advance(self.kernel, wait)
    }
}

/// A timer that the kernel restarts by itself and whose expirations it counts.
///
/// `CLOCK_MONOTONIC`, first expiry one period after it was made. Unread, the kernel lets it sleep
/// and works out the count when asked (`timerfd_read` in Linux's fs/timerfd.c).
#[derive(Debug)]
pub(crate) struct Periodic {
    fd: AsyncFd<OwnedFd>,
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(period: Duration) -> io::Result<Self> {
        let fd = create()?;
        let period = advance(ZERO, period);
        let forever = Itimerspec {
            it_interval: period,
            it_value: period,
        };
        timerfd_settime(&fd, TimerfdTimerFlags::empty(), &forever)?;
        Ok(Self { fd: register(fd)? })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            let mut expired = ready!(self.fd.poll_read_ready(cx))?;
            let mut count = [0; size_of::<u64>()];
            match rustix::io::read(self.fd.get_ref(), &mut count) {
                Ok(_) => {
                    // The read took them all. An expiry since then has its own event, which this
                    // does not clear.
                    expired.clear_ready();
                    return Poll::Ready(Ok(u64::from_ne_bytes(count)));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => expired.clear_ready(),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

fn create() -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    Ok(timerfd_create(TimerfdClockId::Monotonic, flags)?)
}

#[track_caller]
fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: `AsyncFd::register_with_interest` asks that the descriptor be open, and stay this
    // same one until it is deregistered. It is owned by the `OwnedFd` that goes into the `AsyncFd`
    // and never comes out: the `AsyncFd` deregisters it, and only then closes it, when dropped.
    let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    Ok(fd?)
}

/// `from + wait`, saturating, and never zero: a zero would disarm the timer
/// ([timerfd_settime](https://man7.org/linux/man-pages/man2/timerfd_settime.2.html)).
fn advance(from: Timespec, wait: Duration) -> Timespec {
    let wait = Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(LAST_SECOND),
        tv_nsec: wait.subsec_nanos().into(),
    };
    let sum = from.checked_add(wait).unwrap_or(Timespec {
        tv_sec: LAST_SECOND,
        tv_nsec: 0,
    });
    if sum.tv_sec > LAST_SECOND {
        Timespec {
            tv_sec: LAST_SECOND,
            tv_nsec: 0,
        }
    } else if sum == ZERO {
        Timespec {
            tv_sec: 0,
            tv_nsec: 1,
        }
    } else {
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nanos(time: Timespec) -> i128 {
        i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
    }

    proptest! {
        #[test]
        fn conversion_is_exact_or_clamped(
            from_secs in 0..=LAST_SECOND,
            from_nanos in 0_u32..1_000_000_000,
            wait_secs in prop_oneof![0_u64..10, 0..u64::MAX, Just(u64::MAX)],
            wait_nanos in 0_u32..1_000_000_000,
        ) {
            let from = Timespec { tv_sec: from_secs, tv_nsec: from_nanos.into() };
            let wait = Duration::new(wait_secs, wait_nanos);
            let sum = advance(from, wait);
            let exact = nanos(from) + i128::try_from(wait.as_nanos()).unwrap();
            prop_assert!((0..1_000_000_000).contains(&i128::from(sum.tv_nsec)), "valid");
            prop_assert!(sum.tv_sec <= LAST_SECOND, "fits 32 bits of seconds");
            let clamped = exact.clamp(1, i128::from(LAST_SECOND) * 1_000_000_000 + 999_999_999);
            if clamped == exact {
                prop_assert_eq!(nanos(sum), exact);
            } else {
                prop_assert!(nanos(sum) >= 1, "zero would disarm");
                prop_assert!(exact < 1 || sum.tv_sec == LAST_SECOND, "never truncated");
            }
        }
    }

    #[test]
    fn zero_does_not_disarm() {
        assert_eq!(nanos(advance(ZERO, Duration::ZERO)), 1);
    }

    #[test]
    fn a_deadline_before_the_epoch_is_due_at_once() {
        let now = Instant::now();
        let epoch = Epoch {
            instant: now + Duration::from_secs(1),
            kernel: clock_gettime(ClockId::Monotonic),
        };
        assert_eq!(epoch.at(now), epoch.kernel);
    }
}
