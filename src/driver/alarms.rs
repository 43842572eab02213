//! The kernel timers of a driver, and what each of them is set for.
//!
//! One is enough. With two, the second can be set ahead: for the wake-up after the next one. A
//! kernel timer that is not the first of the machine's to expire costs little to set, since the
//! hardware need not hear of it.
//!
//! What a timer is set for is forgotten when its own event comes, and replaced only by what is earlier,
//! or when nobody is due then. So there is always one that fires no later than the first in the queue, or
//! whose event is on its way.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::queue::Span;
use crate::span::{later, nanos};
use crate::sys::{Alarm, Armed, News, Question, TimerSource};

/// The moments of one driver: nanoseconds since it was made; any before that, as then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(pub(super) Instant);

impl Epoch {
    pub(super) fn moment(self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.0))
    }

    fn instant(self, moment: u64) -> Instant {
        later(self.0, Duration::from_nanos(moment))
    }
}

/// Which of the kernel timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    Second,
}

/// What a kernel timer is set for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) span: Span,
    /// Whether that was still to come when the timer was set, by a clock that had just been read: only
    /// then does it tell how late the kernel is.
    pub(super) in_time: bool,
    /// Whether it was set in place of another moment, whose event may still come.
    pub(super) replaced: bool,
}

// One whose alarm is left armed has no timer that is not the first; and `arm` is given the waker of the
// first.
const _: () = assert!(!(Alarm::AHEAD && Alarm::EXACT));

impl Setting {
    /// Whether the kernel, by the clock, woke too early. An event of what was replaced is not early.
    pub(super) fn is_early(&self, now: u64) -> bool {
        now < self.span.deadline() && !self.replaced
    }
}

#[derive(Debug)]
struct Timer {
    alarm: Alarm,
    set: Option<Setting>,
    /// How often it was set.
    #[cfg(test)]
    armings: usize,
}

impl Timer {
    fn new(alarm: Alarm) -> Self {
        Self {
            alarm,
            set: None,
            #[cfg(test)]
            armings: 0,
        }
    }

    /// The latest moment of what it is set for.
    fn latest(&self) -> u64 {
        self.set.map_or(NEVER, |set| set.span.latest())
    }
}

/// [`Span`] ends before it.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Alarms {
    first: Timer,
    /// `None` where one is enough, or where the kernel refused it.
    second: Option<Timer>,
    epoch: Epoch,
}

impl Alarms {
    /// # Errors
    ///
    /// If the kernel refuses a timer, and another cannot serve or shall not. It may refuse the second.
    #[track_caller]
    pub(super) fn new(runtime: &Handle, insists: bool, epoch: Epoch) -> io::Result<Self> {
        let mut alarms = Self {
            first: Timer::new(Alarm::new(runtime, insists)?),
            second: None,
            epoch,
        };
        alarms.add_second();
        Ok(alarms)
    }

    /// Where two are cheaper than one, and the kernel has it.
    pub(super) fn add_second(&mut self) {
        if Alarm::AHEAD && self.second.is_none() {
            self.second = self.first.alarm.second().ok().map(Timer::new);
        }
    }

    pub(super) fn has_second(&self) -> bool {
        self.second.is_some()
    }

    pub(super) fn has(&self, which: Which) -> bool {
        which == Which::First || self.has_second()
    }

    fn get(&mut self, which: Which) -> &mut Timer {
        match which {
            Which::First => &mut self.first,
            Which::Second => self.second.as_mut().expect("it has an event or a setting"),
        }
    }

    fn settings(&self) -> impl Iterator<Item = (Which, Setting)> {
        let second = self.second.as_ref().and_then(|timer| timer.set);
        let first = self.first.set.map(|set| (Which::First, set));
        first
            .into_iter()
            .chain(second.map(|set| (Which::Second, set)))
    }

    /// Has the waker woken by the next event of that timer, and when the runtime shuts down.
    pub(super) fn listen(&mut self, which: Which, waker: &Waker) -> io::Result<()> {
        self.get(which).alarm.listen(waker)
    }

    pub(super) fn setting(&mut self, which: Which) -> Option<Setting> {
        self.get(which).set
    }

    /// That timer is not set for anything any more.
    pub(super) fn forget(&mut self, which: Which) {
        self.get(which).set = None;
    }

