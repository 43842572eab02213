//! Delays an alarm that fired early.

use std::time::Duration;

use tokio::time::Instant;

/// Prevents an alarm that fired early by the runtime's clock from firing early in a loop: by a clock that stands
/// still, it would fire without end.
#[derive(Debug, Default)]
pub(super) struct EarlyGuard(Option<Instant>);

const DELAY: Duration = Duration::from_millis(1);

impl EarlyGuard {
    /// Records that the alarm fired early at `now`.
    pub(super) fn fired_early(&mut self, now: Instant) {
        self.0 = Some(now + DELAY);
    }

    /// Returns the hard deadline and the slack to arm the alarm for. Delays only the first arming after an early
    /// one.
    pub(super) fn delay(&mut self, hard_deadline: Instant, slack: Duration) -> (Instant, Duration) {
        let Some(end) = self.0.take() else {
            return (hard_deadline, slack);
        };
        let hard_deadline = hard_deadline.max(end);
        (hard_deadline, slack.min(hard_deadline - end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_alarm_is_delayed_once() {
        let now = Instant::now();
        let at = |millis| now + Duration::from_millis(millis);
        for (hard_deadline, slack, expected) in [
            (at(0), 0, (at(1), 0)),
            (at(0), 5, (at(1), 0)),
            (at(3), 5, (at(3), 2)),
            (at(9), 5, (at(9), 5)),
        ] {
            let slack = Duration::from_millis(slack);
            let mut guard = EarlyGuard::default();
            assert_eq!(guard.delay(hard_deadline, slack), (hard_deadline, slack));
            guard.fired_early(now);
            let expected = (expected.0, Duration::from_millis(expected.1));
            assert_eq!(guard.delay(hard_deadline, slack), expected);
            assert_eq!(guard.delay(hard_deadline, slack), (hard_deadline, slack));
        }
    }
}
