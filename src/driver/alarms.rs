//! A driver's alarms, and what each is armed for.
//!
//! One alarm is enough. With two, the second can be armed ahead: for the wake-up after the next one.
//! Arming a kernel timer that does not become the machine's earliest costs little, since the kernel need
//! not reprogram the hardware.
//!
//! An arming is cleared when the alarm's own wake-up comes. It is replaced only by an earlier one, or when
//! no timer is due at it. So there is always an alarm that fires no later than the queue's first timer, or
//! whose wake-up is on its way.

use std::io;
use std::mem;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::queue::Window;
use super::shard::NEVER;
use crate::saturating::{add_or_stay, nanos};
use crate::sys::{Alarm, AlarmEvent, Armed, SleepProbe, TimerSource};

/// The instant of timestamp 0: when the driver was created.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(pub(super) Instant);

impl Epoch {
    /// Returns the timestamp of `instant`, or 0 if it is before the epoch.
    pub(super) fn timestamp(self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.0))
    }

    fn instant(self, timestamp: u64) -> Instant {
        add_or_stay(self.0, Duration::from_nanos(timestamp))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlarmId {
    First,
    Second,
}

/// What an alarm is armed for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arming {
    pub(super) window: Window,
    /// True if the hard deadline was still in the future by a clock that had just been read. Only then is
    /// the lateness of the wake-up a sample of the kernel's.
    pub(super) samples_lateness: bool,
    /// True if this arming replaced another, whose wake-up may still come.
    pub(super) replaced: bool,
}

// An exact alarm has no second. And `arm` is always given the waker of the first alarm, which a backend
// that arms ahead must not keep.
const _: () = assert!(!(Alarm::ARMS_AHEAD && Alarm::EXACT));

impl Arming {
    /// Returns `true` if a wake-up at `now` is too early. A wake-up that may be that of the replaced arming
    /// is not.
    pub(super) fn is_early(&self, now: u64) -> bool {
        now < self.window.deadline() && !self.replaced
    }
}

/// An alarm and what it is armed for.
#[derive(Debug)]
struct TrackedAlarm {
    alarm: Alarm,
    arming: Option<Arming>,
    /// True if an arming was forgotten because the next one failed. Its wake-up may still come.
    may_still_wake: bool,
    #[cfg(test)]
    arm_count: usize,
}

impl TrackedAlarm {
    fn new(alarm: Alarm) -> Self {
        Self {
            alarm,
            arming: None,
            may_still_wake: false,
            #[cfg(test)]
            arm_count: 0,
        }
    }

    /// Returns the hard deadline of the arming, or [`NEVER`].
    fn hard_deadline(&self) -> u64 {
        self.arming
            .map_or(NEVER, |arming| arming.window.hard_deadline())
    }
}

#[derive(Debug)]
pub(super) struct Alarms {
    first: TrackedAlarm,
    /// `None` where one is enough, or where the kernel refused it.
    second: Option<TrackedAlarm>,
    epoch: Epoch,
}

impl Alarms {
    /// Creates the first alarm, and the second if the kernel allows it.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the first alarm, and tokio's timer cannot serve in its place or
    /// `requires_native` rules that out.
    #[track_caller]
    pub(super) fn new(runtime: &Handle, requires_native: bool, epoch: Epoch) -> io::Result<Self> {
        let mut alarms = Self {
            first: TrackedAlarm::new(Alarm::new(runtime, requires_native)?),
            second: None,
            epoch,
        };
        alarms.add_second();
        Ok(alarms)
    }

    /// Adds the second alarm where two are cheaper than one, if the kernel does not refuse it.
    pub(super) fn add_second(&mut self) {
        if Alarm::ARMS_AHEAD && self.second.is_none() {
            self.second = self.first.alarm.second().ok().map(TrackedAlarm::new);
        }
    }

    pub(super) fn has_second(&self) -> bool {
        self.second.is_some()
    }

    pub(super) fn has(&self, id: AlarmId) -> bool {
        id == AlarmId::First || self.has_second()
    }

