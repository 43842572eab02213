//! Any system: `tokio::time::Sleep`, with its precision of about a millisecond.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::sleep_alarm::SleepAlarm;
use super::sleep_probe::SleepProbe;
use super::software_periodic::SoftwarePeriodic;
use super::{AlarmEvent, Armed, TimerSource};

pub(crate) type Periodic = SoftwarePeriodic<SleepAlarm>;

#[derive(Debug)]
pub(crate) struct Alarm(SleepAlarm);

impl Alarm {
    /// A paused clock jumps to the next `Sleep` there is, even if no timer waits for it any more.
    pub(crate) const EXACT: bool = true;
    pub(crate) const CAN_BE_EXACT: bool = true;
    pub(crate) const ARMS_AHEAD: bool = false;
    pub(crate) const PER_RUNTIME: bool = true;
    pub(crate) const OUTLIVES_TIMERS: bool = false;

    #[track_caller]
    pub(crate) fn new(runtime: &Handle, _requires_native: bool) -> io::Result<Self> {
        Ok(Self(SleepAlarm::new(runtime)))
    }

    pub(crate) fn second(&self) -> io::Result<Self> {
        Ok(Self(SleepAlarm::without_check(&self.0.clock.runtime)))
    }

    /// A runtime that shuts down wakes the waker of an armed `Sleep`. While the alarm is disarmed, no timer waits.
    pub(crate) fn listen(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(
        &mut self,
        hard_deadline: Instant,
        _slack: Duration,
        waker: &Waker,
    ) -> io::Result<Armed> {
        self.0.arm(hard_deadline, waker)
    }

    pub(crate) fn disarm(&mut self) {
        self.0.disarm();
    }

    /// There is only one clock.
    pub(crate) fn resync(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// No kernel can refuse the alarm.
    pub(crate) fn require_native(&mut self, _waker: &Waker) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn hears_shutdown(&self) -> bool {
        false
    }

    pub(crate) fn source(&self) -> TimerSource {
        TimerSource::Tokio
    }

    pub(crate) fn clock_moved(&self) -> bool {
        false
    }

    pub(crate) fn probe(&self) -> Option<SleepProbe> {
        None
    }

    pub(crate) fn probed(&mut self, _serves: bool) {}

    pub(crate) fn is_exact(&self) -> bool {
        Self::EXACT
    }

    pub(crate) fn take_event(&mut self) -> Option<AlarmEvent> {
        None
    }
}
