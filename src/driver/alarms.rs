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

use super::queue::Window;
use crate::saturating::{add_or_stay, nanos};
use crate::sys::{Alarm, AlarmEvent, Armed, SleepProbe, TimerSource};

/// The moments of one driver: nanoseconds since it was made; any before that, as then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(pub(super) Instant);

impl Epoch {
    pub(super) fn moment(self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.0))
    }

    fn instant(self, moment: u64) -> Instant {
        add_or_stay(self.0, Duration::from_nanos(moment))
    }
}

/// AlarmId of the kernel timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlarmId {
    First,
    Second,
}

/// What a kernel timer is set for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) window: Window,
    /// Whether that was still to come when the timer was set, by a clock that had just been read: only
    /// then does it tell how late the kernel is.
    pub(super) is_sample: bool,
    /// Whether it was set in place of another moment, whose event may still come.
    pub(super) replaced: bool,
}

// One whose alarm is left armed has no timer that is not the first; and `arm` is given the waker of the
// first.
const _: () = assert!(!(Alarm::ARMS_AHEAD && Alarm::EXACT));

impl Setting {
    /// Whether the kernel, by the clock, woke too early. An event of what was replaced is not early.
    pub(super) fn is_early(&self, now: u64) -> bool {
        now < self.window.deadline() && !self.replaced
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

    /// The hard_deadline moment of what it is set for.
    fn hard_deadline(&self) -> u64 {
        self.set.map_or(NEVER, |set| set.window.hard_deadline())
    }
}

/// [`Window`] ends before it.
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
    pub(super) fn new(runtime: &Handle, requires_native: bool, epoch: Epoch) -> io::Result<Self> {
        let mut alarms = Self {
            first: Timer::new(Alarm::new(runtime, requires_native)?),
            second: None,
            epoch,
        };
        alarms.add_second();
        Ok(alarms)
    }

    /// Where two are cheaper than one, and the kernel has it.
    pub(super) fn add_second(&mut self) {
        if Alarm::ARMS_AHEAD && self.second.is_none() {
            self.second = self.first.alarm.second().ok().map(Timer::new);
        }
    }

    pub(super) fn has_second(&self) -> bool {
        self.second.is_some()
    }

    pub(super) fn has(&self, which: AlarmId) -> bool {
        which == AlarmId::First || self.has_second()
    }

    fn get(&mut self, which: AlarmId) -> &mut Timer {
        match which {
            AlarmId::First => &mut self.first,
            AlarmId::Second => self.second.as_mut().expect("it has an event or a setting"),
        }
    }

    fn settings(&self) -> impl Iterator<Item = (AlarmId, Setting)> {
        let second = self.second.as_ref().and_then(|timer| timer.set);
        let first = self.first.set.map(|set| (AlarmId::First, set));
        first
            .into_iter()
            .chain(second.map(|set| (AlarmId::Second, set)))
    }

    /// Has the waker woken by the next event of that timer, and when the runtime shuts down.
    pub(super) fn listen(&mut self, which: AlarmId, waker: &Waker) -> io::Result<()> {
        self.get(which).alarm.listen(waker)
    }

    pub(super) fn setting(&mut self, which: AlarmId) -> Option<Setting> {
        self.get(which).set
    }

    /// That timer is not set for anything any more.
    pub(super) fn forget(&mut self, which: AlarmId) {
        self.get(which).set = None;
    }

    /// The first moment that any of them is set for.
    pub(super) fn earliest(&self) -> Option<u64> {
        let first = self.first.hard_deadline();
        let second = self.second.as_ref().map_or(NEVER, Timer::hard_deadline);
        Some(first.min(second)).filter(|earliest| *earliest != NEVER)
    }

    /// The first that is still to come after `now`, and which of them is set for it.
    pub(super) fn next(&self, now: u64) -> Option<(AlarmId, u64)> {
        let settings = self
            .settings()
            .map(|(which, set)| (which, set.window.hard_deadline()));
        let coming = settings.filter(|(_, hard_deadline)| *hard_deadline > now);
        coming.min_by_key(|(_, hard_deadline)| *hard_deadline)
    }

    /// One that is not set for anything.
    pub(super) fn free(&self) -> Option<AlarmId> {
        if self.first.set.is_none() {
            return Some(AlarmId::First);
        }
        let second = self.second.as_ref()?;
        second.set.is_none().then_some(AlarmId::Second)
    }

    /// One that is not needed for what comes first: if none is free, the later of the two.
    pub(super) fn spare(&self) -> AlarmId {
        self.free().unwrap_or_else(|| {
            let later = self
                .settings()
                .max_by_key(|(_, set)| set.window.hard_deadline());
            later.map_or(AlarmId::First, |(which, _)| which)
        })
    }

    /// Sets that timer for `window`, in place of what it was set for.
    pub(super) fn arm(
        &mut self,
        which: AlarmId,
        window: Window,
        is_sample: bool,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let hard_deadline = self.epoch.instant(window.hard_deadline());
        let timer = self.get(which);
        let setting = Setting {
            window,
            is_sample,
            replaced: timer.set.is_some(),
        };
        let slack = Duration::from_nanos(window.slack());
        let armed = match timer.alarm.arm(hard_deadline, slack, waker) {
            Err(_refused) if which == AlarmId::Second => {
                // It can be done without.
                self.second = None;
                if self.first.hard_deadline() <= window.hard_deadline() {
                    return Ok(Armed::Waiting);
                }
                return self.arm(AlarmId::First, window, is_sample, waker);
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
    pub(super) fn resync(&mut self, which: AlarmId) -> io::Result<()> {
        self.get(which).alarm.resync()
    }

    /// Whether they hear of the end of the runtime, whoever waits.
    pub(super) fn hears_shutdown(&self) -> bool {
        self.first.alarm.hears_shutdown()
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
    pub(super) fn probe(&self) -> Option<SleepProbe> {
        self.first.alarm.probe()
    }

    pub(super) fn probed(&mut self, serves: bool) {
        self.first.alarm.probed(serves);
    }

    /// Has the kernel serve again, if it refused.
    pub(super) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.first.alarm.require_native(waker)
    }

    /// Whether one that is left armed does harm now.
    pub(super) fn is_exact(&self) -> bool {
        self.first.alarm.is_exact()
    }

    /// What has become of the kernel's timer.
    pub(super) fn take_event(&mut self) -> Option<AlarmEvent> {
        self.first.alarm.take_event()
    }

    /// Nobody waits any more.
    pub(super) fn disarm(&mut self) {
        self.first.set = None;
        self.first.alarm.disarm();
    }

    /// What each is set for, and how often it was set.
    #[cfg(all(test, not(model)))]
    pub(super) fn all(&self) -> impl Iterator<Item = (AlarmId, Option<Setting>, usize)> {
        let first = (AlarmId::First, self.first.set, self.first.armings);
        let second = self.second.as_ref();
        let second = second.map(|timer| (AlarmId::Second, timer.set, timer.armings));
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
                window: Window::new(10, 5),
                is_sample: true,
                replaced,
            };
            assert_eq!(setting.is_early(now), early);
        }
    }
}
