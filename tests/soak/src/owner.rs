//! Whoever has a timer: its dice, and its pen.

use std::sync::Arc;

use fastrand::Rng;
use tokio::runtime::Handle;

use crate::account::{Between, Moment};
use crate::board::Event;
use crate::books::Books;
use crate::tally::{Kind, Tally};

/// One timer in so many is a fast one.
const FAST: u32 = 400;

/// Nothing that is due then is woken before the end by mistake.
pub(crate) const FAR: i64 = 30 * 24 * 3600 * 1_000_000_000;

pub(crate) struct Keeper {
    pub(crate) books: Arc<Books>,
    pub(crate) kind: Kind,
    pub(crate) dice: Rng,
    number: usize,
    /// When its timer was made or reset last.
    since: Moment,
    runtimes: Arc<[Handle]>,
}

impl Keeper {
    /// `runtimes`: where its timers may be moved to.
    pub(crate) fn new(
        books: &Arc<Books>,
        runtimes: &Arc<[Handle]>,
        kind: Kind,
        number: usize,
        dice: Rng,
    ) -> Self {
        books.begin();
        Self {
            books: Arc::clone(books),
            kind,
            dice,
            number,
            since: 0,
            runtimes: Arc::clone(runtimes),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        self.books.tally(self.kind)
    }

    pub(crate) fn now(&self) -> Moment {
        self.books.now()
    }

    pub(crate) fn has_time(&self) -> bool {
        self.now() < self.books.end()
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.dice.u32(..100) < percent
    }

    /// From 0.1 to 1.6 s, of each doubling as many; but a few of 1 to 5 ms, which miss ticks at every
    /// stall.
    pub(crate) fn period(&mut self) -> i64 {
        if self.dice.u32(..FAST) == 0 {
            return self.dice.i64(1_000_000..5_000_000);
        }
        let least = 100_000_000 << self.dice.u32(..4);
        self.dice.i64(least..2 * least)
    }

    /// When `set` was called.
    pub(crate) fn during<T>(&self, set: impl FnOnce() -> T) -> (Between, T) {
        let from = self.now();
        let value = set();
        let to = self.now();
        (Between { from, to }, value)
    }

    pub(crate) fn note(&self, event: Event) {
        self.books
            .board
            .note(self.number, self.kind, self.now(), event);
    }

    pub(crate) fn made(&mut self, due: Moment, period: Option<i64>) {
        self.since = self.now();
        self.tally().made.add(1);
        self.note(Event::Made(due, period));
    }

    pub(crate) fn reset(&mut self, due: Moment) {
        self.since = self.now();
        self.tally().resets.add(1);
        self.note(Event::Reset(due));
    }

    /// A tick for `deadline` has been taken at `now`, or before. One that was due before anybody asked is
    /// late since then.
    pub(crate) fn ticked(&self, deadline: Between, now: Moment) {
        self.note(Event::Ticked(deadline.to, now - deadline.to));
        self.tally().delivered.add(1);
        if now < deadline.from {
            self.tally().early.add(1);
            self.fail(&format!("early by {} ns", deadline.from - now));
        }
        let late = now - deadline.to.max(self.since);
        self.tally().late(late.try_into().unwrap_or(0));
    }

    /// It is over with a timer, that was `waiting` still or not.
    pub(crate) fn done(&self, waiting: bool) {
        if waiting {
            self.tally().cancelled.add(1);
            self.note(Event::Cancelled);
        } else {
            self.tally().completed.add(1);
            self.note(Event::Completed);
        }
    }

    /// Another task's runtime: the caller moves there.
    pub(crate) fn elsewhere(&mut self) -> Handle {
        let place = self.dice.usize(..self.runtimes.len());
        self.tally().moved.add(1);
        self.note(Event::Moved(place));
        self.runtimes[place].clone()
    }

    pub(crate) fn fail(&self, what: &str) {
        self.books.fail(self.number, what);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.books.end_one();
    }
}
