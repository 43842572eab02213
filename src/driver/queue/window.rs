//! The time span in which a timer is to expire.

use super::compact_slack::CompactSlack;

/// The last valid timestamp. The number after it means "never".
const LAST_TIMESTAMP: u64 = u64::MAX - 1;

/// The time from a deadline to its hard deadline, which is `slack` later.
///
/// The deadline is that of the wait. A timer with [`Precision::Spin`](crate::Precision::Spin) waits until its lead
/// before its own deadline, and spins from there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    deadline: u64,
    slack: u64,
}

impl Window {
    /// Creates a window that starts at `deadline`. Saturates at the last timestamp. Rounds down a slack that
    /// has more bits than a slot stores.
    #[inline]
    pub(crate) fn new(deadline: u64, slack: u64) -> Self {
        let deadline = deadline.min(LAST_TIMESTAMP);
        let slack = CompactSlack::round_down(slack.min(LAST_TIMESTAMP - deadline)).get();
        Self { deadline, slack }
    }

    /// Creates a window that ends at `hard_deadline`. Saturates and rounds as [`new`](Self::new) does.
    #[inline]
    pub(crate) fn ending_at(hard_deadline: u64, slack: u64) -> Self {
        let hard_deadline = hard_deadline.min(LAST_TIMESTAMP);
        let slack = CompactSlack::round_down(slack.min(hard_deadline)).get();
        Self {
            deadline: hard_deadline - slack,
            slack,
        }
    }

    pub(crate) fn deadline(self) -> u64 {
        self.deadline
    }

    pub(crate) fn slack(self) -> u64 {
        self.slack
    }

    pub(crate) fn hard_deadline(self) -> u64 {
        self.deadline + self.slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn window_keeps_its_deadline_and_slack(deadline in 0_u64..1_000, slack in 0_u64..1_000) {
            for window in [Window::new(deadline, slack), Window::ending_at(deadline + slack, slack)] {
                prop_assert_eq!((window.deadline(), window.slack()), (deadline, slack));
                prop_assert_eq!(window.hard_deadline(), deadline + slack);
            }
        }

        /// Rounding moves only the other bound: `new` keeps the deadline, `ending_at` the hard deadline.
        #[test]
        fn rounded_slack_keeps_the_given_bound(
            timestamp in 0..u64::MAX,
            slack in any::<u64>(),
        ) {
            let (starting, ending) =
                (Window::new(timestamp, slack), Window::ending_at(timestamp, slack));
            prop_assert_eq!((starting.deadline(), ending.hard_deadline()), (timestamp, timestamp));
            prop_assert!(starting.slack() <= slack && ending.slack() <= slack);
            prop_assert!(starting.hard_deadline() < u64::MAX);
        }
    }

    #[test]
    fn window_ends_before_the_sentinel() {
        for deadline in [u64::MAX - 2, u64::MAX - 1, u64::MAX] {
            let mut queue = crate::driver::queue::Queue::<()>::new();
            let id = queue.alloc();
            queue.insert(id, Window::new(deadline, u64::MAX), 0, ());
            assert_eq!(queue.next_hard_deadline(), Some(u64::MAX - 1));
            assert_eq!(queue.pop_due(u64::MAX - 3), None);
            assert_eq!(queue.pop_due(u64::MAX - 1), Some(()));
        }
    }
}
