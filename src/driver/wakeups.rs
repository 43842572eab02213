//! What a driver keeps under its own lock: its alarms, and what it learns from their wake-ups.
//!
//! The timers are in the shards. The driver passes the first timer's window in.

use std::io;
use std::task::Waker;
use std::time::Duration;

use super::alarms::{AlarmId, Alarms};
use super::coalesce::{CoalesceDetector, Kernel};
use super::lateness::Lateness;
use super::published::Published;
use super::queue::Window;
use crate::sys::{Alarm, AlarmEvent, Armed, SleepProbe, TimerSource};

#[derive(Debug)]
pub(crate) struct Wakeups {
    /// May be armed for earlier than the first timer: one spurious wake-up costs less than rearming does.
    alarms: Alarms,
    lateness: Lateness,
    detector: CoalesceDetector,
    /// The timestamp of the last wake-up.
    last: u64,
    /// The number of wake-ups for which nothing is armed ahead.
    hold_off: u32,
    counters: Counters,
    /// When a late wake-up was reported last.
    late_reported_at: Option<u64>,
    /// The lateness to report next.
    unreported_lateness: Option<u64>,
}

/// Counters for [`Metrics`](crate::Metrics).
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) wakeups: u64,
    pub(crate) early: u64,
    pub(crate) fired: u64,
    /// The largest lateness since it was last read.
    pub(crate) max_lateness: u64,
}

/// A wake-up with more lateness than this is reported. 5 ms.
///
/// A wake-up this late is usually caused by the runtime's own tasks.
const REPORT_LATENESS: u64 = 5_000_000;

/// A wake-up is reported only if its lateness exceeds this many medians: some kernels' timers run in ticks
/// of 10 ms.
const REPORT_MEDIANS: u64 = 5;

/// The minimum time between two reports. 1 s.
const REPORT_INTERVAL: u64 = 1_000_000_000;

/// The number of wake-ups for which nothing is armed ahead, after an alarm was armed ahead for no timer.
/// Timers whose next deadlines are hard to predict then cost no more than with one alarm.
const HOLD_OFF: u32 = 16;