    fn get(&mut self, id: AlarmId) -> &mut TrackedAlarm {
        match id {
            AlarmId::First => &mut self.first,
            AlarmId::Second => self.second.as_mut().expect("the second alarm exists"),
        }
    }

    fn armings(&self) -> impl Iterator<Item = (AlarmId, Arming)> {
        let second = self.second.as_ref().and_then(|alarm| alarm.arming);
        let first = self.first.arming.map(|arming| (AlarmId::First, arming));
        first
            .into_iter()
            .chain(second.map(|arming| (AlarmId::Second, arming)))
    }

    /// Registers `waker` for the next wake-up of the alarm and for the shutdown of the runtime.
    pub(super) fn listen(&mut self, id: AlarmId, waker: &Waker) -> io::Result<()> {
        self.get(id).alarm.listen(waker)
    }

    pub(super) fn arming(&mut self, id: AlarmId) -> Option<Arming> {
        self.get(id).arming
    }

    /// Marks the alarm as not armed.
    pub(super) fn clear_arming(&mut self, id: AlarmId) {
        self.get(id).arming = None;
    }

    /// Returns the earliest hard deadline that an alarm is armed for.
    pub(super) fn earliest(&self) -> Option<u64> {
        let first = self.first.hard_deadline();
        let second = self
            .second
            .as_ref()
            .map_or(NEVER, TrackedAlarm::hard_deadline);
        Some(first.min(second)).filter(|earliest| *earliest != NEVER)
    }

    /// Returns the earliest hard deadline after `now` that an alarm is armed for, and that alarm.
    pub(super) fn next_after(&self, now: u64) -> Option<(AlarmId, u64)> {
        let armings = self
            .armings()
            .map(|(id, arming)| (id, arming.window.hard_deadline()));
        let future = armings.filter(|(_, hard_deadline)| *hard_deadline > now);
        future.min_by_key(|(_, hard_deadline)| *hard_deadline)
    }

    /// Returns an alarm that is not armed.
    pub(super) fn unarmed(&self) -> Option<AlarmId> {
        if self.first.arming.is_none() {
            return Some(AlarmId::First);
        }
        let second = self.second.as_ref()?;
        second.arming.is_none().then_some(AlarmId::Second)
    }

    /// Returns an alarm that is not armed or, if both are, the one that fires later.
    pub(super) fn spare(&self) -> AlarmId {
        self.unarmed().unwrap_or_else(|| {
            let later = self
                .armings()
                .max_by_key(|(_, arming)| arming.window.hard_deadline());
            later.map_or(AlarmId::First, |(id, _)| id)
        })
    }

    /// Arms the alarm for `window`, in place of its previous arming.
    pub(super) fn arm(
        &mut self,
        id: AlarmId,
        window: Window,
        samples_lateness: bool,
        waker: &Waker,
    ) -> io::Result<Armed> {
        let hard_deadline = self.epoch.instant(window.hard_deadline());
        let tracked = self.get(id);
        let arming = Arming {
            window,
            samples_lateness,
            // An alarm that could not be armed counts as unarmed: it may have lost its kernel timer.
            replaced: tracked.arming.take().is_some() || mem::take(&mut tracked.may_still_wake),
        };
        let slack = Duration::from_nanos(window.slack());
        let armed = match tracked.alarm.arm(hard_deadline, slack, waker) {
            Err(_refused) if id == AlarmId::Second => {
                // The second alarm is optional: drop it, and use the first if that fires too late.
                self.second = None;
                if self.first.hard_deadline() <= window.hard_deadline() {
                    return Ok(Armed::Waiting);
                }
                return self.arm(AlarmId::First, window, samples_lateness, waker);
            }
            Err(error) => {
                tracked.may_still_wake = arming.replaced;
                return Err(error);
            }
            Ok(armed) => armed,
        };
        tracked.arming = (armed == Armed::Waiting).then_some(arming);
        #[cfg(test)]
        {
            tracked.arm_count += 1;
        }
        Ok(armed)
    }

    /// Compares the runtime's clock and the kernel's again, after an alarm that was early by the former.
    ///
    /// # Errors
    ///
    /// If the alarm cannot follow the runtime's clock.
    pub(super) fn resync(&mut self, id: AlarmId) -> io::Result<()> {
        self.get(id).alarm.resync()
    }

