//! Metrics, compared with the test's own counts.

use std::collections::BTreeSet;
use std::{mem, thread};

use super::*;
use crate::driver::alarms::{AlarmId, Arming};
use crate::{Metrics, metrics};

impl SimulatedKernel {
    fn metrics(&self) -> Metrics {
        let _context = self.runtime.enter();
        metrics()
    }

    fn arming(&self, alarm: AlarmId) -> Option<Arming> {
        match &mut *self.driver.status.0.lock() {
            Status::Open(wakeups) => wakeups.alarms().arming(alarm),
            Status::Closed(_) => panic!("the driver is closed"),
        }
    }

    /// Polls the timer with a deadline that has passed, without a wake-up of the driver.
    fn find_due(&self, timer: &mut Timer) {
        let passed = self.start - 24 * HOUR;
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(timer.entry.poll_elapsed(cx, passed, HOUR).is_ready());
        timer.is_waiting = false;
    }

    /// Fires the driver as a poll does that finds the driver overdue, without a wake-up by an alarm.
    fn fire_overdue(&mut self, now: u64) {
        self.now = now;
        self.driver.fire_at(None, self.start_timestamp() + now);
    }

    /// Polls the timer with another waker.
    fn poll_again(&self, timer: &mut Timer) {
        let before = mem::take(&mut timer.woken);
        self.wait(timer, timer.deadline);
        assert_eq!(Arc::strong_count(&before), 1, "the new waker replaces it");
    }
}

/// The number of waiting timers, wake-ups, early wake-ups and fired timers.
type Counts = (usize, u64, u64, u64);

fn counts(metrics: &Metrics) -> Counts {
    (
        metrics.waiting(),
        metrics.wakeups(),
        metrics.early_wakeups(),
        metrics.fired(),
    )
}

#[test]
fn metrics_count_wakeups_and_fired_timers() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let metrics = kernel.metrics();
    let counts = || counts(&metrics);
    assert_eq!(counts(), (0, 0, 0, 0));
    let mut timers: Vec<_> = (0..100).map(|_| kernel.timer(1_000_000, |_| ())).collect();
    assert_eq!(counts(), (0, 0, 0, 0), "no timer has been polled");
    for timer in &mut timers {
        kernel.wait(timer, 1_000_000);
    }
    assert_eq!(counts(), (100, 0, 0, 0));
    kernel.wake_at(900_000);
    assert_eq!(counts(), (100, 1, 1, 0));
    kernel.wake_at(1_000_700);
    assert!(timers.iter().all(Timer::is_woken));
    assert_eq!(counts(), (0, 2, 1, 100));
    // A timer that is dropped or found due no longer waits, and has not fired. A second poll changes nothing.
    for timer in &mut timers[..4] {
        kernel.wait(timer, 2_000_000);
    }
    kernel.poll_again(&mut timers[0]);
    assert_eq!(counts(), (4, 2, 1, 100));
    kernel.find_due(&mut timers[1]);
    assert_eq!(counts(), (3, 2, 1, 100));
    timers.truncate(2);
    assert_eq!(counts(), (1, 2, 1, 100));
    kernel.wake_at(2_000_300);
    assert_eq!(counts(), (0, 3, 1, 101));
    // A poll that finds the driver overdue fires timers without a wake-up.
    kernel.wait(&mut timers[0], 3_000_000);
    kernel.fire_overdue(3_200_000);
    assert_eq!(counts(), (0, 3, 1, 102));
    // The alarm's wake-up still comes.
    kernel.wake_at(3_200_000);
    assert_eq!(counts(), (0, 4, 1, 102));
    let mut reset = kernel.timer(nanos(HOUR), |_| ());
    kernel.wait(&mut reset, 3_600_000);
    kernel.reset(&mut reset, 6_000_000);
    kernel.wake_at(3_600_000);
    assert_eq!(counts(), (1, 5, 1, 102), "spurious, and not early");
}

