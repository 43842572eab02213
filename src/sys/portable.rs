//! Any system: `tokio::time::Sleep`, and so its precision, about a millisecond.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop::{self, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Armed;
use super::clock::TokioClock;
use super::counts::{Counts, refuse_unless_monotonic};
use crate::clock::Clock;
use crate::span;
use crate::sync::{Arc, AtomicU8, Ordering};
use crate::wall::Start;

#[derive(Debug)]
pub(crate) struct Alarm {
    /// `None` while it is not armed.
    sleep: Option<Pin<Box<Sleep>>>,
    clock: TokioClock,
}

impl Alarm {
    /// A paused clock jumps to the next `Sleep` there is: one that nobody waits for any more would
    /// be jumped to as well.
    pub(crate) const EXACT: bool = true;
    pub(crate) const LEEWAY: bool = false;
    pub(crate) const OF_RUNTIME: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = TokioClock::new(runtime);
        // For its panic, if the runtime has no time driver.
        drop(sleep_until(clock.now()));
        Ok(Self { sleep: None, clock })
    }

    /// A runtime that shuts down wakes whoever waits for a `Sleep`, so while this alarm is armed
    /// there is nothing more to do; while it is not, nobody waits.
    pub(crate) fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        _slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let Some(_context) = self.clock.enter() else {
            // On a thread that ends: one that is armed already, if too early, must do.
            let armed = self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed());
            return if armed {
                Ok(Armed::Waiting)
            } else {
                Err(shutdown())
            };
        };
        // No deadline beyond the one that tokio takes for never: it would overflow.
        let mut sleep = registered(latest.min(never(&self.clock)));
        if sleep.is_elapsed() {
            // Before it was polled: its deadline has passed, or its runtime has ended.
            self.check()?;
            return Ok(Armed::Due);
        }
        let relay = Arc::new(Relay::new(waker));
        let relaying = Waker::from(Arc::clone(&relay));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = pin!(unconstrained(sleep.as_mut()));
            polled.poll(&mut Context::from_waker(&relaying))
        }));
        // A new sleep each time: resetting one that has a waker may wake it, here and now.
        self.sleep = Some(sleep);
        match polled {
            Ok(Poll::Pending) => Ok(relay.connect()),
            Ok(Poll::Ready(())) => Ok(Armed::Due),
            // The runtime has ended since we looked.
            Err(_panic) => Err(shutdown()),
        }
    }

    pub(crate) fn disarm(&mut self) {
        self.sleep = None;
    }

    /// There is one clock only.
    pub(crate) fn resync(&mut self) {}

    /// An error if the runtime has shut down; leaves the alarm disarmed.
    ///
    /// Polling a `Sleep` would panic then. But there, and only there, has one elapsed as soon as it
    /// is registered whose deadline is decades away.
    fn check(&mut self) -> io::Result<()> {
        self.disarm();
        let Some(_context) = self.clock.enter() else {
            return Err(shutdown());
        };
        if registered(never(&self.clock)).is_elapsed() {
            return Err(shutdown());
        }
        Ok(())
    }
}

/// A sleep that is registered with the current runtime, but without a waker.
fn registered(deadline: Instant) -> Pin<Box<Sleep>> {
    let mut sleep = Box::pin(sleep_until(deadline));
    sleep.as_mut().reset(deadline);
    sleep
}

fn never(clock: &TokioClock) -> Instant {
    span::after(clock.now(), Duration::MAX)
}

/// What tokio's own timers say in that case.
fn shutdown() -> io::Error {
    io::Error::other("A Tokio 1.x context was found, but it is being shutdown.")
}

/// A waker that holds back until it is connected.
///
/// If a `Sleep` fires on one thread while it is polled on another, the poll itself wakes the waker
/// that it was given. Here that would be under the driver's lock, and the driver's own.
struct Relay {
    waker: Waker,
    state: AtomicU8,
}

const HOLDING_BACK: u8 = 0;
const CONNECTED: u8 = 1;
const WOKEN: u8 = 2;

impl Relay {
    fn new(waker: &Waker) -> Self {
        Self {
            waker: waker.clone(),
            state: AtomicU8::new(HOLDING_BACK),
        }
    }

    /// From now on a wake goes through; one that was held back has not.
    fn connect(&self) -> Armed {
        let exchanged = self.state.compare_exchange(
            HOLDING_BACK,
            CONNECTED,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if exchanged.is_ok() {
            Armed::Waiting
        } else {
            Armed::Due
        }
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == CONNECTED {
            self.waker.wake_by_ref();
        }
    }
}

/// An alarm that every poll arms anew, with the counts that a kernel would give.
#[derive(Debug)]
pub(crate) struct Periodic {
    alarm: Alarm,
    counts: Counts,
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        refuse_unless_monotonic(clock)?;
        let runtime = Handle::current();
        Ok(Self {
            alarm: Alarm::new(&runtime)?,
            counts: Counts::new(TokioClock::new(&runtime), start, period),
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let coop = ready!(coop::poll_proceed(cx));
        loop {
            if let Some(count) = self.counts.take() {
                self.alarm.check()?;
                coop.made_progress();
                return Poll::Ready(Ok(count));
            }
            let due = self.counts.due();
            if self.alarm.arm(due, Duration::ZERO, cx.waker())? == Armed::Waiting {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(AtomicU8);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_relay_holds_back_until_it_is_connected() {
        let count = Arc::new(Count(AtomicU8::new(0)));
        let woken = || count.0.load(Ordering::SeqCst);
        let relay = || Arc::new(Relay::new(&Waker::from(Arc::clone(&count))));

        // Woken while it is polled with: nobody hears of it but who polls.
        let early = relay();
        Waker::from(Arc::clone(&early)).wake();
        assert_eq!(woken(), 0);
        assert_eq!(early.connect(), Armed::Due);

        // Woken after it: once.
        let late = relay();
        assert_eq!(late.connect(), Armed::Waiting);
        assert_eq!(woken(), 0);
        Waker::from(Arc::clone(&late)).wake();
        Waker::from(Arc::clone(&late)).wake();
        assert_eq!(woken(), 1);
    }
}
