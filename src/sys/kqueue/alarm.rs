//! `Alarm`: one shot.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::timer;
use super::words::Epoch;
use crate::saturating::add_or_stay;
use crate::sys::Armed;
use crate::sys::back_off::BackOff;
use crate::sys::clock::TokioClock;
use crate::sys::descriptor::Descriptor;

/// One descriptor, and two system calls for each expiry: `kevent` here and the reactor's own. What
/// has expired is never read, since the next `kevent` takes it back.
#[derive(Debug)]
pub(crate) struct Alarm {
    queue: Descriptor,
    clock: TokioClock,
    epoch: Epoch,
    back_off: BackOff,
}

impl Alarm {
    pub(crate) const ARMS_AHEAD: bool = true;
    pub(crate) const PER_RUNTIME: bool = true;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle) -> io::Result<Self> {
        let clock = TokioClock::new(runtime);
        let queue = timer::queue()?;
        let epoch = Epoch::read(&clock);
        // Here, and not when somebody first waits, it shall turn out that the machine has as many
        // timers as it may have.
        let far = add_or_stay(clock.now(), Duration::from_secs(86_400));
        timer::set(&queue, epoch.once(&clock, far, Duration::ZERO))?;
        Ok(Self {
            queue: Descriptor::new(queue)?,
            epoch,
            clock,
            back_off: BackOff::default(),
        })
    }

    pub(crate) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.queue.listen(waker)
    }

    pub(crate) fn arm(
        &mut self,
        latest: Instant,
        slack: Duration,
        _waker: &Waker,
    ) -> io::Result<Armed> {
        let (latest, slack) = self.back_off.hold(latest, slack);
        let once = self.epoch.once(&self.clock, latest, slack);
        timer::set(self.queue.fd()?, once)
    }

    /// An alarm that nobody waits for costs one wake-up, and disarming it a system call as well.
    pub(crate) fn disarm(&mut self) {}

    pub(crate) fn resync(&mut self) {
        self.compare_clocks();
        self.back_off.begin(self.clock.now());
    }

    /// Tells deadlines by how the two clocks stand to each other now.
    pub(crate) fn compare_clocks(&mut self) {
        self.epoch = Epoch::read(&self.clock);
    }
}
