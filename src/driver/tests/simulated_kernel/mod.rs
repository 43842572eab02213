//! Tests on a simulated kernel, whose lateness is known. No real time passes.

mod arming_ahead;
mod coalescing;
mod lateness;
mod metrics;
mod random_steps;
mod timers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::driver::alarms::AlarmId;
use crate::driver::wakeups::Wakeup;
use crate::driver::{Driver, Entry, Status};
use crate::precision::{Precision, TimerOptions};
use crate::saturating::nanos;
use crate::sys::Alarm;

const HOUR: Duration = Duration::from_secs(3600);

/// A driver that is woken only by the test. Its runtime's reactor is never polled, and all deadlines are so
/// far in the future that the real clock does not reach them.
struct SimulatedKernel {
    driver: Arc<Driver>,
    /// Time 0 of the test.
    start: Instant,
    /// The time of the last wake-up.
    now: u64,
    runtime: Runtime,
}

impl SimulatedKernel {
    /// Returns `None` where one driver serves the process: other tests would wake it and affect its
    /// estimates.
    fn new() -> Option<Self> {
        if !Alarm::PER_RUNTIME {
            return None;
        }
        Some(Self::on(Builder::new_current_thread().enable_all()))
    }

    fn on(runtime: &mut Builder) -> Self {
        let runtime = runtime.build().unwrap();
        let driver = Driver::get_or_start(runtime.handle()).unwrap();
        let start = driver.now() + 24 * HOUR;
        Self {
            driver,
            start,
            now: 0,
            runtime,
        }
    }

    fn timer(&self, period: u64, configure: impl FnOnce(&mut TimerOptions)) -> Timer {
        let mut entry = Entry::for_runtime(self.runtime.handle().clone());
        entry.configure(configure);
        Timer {
            entry,
            deadline: 0,
            period,
            is_waiting: false,
            woken: Arc::default(),
        }
    }

