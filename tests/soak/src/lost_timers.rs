//! Looks for timers that are lost: due, not woken, and everything else answers.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::sleep;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::account::Moment;
use crate::board::Secs;
use crate::books::Books;

/// Time goes by in beats, each of which begins so long after the last has ended: while the process is
/// stopped, or the machine too busy for it, there are none.
const BEAT: Duration = Duration::from_millis(500);
/// A timer that is due for so many beats is lost.
const LOST_AFTER: u32 = 20;
/// So many times as long as a beat, a runtime may take to answer.
const PATIENCE: u32 = 240;

pub(crate) struct Watch {
    books: Arc<Books>,
    runtimes: Vec<(&'static str, Handle)>,
    /// For how many beats each has been due, for this moment.
    overdue: Vec<(Moment, u32)>,
}

impl Watch {
    pub(crate) fn new(
        books: &Arc<Books>,
        timers: usize,
        runtimes: Vec<(&'static str, Handle)>,
    ) -> Self {
        Self {
            books: Arc::clone(books),
            runtimes,
            overdue: vec![(0, 0); timers],
        }
    }

    /// Waits for a beat. Each runtime has done some work that was asked for in it, or this is an error.
    pub(crate) fn beat(&mut self) -> Result<(), String> {
        sleep(BEAT);
        let began = self.books.now();
        for (name, runtime) in &self.runtimes {
            let (done, is_done) = channel();
            runtime.spawn(async move { done.send(()) });
            let answer = (0..PATIENCE).find_map(|_| match is_done.recv_timeout(BEAT) {
                Err(RecvTimeoutError::Timeout) => None,
                answer => Some(answer),
            });
            if answer != Some(Ok(())) {
                let waited = BEAT * PATIENCE;
                return Err(format!(
                    "{name} has not answered for {waited:?}, seed {}",
                    self.books.seed
                ));
            }
        }
        for (number, due) in self.books.board.due().enumerate() {
            let (since, beats) = &mut self.overdue[number];
            match due {
                Some(due) if due < began => {
                    *beats = if *since == due { *beats + 1 } else { 1 };
                    *since = due;
                    if *beats == LOST_AFTER {
                        self.lost(number, began - due);
                    }
                }
                _ => *beats = 0,
            }
        }
        Ok(())
    }

    fn lost(&self, number: usize, ago: i64) {
        if let Some(kind) = self.books.board.kind(number) {
            self.books.tally(kind).lost.add(1);
        }
        let ago = Secs(ago);
        self.books
            .fail(number, &format!("lost: due {ago} ago and not woken"));
    }
}
