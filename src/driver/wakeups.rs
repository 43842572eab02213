//! The alarms of a driver and what it has learned from them: what it keeps under its own lock. What comes
//! first among its timers it is told.

use std::io;
use std::task::Waker;
use std::time::Duration;

use super::alarms::{Alarms, Which};
use super::hints::Hints;
use super::learned::{Crowd, Kernel, Lateness};
use super::queue::Span;
use crate::sys::{Alarm, Armed, News, Question, TimerSource};

#[derive(Debug)]
pub(crate) struct Wakeups {
    /// They may be set for an earlier moment than that of the first timer: one spurious wake-up costs
    /// less than setting one back would.
    alarms: Alarms,
    lateness: Lateness,
    crowd: Crowd,
    /// When the driver was woken last.
    last: u64,
    /// For so many wake-ups nothing is armed ahead.
    hold: u32,
    tally: Tally,
    /// When it was told last that a wake-up was late.
    told: Option<u64>,
    late: Option<u64>,
}

/// What is counted for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) wakeups: u64,
    pub(crate) early: u64,
    pub(crate) fired: u64,
    /// How late it was woken at the most, since somebody asked.
    pub(crate) largest: u64,
}

/// A wake-up that is later has most often been kept waiting by the runtime's tasks: as late is a missed tick. 5 ms.
const LATE: u64 = 5_000_000;

/// So many times as late as usual, whatever the kernel's usual is: some keep timers in ticks of 10 ms.
const UNUSUAL: u64 = 5;

/// It is told once in so long. 1 s.
const SELDOM: u64 = 1_000_000_000;

/// After a call that set an alarm ahead for nobody, for so many wake-ups none does: who is often wrong
/// shall not cost more than with one alarm.
const HOLD: u32 = 16;

/// The event of a kernel timer that wakes the driver.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) which: Which,
    /// Whom to wake at the next.
    pub(super) waker: &'a Waker,
}

impl Wakeups {
    pub(super) fn new(alarms: Alarms) -> Self {
        Self {
            alarms,
            lateness: Lateness::new(),
            crowd: Crowd::default(),
            last: 0,
            hold: 0,
            tally: Tally::default(),
            told: None,
            late: None,
        }
    }

    /// Has the waker woken when the runtime shuts down.
    pub(super) fn listen(&mut self, which: Which, waker: &Waker) -> io::Result<()> {
        self.alarms.listen(which, waker)
    }

    pub(super) fn hints(&self) -> Hints {
        Hints::new(self.lateness.most())
    }

    /// The event of a kernel timer has woken the driver: it is not set any more. Returns whether it was
    /// early, and learns how late the kernel is.
    pub(super) fn woken(&mut self, event: Event<'_>, now: u64, hints: &Hints) -> io::Result<bool> {
        // First listen, then arm: the other way round, the event of an alarm that fires at once
        // would be taken for the old one and cleared.
        if !self.alarms.has(event.which) {
            // Of one that was refused meanwhile.
            return Ok(false);
        }
        self.alarms.listen(event.which, event.waker)?;
        self.tally.wakeups += 1;
        let Some(set) = self.alarms.setting(event.which) else {
            return Ok(false);
        };
        // An exact one is set anew in any case, and until then nobody who is dropped shall do so.
        if !Alarm::EXACT {
            self.alarms.forget(event.which);
        }
        let latest = set.span.latest();
        // What was due at the last wake-up already was late for the same reason as that.
        if set.in_time && latest <= now && latest > self.last {
            self.was_late(now, now - latest);
            hints.set_lead(self.lateness.most());
        }
        let is_early = set.is_early(now);
        self.tally.early += u64::from(is_early);
        Ok(is_early)
    }

    fn was_late(&mut self, now: u64, lateness: u64) {
        let late = LATE.max(UNUSUAL * self.lateness.usual());
        self.lateness.learn(lateness);
        // A clock that jumps is late by as much.
        if Alarm::EXACT || self.alarms.is_exact() {
            return;
        }
        self.tally.largest = self.tally.largest.max(lateness);
        let told = (self.told).is_some_and(|told| now.saturating_sub(told) < SELDOM);
        if lateness > late && !told {
            (self.told, self.late) = (Some(now), Some(lateness));
        }
    }

    /// So many timers are fired.
    pub(super) fn fired(&mut self, timers: usize) {
        self.tally.fired += timers as u64;
    }

    pub(crate) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    pub(crate) fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    pub(crate) fn source(&self) -> TimerSource {
        self.alarms.source()
    }

    /// Woken at `now`, the driver has taken all that was due; whether that was anything. `close` tells
    /// whether so many more are due within some time.
    pub(super) fn taken(
        &mut self,
        now: u64,
        any: bool,
        close: impl FnMut(usize, u64) -> bool,
        hints: &Hints,
    ) {
        self.last = now;
        self.hold = self.hold.saturating_sub(1);
        // Under a clock that jumps from one timer to the next nothing is late.
        if !Alarm::EXACT {
            let kernel = Kernel {
                usual: self.lateness.usual(),
                is_ahead: self.alarms.has_second(),
            };
            let slack = self.crowd.woken(now, any, kernel, close);
            hints.set_crowd(slack, self.crowd.is_dense());
        }
    }

