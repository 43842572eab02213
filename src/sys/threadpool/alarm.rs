//! `Alarm`: one shot, for the waker that it was armed with last.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::timer::Timer;
use crate::saturating::FAR_FUTURE;
use crate::sys::Armed;
use crate::sys::clock::TokioClock;
use crate::sys::early_guard::EarlyGuard;

#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    clock: TokioClock,
    early_guard: EarlyGuard,
}

impl Alarm {
    pub(crate) const ARMS_AHEAD: bool = false;
    pub(crate) const PER_RUNTIME: bool = false;

    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
            clock: TokioClock::new(runtime),
            early_guard: EarlyGuard::default(),
        })
    }

    /// Does nothing. No runtime is involved that could shut down, and `arm` keeps the waker until the timer
    /// expires.
    pub(crate) fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        hard_deadline: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let (hard_deadline, _) = self.early_guard.delay(hard_deadline, slack);
        // The timer reads its own clock second: the time between the readings makes it late.
        let wait = hard_deadline.saturating_duration_since(self.clock.now());
        self.timer.set(wait.min(FAR_FUTURE), waker.clone())?;
        Ok(Armed::Waiting)
    }

    pub(crate) fn disarm(&mut self) {
        self.timer.cancel();
    }

    pub(crate) fn resync(&mut self) {
        self.reread_clocks();
        self.early_guard.fired_early(self.clock.now());
    }

    /// Does nothing: `arm` reads both clocks.
    pub(crate) fn reread_clocks(&mut self) {}
}