/// A wake-up of the driver by an alarm.
#[derive(Clone, Copy)]
pub(super) struct Wakeup<'a> {
    pub(super) alarm: AlarmId,
    /// The waker to register for the alarm's next wake-up.
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
            late_reported_at: None,
            unreported_lateness: None,
        }
    }

    /// Registers `waker` for the next wake-up of the alarm and for the shutdown of the runtime.
    pub(super) fn listen(&mut self, alarm: AlarmId, waker: &Waker) -> io::Result<()> {
        self.alarms.listen(alarm, waker)
    }

    pub(super) fn published(&self) -> Published {
        Published::new(self.lateness.p99())
    }

    /// Records a wake-up, after which its alarm is no longer armed. Learns the kernel's lateness from it.
    /// Returns `true` if the wake-up is early.
    pub(super) fn record_wakeup(
        &mut self,
        wakeup: Wakeup<'_>,
        now: u64,
        published: &Published,
    ) -> io::Result<bool> {
        if !self.alarms.has(wakeup.alarm) {
            // The kernel refused the alarm after the wake-up had started.
            return Ok(false);
        }
        // Listen before arming. In the other order, the wake-up of an alarm that fires at once would look
        // like the old one and be cleared.
        self.alarms.listen(wakeup.alarm, wakeup.waker)?;
        self.counters.wakeups += 1;
        let Some(arming) = self.alarms.arming(wakeup.alarm) else {
            return Ok(false);
        };
        // An exact alarm is rearmed after each wake-up. Until then, dropping a timer must not rearm it.
        if !Alarm::EXACT {
            self.alarms.clear_arming(wakeup.alarm);
        }
        let hard_deadline = arming.window.hard_deadline();
        // What was already due at the last wake-up is late for the same reason.
        if arming.samples_lateness && hard_deadline <= now && hard_deadline > self.last {
            self.record_lateness(now, now - hard_deadline);
            published.set_lead(self.lateness.p99());
        }
        let is_early = arming.is_early(now);
        self.counters.early += u64::from(is_early);
        Ok(is_early)
    }

    fn record_lateness(&mut self, now: u64, lateness: u64) {
        let threshold = REPORT_LATENESS.max(REPORT_MEDIANS * self.lateness.median());
        self.lateness.record(lateness);
        // A clock that jumps makes every wake-up late.
        if Alarm::EXACT || self.alarms.is_exact() {
            return;
        }
        self.counters.max_lateness = self.counters.max_lateness.max(lateness);
        let reported_lately = (self.late_reported_at)
            .is_some_and(|reported| now.saturating_sub(reported) < REPORT_INTERVAL);
        if lateness > threshold && !reported_lately {
            (self.late_reported_at, self.unreported_lateness) = (Some(now), Some(lateness));
        }
    }

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

    /// Finishes a wake-up at `now`, once all due timers are popped. Updates whether timers coalesce.
    ///
    /// `any_due` is true if there were due timers. `due_within(n, time)` returns `true` if `n` more timers
    /// are due within `time`.
    pub(super) fn finish_wakeup(
        &mut self,
        now: u64,
        any_due: bool,
        due_within: impl FnMut(usize, u64) -> bool,
        published: &Published,
    ) {
        self.last = now;
        self.hold_off = self.hold_off.saturating_sub(1);
        // No wake-up is late under a clock that jumps from one timer to the next.
        if !Alarm::EXACT {
            let kernel = Kernel {
                median_lateness: self.lateness.median(),
                arms_ahead: self.alarms.has_second(),
            };
            let slack = self.detector.update(now, any_due, kernel, due_within);
            published.set_coalesce_slack(slack, self.detector.is_active());
        }
    }

    /// Arms an alarm for `window`, unless one fires by its hard deadline. `samples_lateness` is true if
    /// the deadline is in the future by a clock that has just been read.
    pub(super) fn arm_if_earlier(
        &mut self,
        window: Window,
        samples_lateness: bool,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let earliest = self.alarms.earliest();
        if earliest.is_some_and(|earliest| earliest <= window.hard_deadline()) {
            return Ok(Armed::Waiting);
        }
        self.arm(self.alarms.spare(), window, samples_lateness, waker)
    }

    /// Arms an unarmed alarm for the wake-up after the next, if there is one. `predict_after` predicts the
    /// next window after a wake-up at the given time.
    pub(super) fn arm_ahead(
        &mut self,
        now: impl FnOnce() -> u64,
        predict_after: impl FnOnce(u64) -> Option<Window>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let unarmed = self.alarms.unarmed().filter(|_| self.hold_off == 0);
        let Some(unarmed) = unarmed else {
            return Ok(Armed::Waiting);
        };
        let Some((_, next)) = self.alarms.next_after(now()) else {
            return Ok(Armed::Waiting);
        };
        match predict_after(next) {
            Some(window) => self.arm(unarmed, window, true, waker),
            None => Ok(Armed::Waiting),
        }
    }

    /// Returns `true` if an alarm is free to be armed ahead.
    pub(super) fn can_arm_ahead(&self) -> bool {
        self.hold_off == 0 && self.alarms.has_second() && self.alarms.unarmed().is_some()
    }

    /// Arms an alarm for the window of the `first` waiting timer. Rearms an alarm that would fire before any
    /// timer is due.
    ///
    /// `samples_lateness` is true if the clock has just been read. `early` is an alarm that woke the driver
    /// too early.
    pub(super) fn rearm(
        &mut self,
        now: u64,
        first: Option<Window>,
        samples_lateness: bool,
        early: Option<AlarmId>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        if Alarm::EXACT {
            self.alarms.clear_arming(AlarmId::First);
        }
        let Some(first) = first else {
            return Ok(Armed::Waiting);
        };
        let early = early.filter(|alarm| self.alarms.has(*alarm));
        let alarm = match self.alarms.next_after(now) {
            Some((_, next)) if next == first.hard_deadline() => return Ok(Armed::Waiting),
            Some((alarm, next)) if next < first.hard_deadline() => {
                if next >= first.deadline() {
                    return Ok(Armed::Waiting);
                }
                self.hold_off = HOLD_OFF;
                alarm
            }
            _ => early.unwrap_or_else(|| self.alarms.spare()),
        };
        if early == Some(alarm) {
            self.alarms.resync(alarm)?;
        }
        self.arm(alarm, first, samples_lateness, waker)
    }

    /// Arms an exact alarm for the `first` waiting timer, or disarms it if no timer waits.
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

    /// Arms the first alarm for the `first` waiting timer, regardless of what is armed: the runtime's clock
    /// has moved.
    pub(super) fn rearm_on_moved_clock(
        &mut self,
        first: Option<Window>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        match first {
            Some(first) => self.arm(AlarmId::First, first, false, waker),
            None => Ok(Armed::Waiting),
        }
    }

    /// Returns `true` if the runtime's shutdown wakes the driver even when no timer waits.
    pub(super) fn hears_shutdown(&self) -> bool {
        self.alarms.hears_shutdown()
    }

    /// Returns `true` if the runtime's clock has left the clock that the alarms run on.
    pub(super) fn clock_moved(&self) -> bool {
        self.alarms.clock_moved()
    }

    /// Returns the probe to run before an alarm can be armed, if one is needed. Pass its result to
    /// [`probed`](Self::probed).
    pub(super) fn probe(&self) -> Option<SleepProbe> {
        self.alarms.probe()
    }

    pub(super) fn probed(&mut self, serves: bool) {
        self.alarms.probed(serves);
    }

    /// Asks the kernel for its timer again if it has refused it.
    pub(super) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.alarms.require_native(waker)
    }

    /// Returns `true` if the alarms must not be left armed for a removed timer.
    pub(super) fn is_exact(&self) -> bool {
        self.alarms.is_exact()
    }

    /// Takes what there is to report about the alarms. Once the kernel's timer serves again, also adds the
    /// second alarm, which wakes `waker`.
    pub(super) fn take_event(&mut self, waker: impl FnOnce() -> Waker) -> Option<AlarmEvent> {
        let Some(event) = self.alarms.take_event() else {
            return self
                .unreported_lateness
                .take()
                .map(Duration::from_nanos)
                .map(AlarmEvent::Late);
        };
        if matches!(event, AlarmEvent::Accepted) && !self.alarms.has_second() {
            self.alarms.add_second();
            if self.alarms.has_second() && self.alarms.listen(AlarmId::Second, &waker()).is_err() {
                self.alarms.drop_second();
            }
        }
        Some(event)
    }

    /// Returns the earliest hard deadline that an alarm is armed for.
    pub(super) fn earliest(&self) -> Option<u64> {
        self.alarms.earliest()
    }

    #[cfg(all(test, not(model)))]
    pub(super) fn alarms(&mut self) -> &mut Alarms {
        &mut self.alarms
    }

    fn arm(
        &mut self,
        alarm: AlarmId,
        window: Window,
        samples_lateness: bool,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        self.alarms.arm(alarm, window, samples_lateness, &waker())
    }
}
