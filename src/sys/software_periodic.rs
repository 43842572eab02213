//! `Periodic` where the kernel's own periodic timer does not keep time, or there is none: an alarm
//! that is armed anew for each expiration, with the counts that such a timer would give.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop;

use super::Armed;
use super::clock::TokioClock;
use super::counts::{Counts, refuse_unless_monotonic};
use super::native::Alarm;
use crate::clock::Clock;
use crate::clock::wall::Start;

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
        self.alarm.listen(cx.waker())?;
        loop {
            if let Some(count) = self.counts.take() {
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
