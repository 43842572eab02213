//! What the process has used so far.

use cpu_time::{ProcessTime, ThreadTime};

use crate::measure::Cost;
use crate::sys;
use crate::units::in_nanos;

/// What the process has used so far, without the thread that asks.
#[derive(Debug)]
pub struct Usage {
    process: Option<ProcessTime>,
    thread: Option<ThreadTime>,
    switches: Option<u64>,
}

impl Usage {
    /// Until now.
    pub fn now() -> Self {
        Self {
            process: ProcessTime::try_now().ok(),
            thread: ThreadTime::try_now().ok(),
            switches: sys::switches(),
        }
    }

    /// Since it was taken, by the same thread.
    pub fn since(&self) -> Cost {
        let process = self.process.and_then(|process| process.try_elapsed().ok());
        let thread = self.thread.and_then(|thread| thread.try_elapsed().ok());
        let cpu = process
            .zip(thread)
            .map(|(all, mine)| in_nanos(all.saturating_sub(mine)));
        // Of too few steps nothing can be said.
        let cpu = cpu.filter(|cpu| *cpu >= 10 * in_nanos(sys::STEP));
        let switches = sys::switches().zip(self.switches);
        let switches = switches.map(|(now, then)| now.saturating_sub(then));
        Cost {
            cpu,
            switches,
            descriptors: None,
        }
    }
}
