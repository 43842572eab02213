//! `Periodic`: an alarm that every poll arms anew, with the counts that a kernel would give.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop;

use super::Alarm;
use crate::clock::Clock;
use crate::clock::wall::Start;
use crate::sys::Armed;
use crate::sys::clock::TokioClock;
use crate::sys::counts::{Counts, refuse_unless_monotonic};

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
            alarm: Alarm::new(&runtime, true)?,
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
