//! Finds lost timers: a lost timer is due and not woken, although its runtime answers.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::sleep;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::history::Seconds;
use crate::schedule::Timestamp;
use crate::shared::Shared;

/// The pause between two checks. A process that is stopped, or a busy machine, only makes the pause longer.
const PAUSE: Duration = Duration::from_millis(500);
/// A timer that is due in this many checks is lost.
const LOST_AFTER: u32 = 20;
/// How many pauses a runtime may take to answer.
const MAX_PAUSES: u32 = 240;

pub(crate) struct LostTimerDetector {
    shared: Arc<Shared>,
    runtimes: Vec<(&'static str, Handle)>,
    /// For each timer a deadline, and in how many checks it was due.
    overdue: Vec<(Timestamp, u32)>,
}

impl LostTimerDetector {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        timers: usize,
        runtimes: Vec<(&'static str, Handle)>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            runtimes,
            overdue: vec![(0, 0); timers],
        }
    }

    /// Pauses, lets each runtime do some work, and checks all timers. Returns an error if a runtime does not
    /// answer.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        sleep(PAUSE);
        let began = self.shared.now();
        for (name, runtime) in &self.runtimes {
            let (done, is_done) = channel();
            runtime.spawn(async move { done.send(()) });
            let answer = (0..MAX_PAUSES).find_map(|_| match is_done.recv_timeout(PAUSE) {
                Err(RecvTimeoutError::Timeout) => None,
                answer => Some(answer),
            });
            if answer != Some(Ok(())) {
                let waited = PAUSE * MAX_PAUSES;
                return Err(format!(
                    "{name} has not answered for {waited:?}, seed {}",
                    self.shared.seed
                ));
            }
        }
        for (number, due) in self.shared.histories.due().enumerate() {
            let (deadline, checks) = &mut self.overdue[number];
            match due {
                Some(due) if due < began => {
                    *checks = if *deadline == due { *checks + 1 } else { 1 };
                    *deadline = due;
                    if *checks == LOST_AFTER {
                        self.fail(number, began - due);
                    }
                }
                _ => *checks = 0,
            }
        }
        Ok(())
    }

    fn fail(&self, number: usize, ago: i64) {
        if let Some(kind) = self.shared.histories.kind(number) {
            self.shared.stats(kind).lost.add(1);
        }
        let ago = Seconds(ago);
        self.shared
            .fail(number, &format!("lost: due {ago} ago and not woken"));
    }
}
