//! `Periodic`: where the kernel's periodic timers keep time, one of those.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{timer, words};
use crate::clock::Clock;
use crate::clock::wall::Start;
use crate::sys::descriptor::Descriptor;
use crate::sys::software_periodic;

#[derive(Debug)]
pub(crate) struct Periodic(Kind);

#[derive(Debug)]
enum Kind {
    /// Registered once; the kernel restarts it by itself, and counts.
    Kernel(Descriptor),
    /// Where those of the kernel do not keep time, or it has a start of its own, which they cannot.
    Rearmed(software_periodic::Periodic),
}

impl Periodic {
    #[track_caller]
    pub(crate) fn new(clock: Clock, start: Start, period: Duration) -> io::Result<Self> {
        let kind = match (clock, start, words::every(period)) {
            (Clock::Monotonic, Start::Default, Some(every)) => {
                let queue = Descriptor::new(timer::queue()?)?;
                timer::set(queue.fd()?, every)?;
                Kind::Kernel(queue)
            }
            _ => Kind::Rearmed(software_periodic::Periodic::new(clock, start, period)?),
        };
        Ok(Self(kind))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match &mut self.0 {
            Kind::Kernel(queue) => queue.poll_read(cx, timer::expirations),
            Kind::Rearmed(timer) => timer.poll(cx),
        }
    }
}
