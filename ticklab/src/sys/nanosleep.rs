//! A thread in `clock_nanosleep(2)`, with an absolute time of the monotonic clock.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

use super::Wait;

/// Prepares the wait.
pub fn waiting() -> Wait {
    let clock = Monotonic::read();
    Box::new(move |deadline| {
        let flags = ClockNanosleepFlags::TIMER_ABSTIME;
        match clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &clock.at(deadline)) {
            // The caller checks the clock.
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(io::Error::from(errno)),
        }
    })
}

/// One instant on two clocks.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    instant: Instant,
    monotonic: Duration,
}

impl Monotonic {
    /// Reads both clocks.
    pub fn read() -> Self {
        let pair = || {
            let before = Instant::now();
            let monotonic =
                clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
            // The `Instant` is read first. A converted time is therefore too late by the gap between the
            // readings, and never early.
            (
                before.elapsed(),
                Self {
                    instant: before,
                    monotonic,
                },
            )
        };
        let pairs = std::iter::repeat_with(pair).take(20);
        // The thread may have lost the processor between the two readings of another pair.
        pairs
            .min_by_key(|(between, _)| *between)
            .expect("there are twenty")
            .1
    }

    /// Converts an instant to the monotonic clock.
    pub fn at(self, moment: Instant) -> TimeSpec {
        TimeSpec::from_duration(self.monotonic + moment.saturating_duration_since(self.instant))
    }
}
