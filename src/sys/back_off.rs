//! What is done about an alarm that was early.

use std::time::Duration;

use tokio::time::Instant;

/// Keeps an alarm that was early by the runtime's clock from being so again and again: a clock that
/// stands still would have it fire without end.
#[derive(Debug, Default)]
pub(super) struct BackOff(Option<Instant>);

const PAUSE: Duration = Duration::from_millis(1);

impl BackOff {
    pub(super) fn begin(&mut self, now: Instant) {
        self.0 = Some(now + PAUSE);
    }

    /// When to fire instead of at `latest`, or up to `slack` before it, this one time.
    pub(super) fn hold(&mut self, latest: Instant, slack: Duration) -> (Instant, Duration) {
        let Some(end) = self.0.take() else {
            return (latest, slack);
        };
        let latest = latest.max(end);
        (latest, slack.min(latest - end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_fires_before_it_ends_and_then_all_is_as_before() {
        let now = Instant::now();
        let at = |millis| now + Duration::from_millis(millis);
        for (latest, slack, held) in [
            (at(0), 0, (at(1), 0)),
            (at(0), 5, (at(1), 0)),
            (at(3), 5, (at(3), 2)),
            (at(9), 5, (at(9), 5)),
        ] {
            let slack = Duration::from_millis(slack);
            let mut back_off = BackOff::default();
            assert_eq!(back_off.hold(latest, slack), (latest, slack));
            back_off.begin(now);
            let held = (held.0, Duration::from_millis(held.1));
            assert_eq!(back_off.hold(latest, slack), held);
            assert_eq!(back_off.hold(latest, slack), (latest, slack));
        }
    }
}
