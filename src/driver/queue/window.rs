//! From when until when something is to be in_use.

use super::slack::Slack;

/// The last moment there is: the number after that means "never".
const END: u64 = u64::MAX - 1;

/// From a deadline to the hard_deadline moment, `slack` after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    deadline: u64,
    slack: u64,
}

impl Window {
    /// It ends before the numbers do. What is more slack than a slot can keep is rounded down.
    #[inline]
    pub(crate) fn new(deadline: u64, slack: u64) -> Self {
        let deadline = deadline.min(END);
        let slack = Slack::floor(slack.min(END - deadline)).get();
        Self { deadline, slack }
    }

    /// The window of `slack` that ends there.
    #[inline]
    pub(crate) fn until(hard_deadline: u64, slack: u64) -> Self {
        let hard_deadline = hard_deadline.min(END);
        let slack = Slack::floor(slack.min(hard_deadline)).get();
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
            for window in [Window::new(deadline, slack), Window::until(deadline + slack, slack)] {
                prop_assert_eq!((window.deadline(), window.slack()), (deadline, slack));
                prop_assert_eq!(window.hard_deadline(), deadline + slack);
            }
        }

        /// Where slack is rounded, the end stays that was asked for: the deadline, or the hard_deadline moment.
        #[test]
        fn rounded_slack_keeps_the_given_bound(
            moment in 0..u64::MAX,
            slack in any::<u64>(),
        ) {
            let (from, until) = (Window::new(moment, slack), Window::until(moment, slack));
            prop_assert_eq!((from.deadline(), until.hard_deadline()), (moment, moment));
            prop_assert!(from.slack() <= slack && until.slack() <= slack);
            prop_assert!(from.hard_deadline() < u64::MAX);
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