    /// The first moment that any of them is set for.
    pub(super) fn earliest(&self) -> Option<u64> {
        let first = self.first.latest();
        let second = self.second.as_ref().map_or(NEVER, Timer::latest);
        Some(first.min(second)).filter(|earliest| *earliest != NEVER)
    }

    /// The first that is still to come after `now`, and which of them is set for it.
    pub(super) fn next(&self, now: u64) -> Option<(Which, u64)> {
        let settings = self
            .settings()
            .map(|(which, set)| (which, set.span.latest()));
        let coming = settings.filter(|(_, latest)| *latest > now);
        coming.min_by_key(|(_, latest)| *latest)
    }

    /// One that is not set for anything.
    pub(super) fn free(&self) -> Option<Which> {
        if self.first.set.is_none() {
            return Some(Which::First);
        }
        let second = self.second.as_ref()?;
        second.set.is_none().then_some(Which::Second)
    }

    /// One that is not needed for what comes first: if none is free, the later of the two.
    pub(super) fn spare(&self) -> Which {
        self.free().unwrap_or_else(|| {
            let later = self.settings().max_by_key(|(_, set)| set.span.latest());
            later.map_or(Which::First, |(which, _)| which)
        })
    }

    /// Sets that timer for `span`, in place of what it was set for.
    pub(super) fn arm(
        &mut self,
        which: Which,
        span: Span,
        in_time: bool,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let latest = self.epoch.instant(span.latest());
        let timer = self.get(which);
        let setting = Setting {
            span,
            in_time,
            replaced: timer.set.is_some(),
        };
        let slack = Duration::from_nanos(span.slack());
        let armed = match timer.alarm.arm(latest, slack, waker) {
            Err(_refused) if which == Which::Second => {
                // It can be done without.
                self.second = None;
                if self.first.latest() <= span.latest() {
                    return Ok(Armed::Waiting);
                }
                return self.arm(Which::First, span, in_time, waker);
            }
            armed => armed?,
        };
        timer.set = (armed == Armed::Waiting).then_some(setting);
        #[cfg(test)]
        {
            timer.armings += 1;
        }
        Ok(armed)
    }

    /// That one was early by the runtime's clock.
    ///
    /// # Errors
    ///
    /// If it cannot follow that clock.
    pub(super) fn resync(&mut self, which: Which) -> io::Result<()> {
        self.get(which).alarm.resync()
    }

    /// Whether they hear of the end of the runtime, whoever waits.
    pub(super) fn listen_on(&self) -> bool {
        self.first.alarm.listens()
    }

    /// What serves.
    pub(super) fn source(&self) -> TimerSource {
        self.first.alarm.source()
    }

    /// Whether they are to be set anew, since the clock is another.
    pub(super) fn clock_moved(&self) -> bool {
        self.first.alarm.clock_moved()
    }

    /// What must be known before the first can be set.
    pub(super) fn question(&self) -> Option<Question> {
        self.first.alarm.question()
    }

    pub(super) fn answer(&mut self, serves: bool) {
        self.first.alarm.answer(serves);
    }

    /// Has the kernel serve again, if it refused.
    pub(super) fn insist(&mut self, waker: &Waker) -> io::Result<()> {
        self.first.alarm.insist(waker)
    }

    /// Whether one that is left armed does harm now.
    pub(super) fn is_exact(&self) -> bool {
        self.first.alarm.is_exact()
    }

    /// What has become of the kernel's timer.
    pub(super) fn news(&mut self) -> Option<News> {
        self.first.alarm.news()
    }

    /// Nobody waits any more.
    pub(super) fn disarm(&mut self) {
        self.first.set = None;
        self.first.alarm.disarm();
    }

    /// What each is set for, and how often it was set.
    #[cfg(all(test, not(model)))]
    pub(super) fn all(&self) -> impl Iterator<Item = (Which, Option<Setting>, usize)> {
        let first = (Which::First, self.first.set, self.first.armings);
        let second = self.second.as_ref();
        let second = second.map(|timer| (Which::Second, timer.set, timer.armings));
        [first].into_iter().chain(second)
    }

    /// As where the kernel refuses it.
    pub(super) fn drop_second(&mut self) {
        self.second = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_what_was_replaced_is_not_early() {
        for (now, replaced, early) in [
            (9, false, true),
            (9, true, false),
            (10, false, false),
            (10, true, false),
        ] {
            let setting = Setting {
                span: Span::new(10, 5),
                in_time: true,
                replaced,
            };
            assert_eq!(setting.is_early(now), early);
        }
    }
}
