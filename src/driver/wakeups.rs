//! The alarms of a driver and what it has learned from them: what it keeps under its own lock. What comes
//! first among its timers it is reported.

use std::io;
use std::task::Waker;
use std::time::Duration;

use super::alarms::{AlarmId, Alarms};
use super::published::Published;
use super::queue::Window;
use super::wakeup_stats::{CoalesceDetector, KernelLateness, Lateness};
use crate::sys::{Alarm, AlarmEvent, Armed, SleepProbe, TimerSource};

#[derive(Debug)]
pub(crate) struct Wakeups {
    /// They may be set for an earlier moment than that of the first timer: one spurious wake-up costs
    /// less than setting one back would.
    alarms: Alarms,
    lateness: Lateness,
    detector: CoalesceDetector,
    /// When the driver was woken last.
    last: u64,
    /// For so many wake-ups nothing is armed ahead.
    hold_off: u32,
    counters: Counters,
    /// When it was reported last that a wake-up was late.
    reported: Option<u64>,
    late: Option<u64>,
}

/// What is counted for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) wakeups: u64,
    pub(crate) early: u64,
    pub(crate) fired: u64,
    /// How late it was woken at the most, since somebody asked.
    pub(crate) largest: u64,
}

/// A wake-up that is later has most often been kept waiting by the runtime's tasks: as late is a missed tick. 5 ms.
const MISSED_AFTER: u64 = 5_000_000;

/// So many times as late as median, whatever the kernel's median is: some keep timers in ticks of 10 ms.
const TIMES_MEDIAN: u64 = 5;

/// It is reported once in so long. 1 s.
const REPORT_EVERY: u64 = 1_000_000_000;

/// After a call that set an alarm ahead for nobody, for so many wake-ups none does: who is often wrong
/// shall not cost more than with one alarm.
const HOLD_OFF: u32 = 16;

/// The event of a kernel timer that wakes the driver.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) which: AlarmId,
    /// Whom to wake at the next.
    pub(super) waker: &'a Waker,
}

impl Wakeups {
    pub(super) fn new(alarms: Alarms) -> Self {
        Self {
            alarms,
            lateness: Lateness::new(),
            detector: CoalesceDetector::default(),
            last: 0,
            hold_off: 0,
            counters: Counters::default(),
            reported: None,
            late: None,
        }
    }

    /// Has the waker woken when the runtime shuts down.
    pub(super) fn listen(&mut self, which: AlarmId, waker: &Waker) -> io::Result<()> {
        self.alarms.listen(which, waker)
    }

    pub(super) fn published(&self) -> Published {
        Published::new(self.lateness.p99())
    }

    /// The event of a kernel timer has woken the driver: it is not set any more. Returns whether it was
    /// early, and learns how late the kernel is.
    pub(super) fn record_wakeup(
        &mut self,
        event: Event<'_>,
        now: u64,
        published: &Published,
    ) -> io::Result<bool> {
        // First listen, then arm: the other way round, the event of an alarm that fires at once
        // would be taken for the old one and cleared.
        if !self.alarms.has(event.which) {
            // Of one that was refused meanwhile.
            return Ok(false);
        }
        self.alarms.listen(event.which, event.waker)?;
        self.counters.wakeups += 1;
        let Some(set) = self.alarms.setting(event.which) else {
            return Ok(false);
        };
        // An exact one is set anew in any case, and until then nobody who is dropped shall do so.
        if !Alarm::EXACT {
            self.alarms.forget(event.which);
        }
        let hard_deadline = set.window.hard_deadline();
        // What was due at the last wake-up already was late for the same reason as that.
        if set.is_sample && hard_deadline <= now && hard_deadline > self.last {
            self.was_late(now, now - hard_deadline);
            published.set_lead(self.lateness.p99());
        }
        let is_early = set.is_early(now);
        self.counters.early += u64::from(is_early);
        Ok(is_early)
    }

    fn was_late(&mut self, now: u64, lateness: u64) {
        let late = MISSED_AFTER.max(TIMES_MEDIAN * self.lateness.median());
        self.lateness.record(lateness);
        // A clock that jumps is late by as much.
        if Alarm::EXACT || self.alarms.is_exact() {
            return;
        }
        self.counters.largest = self.counters.largest.max(lateness);
        let reported =
            (self.reported).is_some_and(|reported| now.saturating_sub(reported) < REPORT_EVERY);
        if lateness > late && !reported {
            (self.reported, self.late) = (Some(now), Some(lateness));
        }
    }

    /// So many timers are fired.
    pub(super) fn count_fired(&mut self, timers: usize) {
        self.counters.fired += timers as u64;
    }

    pub(crate) fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    pub(crate) fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    pub(crate) fn source(&self) -> TimerSource {
        self.alarms.source()
    }