    /// Returns `true` if the runtime's shutdown wakes the driver even when no timer waits.
    pub(super) fn hears_shutdown(&self) -> bool {
        self.first.alarm.hears_shutdown()
    }

    pub(super) fn source(&self) -> TimerSource {
        self.first.alarm.source()
    }

    /// Returns `true` if the runtime's clock has left the clock that the alarms run on, so that they must be
    /// rearmed.
    pub(super) fn clock_moved(&self) -> bool {
        self.first.alarm.clock_moved()
    }

    /// Returns the probe to run before the first alarm can be armed, if one is needed. Pass its result to
    /// [`probed`](Self::probed).
    pub(super) fn probe(&self) -> Option<SleepProbe> {
        self.first.alarm.probe()
    }

    pub(super) fn probed(&mut self, serves: bool) {
        self.first.alarm.probed(serves);
    }

    /// Asks the kernel for its timer again if it has refused it.
    pub(super) fn require_native(&mut self, waker: &Waker) -> io::Result<()> {
        self.first.alarm.require_native(waker)
    }

    /// Returns `true` if the alarms must not be left armed for a removed timer.
    pub(super) fn is_exact(&self) -> bool {
        self.first.alarm.is_exact()
    }

    /// Takes what has happened to the kernel's timer since the last call.
    pub(super) fn take_event(&mut self) -> Option<AlarmEvent> {
        self.first.alarm.take_event()
    }

    /// Disarms the first alarm. No timer waits.
    pub(super) fn disarm(&mut self) {
        self.first.arming = None;
        self.first.alarm.disarm();
    }

    /// Returns, for each alarm, what it is armed for and how often it was armed.
    #[cfg(all(test, not(model)))]
    pub(super) fn all(&self) -> impl Iterator<Item = (AlarmId, Option<Arming>, usize)> {
        let first = (AlarmId::First, self.first.arming, self.first.arm_count);
        let second = self.second.as_ref();
        let second = second.map(|alarm| (AlarmId::Second, alarm.arming, alarm.arm_count));
        [first].into_iter().chain(second)
    }

    pub(super) fn drop_second(&mut self) {
        self.second = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakeup_of_a_replaced_arming_is_not_early() {
        for (now, replaced, early) in [
            (9, false, true),
            (9, true, false),
            (10, false, false),
            (10, true, false),
        ] {
            let arming = Arming {
                window: Window::new(10, 5),
                samples_lateness: true,
                replaced,
            };
            assert_eq!(arming.is_early(now), early);
        }
    }

    /// The earlier arming went with the kernel's timer.
    #[cfg(production)]
    #[test]
    fn refused_alarm_counts_as_unarmed() {
        const HOUR: u64 = 3_600_000_000_000;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _context = runtime.enter();
        let epoch = Epoch(Instant::now());
        let mut alarms = Alarms::new(runtime.handle(), false, epoch).unwrap();
        let waker = Waker::noop();
        let arm = |alarms: &mut Alarms, deadline| {
            alarms.arm(AlarmId::First, Window::new(deadline, 0), true, waker)
        };
        alarms.listen(AlarmId::First, waker).unwrap();
        assert_eq!(arm(&mut alarms, 2 * HOUR).unwrap(), Armed::Waiting);
        assert_eq!(alarms.earliest(), Some(2 * HOUR));

        alarms.first.alarm.refuse(12);
        // tokio's timer has not been probed.
        assert!(arm(&mut alarms, HOUR).is_err());
        assert_eq!(alarms.earliest(), None);
        if let Some(probe) = alarms.probe() {
            alarms.probed(probe.run());
            assert_eq!(arm(&mut alarms, 2 * HOUR).unwrap(), Armed::Waiting);
            assert_eq!(alarms.earliest(), Some(2 * HOUR));
            let arming = alarms.arming(AlarmId::First).unwrap();
            assert!(
                arming.replaced,
                "the wake-up of the earlier arming may come"
            );
        }
    }
}