    /// Sees to it that an alarm fires within `span`. `in_time`, if that is still to come.
    pub(super) fn arm_by(
        &mut self,
        span: Span,
        in_time: bool,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let earliest = self.alarms.earliest();
        if earliest.is_some_and(|earliest| earliest <= span.latest()) {
            return Ok(Armed::Waiting);
        }
        self.arm(self.alarms.spare(), span, in_time, waker)
    }

    /// Sets the alarm that nobody needs for the next wake-up, if there is one, for the one after that:
    /// for what is likely to be first `after` the moment of the next.
    pub(super) fn arm_ahead(
        &mut self,
        now: impl FnOnce() -> u64,
        after: impl FnOnce(u64) -> Option<Span>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let free = self.alarms.free().filter(|_| self.hold == 0);
        let Some(free) = free else {
            return Ok(Armed::Waiting);
        };
        let Some((_, next)) = self.alarms.next(now()) else {
            return Ok(Armed::Waiting);
        };
        match after(next) {
            Some(ahead) => self.arm(free, ahead, true, waker),
            None => Ok(Armed::Waiting),
        }
    }

    /// Whether there is an alarm to be set ahead.
    pub(super) fn can_arm_ahead(&self) -> bool {
        self.hold == 0 && self.alarms.has_second() && self.alarms.free().is_some()
    }

    /// Sees to it that an alarm is set for the `first` of those who still wait. One that is set for a
    /// moment at which nobody is due is set anew. `early` is one that woke the driver too early; and
    /// `in_time`, if the clock has just been read.
    pub(super) fn rearm(
        &mut self,
        now: u64,
        first: Option<Span>,
        in_time: bool,
        early: Option<Which>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        if Alarm::EXACT {
            self.alarms.forget(Which::First);
        }
        let Some(first) = first else {
            return Ok(Armed::Waiting);
        };
        let early = early.filter(|which| self.alarms.has(*which));
        let which = match self.alarms.next(now) {
            Some((_, next)) if next == first.latest() => return Ok(Armed::Waiting),
            Some((which, next)) if next < first.latest() => {
                if next >= first.deadline() {
                    return Ok(Armed::Waiting);
                }
                self.hold = HOLD;
                which
            }
            _ => early.unwrap_or_else(|| self.alarms.spare()),
        };
        if early == Some(which) {
            self.alarms.resync(which)?;
        }
        self.arm(which, first, in_time, waker)
    }

    /// Where an alarm that is armed too early does harm, sets it right.
    pub(super) fn settle(
        &mut self,
        first: Option<Span>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        if self.alarms.earliest() == first.map(Span::latest) {
            return Ok(Armed::Waiting);
        }
        if let Some(first) = first {
            return self.arm(Which::First, first, false, waker);
        }
        self.alarms.disarm();
        Ok(Armed::Waiting)
    }

    /// As [`rearm`](Self::rearm), whatever is set: the clock is another.
    pub(super) fn rearm_all(
        &mut self,
        first: Option<Span>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        match first {
            Some(first) => self.arm(Which::First, first, false, waker),
            None => Ok(Armed::Waiting),
        }
    }

    /// Whether the alarms hear of the end of the runtime, whoever waits.
    pub(super) fn listen_on(&self) -> bool {
        self.alarms.listen_on()
    }

    pub(super) fn clock_moved(&self) -> bool {
        self.alarms.clock_moved()
    }

    /// What must be known before an alarm can be set.
    pub(super) fn question(&self) -> Option<Question> {
        self.alarms.question()
    }

    pub(super) fn answer(&mut self, serves: bool) {
        self.alarms.answer(serves);
    }

    /// Has the kernel serve again, if it refused.
    pub(super) fn insist(&mut self, waker: &Waker) -> io::Result<()> {
        self.alarms.insist(waker)
    }

    /// Whether an alarm that is left armed does harm now.
    pub(super) fn is_exact(&self) -> bool {
        self.alarms.is_exact()
    }

    /// What has become of the kernel's timer. Once it serves again, so may a second: `waker` is what that
    /// wakes.
    pub(super) fn news(&mut self, waker: impl FnOnce() -> Waker) -> Option<News> {
        let Some(news) = self.alarms.news() else {
            return self.late.take().map(Duration::from_nanos).map(News::Late);
        };
        if matches!(news, News::Accepted) && !self.alarms.has_second() {
            self.alarms.add_second();
            if self.alarms.has_second() && self.alarms.listen(Which::Second, &waker()).is_err() {
                self.alarms.drop_second();
            }
        }
        Some(news)
    }

    /// The first moment that an alarm is set for.
    pub(super) fn earliest(&self) -> Option<u64> {
        self.alarms.earliest()
    }

    #[cfg(all(test, not(model)))]
    pub(super) fn alarms(&mut self) -> &mut Alarms {
        &mut self.alarms
    }

    fn arm(
        &mut self,
        which: Which,
        span: Span,
        in_time: bool,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        self.alarms.arm(which, span, in_time, &waker())
    }
}
