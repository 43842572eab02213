//! `SoftwarePeriodic`, and what it needs of an alarm.

use std::io;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop;
use tokio::time::Instant;

use super::counter::{ExpirationCounter, check_monotonic};
use crate::clock::Clock;
use crate::clock::wall::Start;
use crate::sys::Armed;
use crate::sys::clock::TokioClock;

/// A one-shot alarm. The methods do what those of `Alarm` in `sys` do.
pub(crate) trait OneShot: Sized {
    #[track_caller]
    fn create(runtime: &Handle) -> io::Result<Self>;

    fn listen(&mut self, waker: &Waker) -> io::Result<()>;

    fn arm(&mut self, deadline: Instant, waker: &Waker) -> io::Result<Armed>;

    /// Returns an error if the runtime has shut down. Needed where `listen` does not detect that.
    fn check_runtime(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct SoftwarePeriodic<A> {
    alarm: A,
    counter: ExpirationCounter,
}

impl<A: OneShot> SoftwarePeriodic<A> {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        check_monotonic(clock)?;
        let runtime = Handle::current();
        Ok(Self {
            alarm: A::create(&runtime)?,
            counter: ExpirationCounter::new(TokioClock::new(&runtime), start, period),
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let coop = ready!(coop::poll_proceed(cx));
        self.alarm.listen(cx.waker())?;
        loop {
            if let Some(count) = self.counter.take() {
                self.alarm.check_runtime()?;
                coop.made_progress();
                return Poll::Ready(Ok(count));
            }
            let deadline = self.counter.deadline();
            if self.alarm.arm(deadline, cx.waker())? == Armed::Waiting {
                return Poll::Pending;
            }
        }
    }
}