    /// Woken at `now`, the driver has taken all that was due; whether that was anything. `close` tells
    /// whether so many more are due within some time.
    pub(super) fn update_coalescing(
        &mut self,
        now: u64,
        any: bool,
        close: impl FnMut(usize, u64) -> bool,
        published: &Published,
    ) {
        self.last = now;
        self.hold_off = self.hold_off.saturating_sub(1);
        // Under a clock that jumps from one timer to the next nothing is late.
        if !Alarm::EXACT {
            let kernel = KernelLateness {
                median: self.lateness.median(),
                is_ahead: self.alarms.has_second(),
            };
            let slack = self.detector.woken(now, any, kernel, close);
            published.set_coalesce_slack(slack, self.detector.is_active());
        }
    }

    /// Sees to it that an alarm fires within `window`. `is_sample`, if that is still to come.
    pub(super) fn arm_if_earlier(
        &mut self,
        window: Window,
        is_sample: bool,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let earliest = self.alarms.earliest();
        if earliest.is_some_and(|earliest| earliest <= window.hard_deadline()) {
            return Ok(Armed::Waiting);
        }
        self.arm(self.alarms.spare(), window, is_sample, waker)
    }

    /// Sets the alarm that nobody needs for the next wake-up, if there is one, for the one after that:
    /// for what is likely to be first `after` the moment of the next.
    pub(super) fn arm_ahead(
        &mut self,
        now: impl FnOnce() -> u64,
        after: impl FnOnce(u64) -> Option<Window>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let free = self.alarms.free().filter(|_| self.hold_off == 0);
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
        self.hold_off == 0 && self.alarms.has_second() && self.alarms.free().is_some()
    }

    /// Sees to it that an alarm is set for the `first` of those who still wait. One that is set for a
    /// moment at which nobody is due is set anew. `early` is one that woke the driver too early; and
    /// `is_sample`, if the clock has just been read.
    pub(super) fn rearm(
        &mut self,
        now: u64,
        first: Option<Window>,
        is_sample: bool,
        early: Option<AlarmId>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        if Alarm::EXACT {
            self.alarms.forget(AlarmId::First);
        }
        let Some(first) = first else {
            return Ok(Armed::Waiting);
        };
        let early = early.filter(|which| self.alarms.has(*which));
        let which = match self.alarms.next(now) {
            Some((_, next)) if next == first.hard_deadline() => return Ok(Armed::Waiting),
            Some((which, next)) if next < first.hard_deadline() => {
                if next >= first.deadline() {
                    return Ok(Armed::Waiting);
                }
                self.hold_off = HOLD_OFF;
                which
            }
            _ => early.unwrap_or_else(|| self.alarms.spare()),
        };
        if early == Some(which) {
            self.alarms.resync(which)?;
        }
        self.arm(which, first, is_sample, waker)
    }

    /// Where an alarm that is armed too early does harm, sets it right.
    pub(super) fn rearm_if_exact(
        &mut self,
        first: Option<Window>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        if self.alarms.earliest() == first.map(Window::hard_deadline) {
            return Ok(Armed::Waiting);
        }
        if let Some(first) = first {
            return self.arm(AlarmId::First, first, false, waker);
        }
        self.alarms.disarm();
        Ok(Armed::Waiting)
    }

    /// As [`rearm`](Self::rearm), whatever is set: the clock is another.
    pub(super) fn rearm_all(
        &mut self,
        first: Option<Window>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        match first {
            Some(first) => self.arm(AlarmId::First, first, false, waker),
            None => Ok(Armed::Waiting),
        }
    }

    /// Whether the alarms hear of the end of the runtime, whoever waits.
    pub(super) fn hears_shutdown(&self) -> bool {
        self.alarms.hears_shutdown()
    }

    pub(super) fn clock_moved(&self) -> bool {
        self.alarms.clock_moved()
    }

    /// What must be known before an alarm can be set.
    pub(super) fn probe(&self) -> Option<SleepProbe> {
        self.alarms.probe()
    }

    pub(super) fn probed(&mut self, serves: bool) {
        self.alarms.probed(serves);
    }

    /// Has the kernel serve again, if it refused.
    pub(super) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.alarms.require_native(waker)
    }

    /// Whether an alarm that is left armed does harm now.
    pub(super) fn is_exact(&self) -> bool {
        self.alarms.is_exact()
    }

    /// What has become of the kernel's timer. Once it serves again, so may a second: `waker` is what that
    /// wakes.
    pub(super) fn take_event(&mut self, waker: impl FnOnce() -> Waker) -> Option<AlarmEvent> {
        let Some(news) = self.alarms.take_event() else {
            return self
                .late
                .take()
                .map(Duration::from_nanos)
                .map(AlarmEvent::Late);
        };
        if matches!(news, AlarmEvent::Accepted) && !self.alarms.has_second() {
            self.alarms.add_second();
            if self.alarms.has_second() && self.alarms.listen(AlarmId::Second, &waker()).is_err() {
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
        which: AlarmId,
        window: Window,
        is_sample: bool,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        self.alarms.arm(which, window, is_sample, &waker())
    }
}
