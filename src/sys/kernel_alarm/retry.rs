//! When to ask a kernel again that has refused a timer.

use std::io;
use std::mem;
use std::time::{Duration, Instant as SystemInstant};

#[derive(Debug, Default)]
pub(super) struct Retry {
    at: Option<SystemInstant>,
    delay: Duration,
    never: bool,
}

/// The first delay is short, since the kernel may have refused a single call.
const MIN_DELAY: Duration = Duration::from_millis(5);

/// The longest delay while the kernel keeps refusing.
const MAX_DELAY: Duration = Duration::from_secs(1);

impl Retry {
    pub(super) fn is_due(&self) -> bool {
        !self.never && self.at.is_none_or(|at| SystemInstant::now() >= at)
    }

    pub(super) fn refused(&mut self) {
        self.refused_at(SystemInstant::now());
    }

    /// Stops retrying if `error` is not the kernel's: such an error is permanent.
    pub(super) fn failed(&mut self, error: &io::Error) {
        self.never |= error.raw_os_error().is_none();
        self.refused();
    }

    /// Doubles the delay, unless the kernel has served since the last refusal.
    fn refused_at(&mut self, now: SystemInstant) {
        let keeps_refusing = self.at.is_some_and(|at| now < at + MAX_DELAY);
        self.delay = if keeps_refusing {
            (2 * mem::take(&mut self.delay)).min(MAX_DELAY)
        } else {
            MIN_DELAY
        };
        self.at = Some(now + self.delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delay_doubles_up_to_a_second() {
        let mut now = SystemInstant::now();
        let mut retry = Retry::default();
        assert!(retry.is_due());
        let delays: Vec<_> = (0..10)
            .map(|_| {
                retry.refused_at(now);
                let delay = retry.at.unwrap() - now;
                now = retry.at.unwrap();
                delay.as_millis()
            })
            .collect();
        assert_eq!(delays, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        // The kernel has served for a while.
        retry.refused_at(now + MAX_DELAY);
        assert_eq!(retry.at, Some(now + MAX_DELAY + MIN_DELAY));
    }
}
