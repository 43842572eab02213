//! A thread in `clock_nanosleep(2)`, told when to wake by the monotonic clock.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

use super::Wait;

/// Waits in it.
pub fn waiting() -> Wait {
    let clock = Monotonic::read();
    Box::new(move |deadline| {
        let flags = ClockNanosleepFlags::TIMER_ABSTIME;
        match clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &clock.at(deadline)) {
            // Whoever waits looks at the clock.
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(io::Error::from(errno)),
        }
    })
}

/// One moment on two clocks.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    instant: Instant,
    monotonic: Duration,
}

impl Monotonic {
    /// Now.
    pub fn read() -> Self {
        let pair = || {
            let before = Instant::now();
            let monotonic =
                clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
            // Of the moment before: what is told by it is too late by what lies between, never early.
            (
                before.elapsed(),
                Self {
                    instant: before,
                    monotonic,
                },
            )
        };
        let pairs = std::iter::repeat_with(pair).take(20);
        // Between the two readings of another pair the thread may have lost the processor.
        pairs
            .min_by_key(|(between, _)| *between)
            .expect("there are twenty")
            .1
    }

    /// What the monotonic clock shows at that moment.
    pub fn at(self, moment: Instant) -> TimeSpec {
        TimeSpec::from_duration(self.monotonic + moment.saturating_duration_since(self.instant))
    }
}