#[test]
fn max_lateness_is_the_largest_since_it_was_last_taken() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let metrics = kernel.metrics();
    let take = || nanos(metrics.take_max_lateness());
    // Lateness is not counted under a clock that jumps.
    let expected = |nanos| if Alarm::EXACT { 0 } else { nanos };
    assert_eq!(take(), 0);
    for (lateness, largest) in [
        (&[700][..], 700),
        (&[], 0),
        (&[300], 300),
        (&[200, 900, 400], 900),
        (&[900], 900),
        (&[0], 0),
        (&[50], 50),
    ] {
        kernel.learn(10_000_000, lateness.iter().copied());
        // Other metrics, and `Debug`, do not take it.
        let _ = (format!("{metrics:?}"), counts(&metrics));
        assert_eq!(take(), expected(largest));
        assert_eq!(take(), 0);
    }
    // All `Metrics` of a runtime share it.
    kernel.learn(10_000_000, [600]);
    assert_eq!(nanos(kernel.metrics().take_max_lateness()), expected(600));
    assert_eq!(take(), 0);
}

#[test]
fn metrics_report_the_median_and_the_99th_percentile() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let metrics = kernel.metrics();
    let lateness = (0..MANY).map(|n| if n % 10 == 0 { 60_000 } else { 30_000 });
    kernel.learn(10_000_000, lateness);
    let median = nanos(metrics.median_lateness());
    assert!((27_000..=33_000).contains(&median), "{median}");
    let p99 = nanos(metrics.p99_lateness());
    assert!((59_000..=66_000).contains(&p99), "{p99}");
}

const SHARDS: usize = 3;
/// The timers per shard. All together are more than a wake list holds.
const TIMERS_PER_SHARD: usize = 12;

/// A step of a timer, given by its index, or of the kernel.
#[derive(Debug, Clone)]
enum Step {
    /// A timer waits for a deadline this far in the future.
    Wait(usize, u64),
    /// A waiting timer is reset to a deadline this far in the future.
    Reset(usize, u64),
    PollAgain(usize),
    FindDue(usize),
    Drop(usize),
    /// The kernel wakes the driver this late.
    Wake(u64),
    /// A poll finds the driver overdue by this much and fires it.
    FireOverdue(u64),
    /// A wake-up of the second alarm (`true`) or the first comes that is not of its current arming, or too
    /// early.
    Spurious(bool),
    TakeMaxLateness,
}

fn step() -> impl Strategy<Value = Step> {
    let timer = || 0..TIMERS_PER_SHARD * SHARDS;
    let delay = || prop_oneof![1_u64..50_000, 1_u64..20_000_000];
    prop_oneof![
        6 => (timer(), delay()).prop_map(|(timer, delay)| Step::Wait(timer, delay)),
        3 => (timer(), delay()).prop_map(|(timer, delay)| Step::Reset(timer, delay)),
        1 => timer().prop_map(Step::PollAgain),
        1 => timer().prop_map(Step::FindDue),
        1 => timer().prop_map(Step::Drop),
        6 => (0_u64..9_000_000).prop_map(Step::Wake),
        1 => (0_u64..9_000_000).prop_map(Step::FireOverdue),
        1 => any::<bool>().prop_map(Step::Spurious),
        1 => Just(Step::TakeMaxLateness),
    ]
}

/// A driver, and the metrics that it should have.
struct Model {
    kernel: SimulatedKernel,
    metrics: Metrics,
    timers: Vec<Option<Timer>>,
    wakeups: u64,
    early: u64,
    fired: u64,
    max_lateness: u64,
    /// The timestamp of the last wake-up.
    last: u64,
}

