//! The cost of ticks: what the process used between two readings, and the ticks served in between.

use cpu_time::{ProcessTime, ThreadTime};

use crate::measure::Cost;
use crate::sys;
use crate::timers::Tally;
use crate::units::in_nanos;

/// What the process has used so far, without the reading thread.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    process: Option<ProcessTime>,
    thread: Option<ThreadTime>,
    switches: Option<u64>,
    served: u64,
}

impl Reading {
    /// Reads the values now, after `served` ticks.
    pub fn now(served: u64) -> Self {
        Self {
            process: ProcessTime::try_now().ok(),
            thread: ThreadTime::try_now().ok(),
            switches: sys::switches(),
            served,
        }
    }

    /// Returns the difference from an `earlier` reading by the same thread.
    fn since(&self, earlier: &Self) -> Cost {
        let process = self.process.zip(earlier.process);
        let process = process.map(|(now, then)| now.duration_since(then));
        let thread = self.thread.zip(earlier.thread);
        let thread = thread.map(|(now, then)| now.duration_since(then));
        let cpu = process
            .zip(thread)
            .map(|(all, mine)| in_nanos(all.saturating_sub(mine)));
        // Too few steps of the clock give no meaningful value.
        let cpu = cpu.filter(|cpu| *cpu >= 10 * in_nanos(sys::STEP));
        let switches = self.switches.zip(earlier.switches);
        Cost {
            ticks: self.served - earlier.served,
            cpu,
            switches: switches.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// The longest part of a turn in which its timers only ticked.
#[derive(Debug, Default)]
pub struct Window {
    first: Option<Reading>,
    last: Option<Reading>,
}

impl Window {
    /// Takes a reading. The window can begin when each of the `intervals` has begun to tick, and it extends
    /// to this reading while none is ending.
    pub fn read(&mut self, intervals: usize, tally: &Tally, reading: impl FnOnce(u64) -> Reading) {
        if tally.started() < intervals {
            return;
        }
        let reading = reading(tally.served());
        // Checked after the reading, so that no accepted reading contains the cost of an end.
        if tally.is_ending() {
            return;
        }
        self.first.get_or_insert(reading);
        self.last = Some(reading);
    }

    /// Returns the cost of the ticks in the window, if there is one.
    pub fn cost(&self) -> Option<Cost> {
        Some(self.last?.since(&self.first?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(served: u64) -> Reading {
        Reading {
            process: None,
            thread: None,
            switches: Some(10 * served),
            served,
        }
    }

    #[test]
    fn cost_excludes_set_up_and_end() {
        let (mut window, tally) = (Window::default(), Tally::default());
        let mut serve = |times: u64| {
            for _ in 0..times {
                tally.serve();
            }
            window.read(2, &tally, at);
            window.cost().map(|cost| (cost.ticks, cost.switches))
        };
        assert_eq!(serve(1), None);
        tally.start();
        assert_eq!(serve(1), None, "only one of two ticks yet");
        tally.start();
        assert_eq!(serve(0), Some((0, Some(0))));
        assert_eq!(serve(3), Some((3, Some(30))));
        assert_eq!(serve(4), Some((7, Some(70))));
        tally.end();
        assert_eq!(serve(5), Some((7, Some(70))));
    }

    #[test]
    fn interval_ending_during_a_reading_is_noticed() {
        let (mut window, tally) = (Window::default(), Tally::default());
        tally.start();
        window.read(1, &tally, |served| {
            tally.end();
            at(served)
        });
        assert_eq!(window.cost(), None);
    }
}
