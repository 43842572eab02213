//! `Periodic`: where the kernel's periodic timers keep time, one of those.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{timer, words};
use crate::clock::Clock;
use crate::sys::descriptor::Descriptor;
use crate::sys::rearmed;
use crate::wall::Start;

#[derive(Debug)]
pub(crate) enum Periodic {
    /// Registered once; the kernel restarts it by itself, and counts.
    Kernel(Descriptor),
    /// With a start of its own, which the kernel's cannot have.
    Rearmed(rearmed::Periodic),
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        match (clock, start, words::every(period)) {
            (Clock::Monotonic, Start::Default, Some(every)) => {
                let queue = Descriptor::new(timer::queue()?)?;
                timer::set(queue.fd(), every)?;
                Ok(Self::Kernel(queue))
            }
            _ => rearmed::Periodic::new(clock, start, period).map(Self::Rearmed),
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match self {
            Self::Kernel(queue) => queue.poll_read(cx, timer::expirations),
            Self::Rearmed(timer) => timer.poll(cx),
        }
    }
}
