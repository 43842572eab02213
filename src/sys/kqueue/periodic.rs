//! `Periodic`: the kernel's, if its periodic timers keep time.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use super::alarm::Alarm;
use super::{encoding, timer};
use crate::clock::Clock;
use crate::clock::wall::Start;
use crate::sys::descriptor::Descriptor;
use crate::sys::software_periodic::SoftwarePeriodic;

#[derive(Debug)]
pub(crate) struct Periodic(Kind);

#[derive(Debug)]
enum Kind {
    /// The kernel restarts the timer and counts its expirations.
    Kernel(Descriptor),
    /// The kernel's periodic timers do not keep time, or this one has a start of its own, which they cannot have.
    Software(SoftwarePeriodic<Alarm>),
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        let kind = match (clock, start, encoding::periodic(period)) {
            (Clock::Monotonic, Start::Default, Some(spec)) => {
                let queue = Descriptor::new(timer::queue()?)?;
                timer::set(queue.fd()?, spec)?;
                Kind::Kernel(queue)
            }
            _ => Kind::Software(SoftwarePeriodic::new(clock, start, period)?),
        };
        Ok(Self(kind))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match &mut self.0 {
            Kind::Kernel(queue) => queue.poll_read(cx, timer::expirations),
            Kind::Software(timer) => timer.poll(cx),
        }
    }
}