    /// Resets the timer to `deadline` and polls it, so that a task waits.
    fn wait(&self, timer: &mut Timer, deadline: u64) {
        timer.deadline = deadline;
        timer.is_waiting = true;
        timer.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&timer.woken));
        let cx = &mut Context::from_waker(&waker);
        let deadline = self.start + Duration::from_nanos(deadline);
        let period = Duration::from_nanos(timer.period);
        timer.entry.reset(deadline, period);
        assert!(timer.entry.poll_elapsed(cx, deadline, period).is_pending());
    }

    /// Resets the timer to `deadline` and does not poll it.
    fn reset(&self, timer: &mut Timer, deadline: u64) {
        timer.deadline = deadline;
        let deadline = self.start + Duration::from_nanos(deadline);
        let period = Duration::from_nanos(timer.period);
        timer.entry.reset(deadline, period);
    }

    /// Returns the earliest time that an alarm is armed for.
    fn armed(&self) -> Option<u64> {
        self.alarms()
            .into_iter()
            .filter_map(|alarm| alarm.armed_for)
            .min()
    }

    fn alarms(&self) -> Vec<AlarmStatus> {
        let Status::Open(wakeups) = &mut *self.driver.status.0.lock() else {
            panic!("the driver is closed");
        };
        let start = self.start_timestamp();
        let alarms = wakeups.alarms().all();
        let alarms = alarms.map(|(id, arming, arm_count)| AlarmStatus {
            id,
            armed_for: arming.map(|arming| arming.window.hard_deadline().saturating_sub(start)),
            replaced: arming.is_some_and(|arming| arming.replaced),
            arm_count,
        });
        alarms.collect()
    }

    /// Wakes the driver `lateness` after the earliest time that an alarm is armed for.
    fn wake(&mut self, lateness: u64) {
        let armed = self.armed().expect("a timer waits");
        self.wake_at(self.now.max(armed) + lateness);
    }

    /// Wakes the driver by each alarm that has expired. If none has, wakes it too early, by the first to
    /// expire.
    fn wake_at(&mut self, now: u64) {
        self.now = now;
        let mut alarms = self.alarms();
        alarms.sort_by_key(|alarm| alarm.armed_for.unwrap_or(u64::MAX));
        let expired = alarms
            .iter()
            .filter(|alarm| alarm.armed_for.is_some_and(|armed| armed <= now));
        let expired = expired.count().max(1);
        for alarm in &alarms[..expired] {
            self.wake_by(alarm.id, now);
        }
    }

    /// Wakes the driver by an alarm.
    fn wake_by(&self, alarm: AlarmId, now: u64) {
        let waker = &self.driver.waker(alarm);
        let wakeup = Some(Wakeup { alarm, waker });
        self.driver.fire_at(wakeup, self.start_timestamp() + now);
    }

    /// Clears what is armed while no timer waits, by early wake-ups, which are not lateness samples.
    fn clear_alarms(&self) {
        for alarm in self.alarms() {
            if let Some(armed) = alarm.armed_for {
                self.wake_by(alarm.id, self.now.min(armed - 1));
            }
        }
        assert_eq!(self.armed(), None);
    }

    fn start_timestamp(&self) -> u64 {
        self.driver.epoch.timestamp(self.start)
    }

    /// Returns the lead of a spinning timer with that spin limit and period.
    fn lead(&mut self, limit: Duration, period: u64) -> u64 {
        assert_eq!(self.armed(), None, "no other timer waits");
        let mut timer = self.timer(period, |options| {
            options.set_precision(Precision::Spin);
            options.set_spin_limit(limit);
        });
        let deadline = self.now + nanos(HOUR);
        self.wait(&mut timer, deadline);
        let armed = self.armed().unwrap();
        drop(timer);
        self.clear_alarms();
        deadline - armed
    }

    /// Ticks a lone timer every `period`, once for each lateness.
    fn learn(&mut self, period: u64, lateness: impl IntoIterator<Item = u64>) {
        let mut timer = self.timer(period, |_| ());
        for lateness in lateness {
            let deadline = self.now + period;
            self.wait(&mut timer, deadline);
            self.wake(lateness);
            assert!(timer.is_woken());
        }
    }

    /// Wakes the driver `wakeups` times, each time `lateness` late. Each timer that is woken waits for its
    /// next tick. Returns, for each wake-up, the lateness of its latest tick.
    fn tick(&mut self, timers: &mut [Timer], lateness: u64, wakeups: usize) -> Vec<u64> {
        (0..wakeups)
            .map(|_| {
                self.wake(lateness);
                let mut max_lateness = 0;
                for timer in timers.iter_mut().filter(|timer| timer.is_woken()) {
                    assert!(timer.deadline <= self.now, "early");
                    max_lateness = max_lateness.max(self.now - timer.deadline);
                    self.wait(timer, timer.deadline + timer.period);
                }
                max_lateness
            })
            .collect()
    }

    /// Creates `count` waiting timers that tick one after the other, `gap` apart, again and again.
    fn staggered_timers(&self, count: u64, gap: u64) -> Vec<Timer> {
        let timers = (1..=count).map(|n| {
            let mut timer = self.timer(count * gap, |_| ());
            self.wait(&mut timer, self.now + 1_000_000 + n * gap);
            timer
        });
        timers.collect()
    }
}

/// What an alarm is armed for, and how often it was armed.
#[derive(Debug, Clone, Copy)]
struct AlarmStatus {
    id: AlarmId,
    armed_for: Option<u64>,
    /// True if the arming replaced another.
    replaced: bool,
    arm_count: usize,
}

struct Timer {
    entry: Entry,
    deadline: u64,
    period: u64,
    /// True until the test has seen that the timer is woken.
    is_waiting: bool,
    woken: Arc<WokenFlag>,
}

impl Timer {
    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct WokenFlag(AtomicBool);

impl Wake for WokenFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Few cases, since each takes long.
fn few_cases() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 16;
    }
    config
}

/// Enough wake-ups for the estimates to get from any machine's lateness to any other's.
const MANY: u64 = 3000;