impl Model {
    /// Creates waiting timers in each shard.
    fn new() -> Self {
        let mut runtime = Builder::new_multi_thread();
        let kernel = SimulatedKernel::on(runtime.worker_threads(SHARDS).enable_all());
        let timers = || {
            [(); TIMERS_PER_SHARD].map(|()| {
                let mut timer = kernel.timer(nanos(HOUR), |_| ());
                kernel.wait(&mut timer, nanos(HOUR));
                Some(timer)
            })
        };
        let timers: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..SHARDS).map(|_| scope.spawn(timers)).collect();
            let timers = threads.into_iter().map(|thread| thread.join().unwrap());
            timers.flatten().collect()
        });
        let shards = timers.iter().flatten().map(|timer| timer.entry.shard());
        assert_eq!(shards.collect::<BTreeSet<_>>().len(), SHARDS);
        Self {
            metrics: kernel.metrics(),
            kernel,
            timers,
            wakeups: 0,
            early: 0,
            fired: 0,
            max_lateness: 0,
            last: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        let Self { kernel, timers, .. } = self;
        match *step {
            Step::Wait(n, delay) => {
                // Replaces a dropped timer with a new one in this thread's shard.
                let new = || kernel.timer(nanos(HOUR), |_| ());
                kernel.wait(timers[n].get_or_insert_with(new), kernel.now + delay);
            }
            Step::Reset(n, delay) => {
                if let Some(timer) = waiting_timer(timers, n) {
                    kernel.reset(timer, kernel.now + delay);
                }
            }
            Step::PollAgain(n) => {
                if let Some(timer) = waiting_timer(timers, n) {
                    kernel.poll_again(timer);
                }
            }
            Step::FindDue(n) => {
                if let Some(timer) = waiting_timer(timers, n) {
                    kernel.find_due(timer);
                }
            }
            Step::Drop(n) => timers[n] = None,
            Step::Wake(late) => self.wake(late),
            Step::FireOverdue(late) => {
                if let Some(armed) = kernel.armed() {
                    kernel.fire_overdue(kernel.now.max(armed) + late);
                    self.count_fired();
                }
            }
            Step::Spurious(second) => {
                let all = self.kernel.alarms();
                self.wake_by(all[usize::from(second) % all.len()].id);
            }
            Step::TakeMaxLateness => {
                let max_lateness = nanos(self.metrics.take_max_lateness());
                assert_eq!(max_lateness, mem::take(&mut self.max_lateness));
            }
        }
        let expected = (self.waiting(), self.wakeups, self.early, self.fired);
        assert_eq!(counts(&self.metrics), expected);
    }

    fn waiting(&self) -> usize {
        let timers = self.timers.iter().flatten();
        timers.filter(|timer| timer.is_waiting).count()
    }

    /// Wakes the driver by each alarm that has expired, `late` after the first.
    fn wake(&mut self, late: u64) {
        let Some(armed) = self.kernel.armed() else {
            return;
        };
        let now = self.kernel.now.max(armed) + late;
        self.kernel.now = now;
        for alarm in self.kernel.alarms() {
            if alarm.armed_for.is_some_and(|armed| armed <= now) {
                self.wake_by(alarm.id);
            }
        }
    }

    fn wake_by(&mut self, alarm: AlarmId) {
        let now = self.kernel.now;
        let timestamp = self.kernel.start_timestamp() + now;
        let arming = self.kernel.arming(alarm);
        self.kernel.wake_by(alarm, now);

        self.wakeups += 1;
        if let Some(arming) = arming {
            self.early += u64::from(timestamp < arming.window.deadline() && !arming.replaced);
            let hard_deadline = arming.window.hard_deadline();
            let is_sample =
                arming.samples_lateness && hard_deadline <= timestamp && hard_deadline > self.last;
            if is_sample && !Alarm::EXACT {
                self.max_lateness = self.max_lateness.max(timestamp - hard_deadline);
            }
        }
        self.count_fired();
    }

    /// Counts the timers that the driver has just fired.
    fn count_fired(&mut self) {
        self.last = self.kernel.start_timestamp() + self.kernel.now;
        for timer in self.timers.iter_mut().flatten() {
            if timer.is_waiting && timer.is_woken() {
                timer.is_waiting = false;
                self.fired += 1;
            }
        }
    }
}

fn waiting_timer(timers: &mut [Option<Timer>], n: usize) -> Option<&mut Timer> {
    timers[n].as_mut().filter(|timer| timer.is_waiting)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..few_cases() })]

    /// Timers of several shards wait, are reset, found due, dropped and fired in any order.
    #[test]
    fn metrics_match_any_sequence_of_steps(steps in prop::collection::vec(step(), 1..100)) {
        if !Alarm::PER_RUNTIME {
            return Ok(());
        }
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
        }
        // In the end all waiting timers fire.
        while model.waiting() > 0 {
            model.step(&Step::Wake(100));
        }
        model.step(&Step::TakeMaxLateness);
    }
}
