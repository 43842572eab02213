//! `Alarm`: one shot.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::encoding::Encoder;
use super::timer;
use crate::saturating::add_or_stay;
use crate::sys::Armed;
use crate::sys::clock::TokioClock;
use crate::sys::descriptor::Descriptor;
use crate::sys::early_guard::EarlyGuard;

/// Takes one descriptor, and two system calls per expiration: `kevent` here and the reactor's own. Expirations are
/// never read, since the next `kevent` clears them.
#[derive(Debug)]
pub(crate) struct Alarm {
    queue: Descriptor,
    clock: TokioClock,
    encoder: Encoder,
    early_guard: EarlyGuard,
}

impl Alarm {
    pub(crate) const ARMS_AHEAD: bool = true;
    pub(crate) const PER_RUNTIME: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = TokioClock::new(runtime);
        let queue = timer::queue()?;
        let encoder = Encoder::new(&clock);
        // If the machine has reached its limit of timers, fail here and not at the first wait.
        let far = add_or_stay(clock.now(), Duration::from_secs(86_400));
        timer::set(&queue, encoder.one_shot(&clock, far, Duration::ZERO))?;
        Ok(Self {
            queue: Descriptor::new(queue)?,
            encoder,
            clock,
            early_guard: EarlyGuard::default(),
        })
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.queue.listen(waker)
    }

    pub(crate) fn arm(
        &mut self,
        hard_deadline: Instant,
        slack: Duration,
        _waker: &Waker,
    ) -> io::Result<Armed> {
        let (hard_deadline, slack) = self.early_guard.delay(hard_deadline, slack);
        let spec = self.encoder.one_shot(&self.clock, hard_deadline, slack);
        timer::set(self.queue.fd()?, spec)
    }

    /// Does nothing: disarming takes a system call, and leaving the alarm armed costs one wake-up.
    pub(crate) fn disarm(&mut self) {}

    pub(crate) fn resync(&mut self) {
        self.reread_clocks();
        self.early_guard.fired_early(self.clock.now());
    }

    /// Converts deadlines by the current difference between tokio's clock and the kernel's.
    pub(crate) fn reread_clocks(&mut self) {
        self.encoder = Encoder::new(&self.clock);
    }
}
