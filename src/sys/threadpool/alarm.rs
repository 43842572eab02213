//! `Alarm`: one shot, for whoever armed it last.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::timer::Timer;
use crate::saturating::FAR_FUTURE;
use crate::sys::Armed;
use crate::sys::back_off::BackOff;
use crate::sys::clock::TokioClock;

#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    clock: TokioClock,
    back_off: BackOff,
}

impl Alarm {
    pub(crate) const ARMS_AHEAD: bool = false;
    pub(crate) const PER_RUNTIME: bool = false;

    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
            clock: TokioClock::new(runtime),
            back_off: BackOff::default(),
        })
    }

    /// No runtime takes part, so that none can shut down; and it is `arm` that is given the waker to
    /// keep, and keeps it until the expiry only.
    pub(crate) fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let (latest, _) = self.back_off.hold(latest, slack);
        // The timer reads its own clock after this one: what lies between makes it late.
        let wait = latest.saturating_duration_since(self.clock.now());
        self.timer.set(wait.min(FAR_FUTURE), waker.clone())?;
        Ok(Armed::Waiting)
    }

    pub(crate) fn disarm(&mut self) {
        self.timer.cancel();
    }

    pub(crate) fn resync(&mut self) {
        self.back_off.begin(self.clock.now());
    }

    /// They are compared each time it is armed.
    #[allow(dead_code, reason = "for the paused clock only")]
    pub(crate) fn compare_clocks(&mut self) {}
}
