//! What is counted for whoever asks, against counts of the test's own.

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

    /// It is polled when its deadline has passed, before the driver has been woken for it.
    fn find_due(&self, timer: &mut Timer) {
        let passed = self.start - 24 * HOUR;
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(timer.entry.poll_elapsed(cx, passed, HOUR).is_ready());
        timer.is_waiting = false;
    }

    /// A timer that is polled by then finds that the driver is overdue: no event of the kernel's has come.
    fn pass_at(&mut self, now: u64) {
        self.now = now;
        self.driver.fire_at(None, self.start_timestamp() + now);
    }

    /// It is polled with another waker.
    fn poll_again(&self, timer: &mut Timer) {
        let before = mem::take(&mut timer.woken);
        self.wait(timer, timer.deadline);
        assert_eq!(Arc::strong_count(&before), 1, "another waker is woken");
    }
}

/// How many wait; how often the driver was woken, and of these how often early; how many have fired.
type Counts = (usize, u64, u64, u64);

fn counts_of(metrics: &Metrics) -> Counts {
    (
        metrics.waiting(),
        metrics.wakeups(),
        metrics.early_wakeups(),
        metrics.fired(),
    )
}

/// Counted one by one.
#[test]
fn metrics_are_what_has_happened() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let metrics = kernel.metrics();
    let counts_of = || counts_of(&metrics);
    assert_eq!(counts_of(), (0, 0, 0, 0));
    let mut timers: Vec<_> = (0..100).map(|_| kernel.timer(1_000_000, |_| ())).collect();
    assert_eq!(counts_of(), (0, 0, 0, 0), "none has been polled");
    for timer in &mut timers {
        kernel.wait(timer, 1_000_000);
    }
    assert_eq!(counts_of(), (100, 0, 0, 0));
    kernel.wake_at(900_000);
    assert_eq!(counts_of(), (100, 1, 1, 0));
    kernel.wake_at(1_000_700);
    assert!(timers.iter().all(Timer::is_woken));
    assert_eq!(counts_of(), (0, 2, 1, 100));
    // One that is dropped or found due waits no more, and has not fired; one that is polled again is the same.
    for timer in &mut timers[..4] {
        kernel.wait(timer, 2_000_000);
    }
    kernel.poll_again(&mut timers[0]);
    assert_eq!(counts_of(), (4, 2, 1, 100));
    kernel.find_due(&mut timers[1]);
    assert_eq!(counts_of(), (3, 2, 1, 100));
    timers.truncate(2);
    assert_eq!(counts_of(), (1, 2, 1, 100));
    kernel.wake_at(2_000_300);
    assert_eq!(counts_of(), (0, 3, 1, 101));
    // One that is fired in passing has fired, without a wake-up.
    kernel.wait(&mut timers[0], 3_000_000);
    kernel.pass_at(3_200_000);
    assert_eq!(counts_of(), (0, 3, 1, 102));
    // The event comes all the same.
    kernel.wake_at(3_200_000);
    assert_eq!(counts_of(), (0, 4, 1, 102));
    let mut moved = kernel.timer(nanos(HOUR), |_| ());
    kernel.wait(&mut moved, 3_600_000);
    kernel.reset(&mut moved, 6_000_000);
    kernel.wake_at(3_600_000);
    assert_eq!(counts_of(), (1, 5, 1, 102), "for nobody, and not early");
}

/// Since it was asked for. What was asked before is not counts_of again, and nothing that it was less than.
#[test]
fn the_largest_lateness_is_the_largest_since_it_was_asked_for() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let metrics = kernel.metrics();
    let taken = || nanos(metrics.take_max_lateness());
    // A clock that jumps is late by as much.
    let late = |nanos| if Alarm::EXACT { 0 } else { nanos };
    assert_eq!(taken(), 0);
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
        let _neither_this_nor_that = (format!("{metrics:?}"), counts_of(&metrics));
        assert_eq!(taken(), late(largest));
        assert_eq!(taken(), 0);
    }
    // Who asks asks for all.
    kernel.learn(10_000_000, [600]);
    assert_eq!(nanos(kernel.metrics().take_max_lateness()), late(600));
    assert_eq!(taken(), 0);
}

/// The median is not the 99th percentile.
#[test]
fn lateness_is_told_as_it_is_learned() {
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
/// All together more than are woken under one hold of the lock.
const EACH: usize = 12;

/// What may happen to timers, and to their driver.
#[derive(Debug, Clone)]
enum Step {
    Wait(usize, u64),
    Reset(usize, u64),
    PollAgain(usize),
    FindDue(usize),
    Drop(usize),
    /// So late.
    Wake(u64),
    /// The same, and it is another timer's poll that sees it.
    Pass(u64),
    /// An event of the second kernel timer, or of the first: of what it is not set for any more, or too early.
    Stale(bool),
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    let timer = || 0..EACH * SHARDS;
    let ahead = || prop_oneof![1_u64..50_000, 1_u64..20_000_000];
    prop_oneof![
        6 => (timer(), ahead()).prop_map(|(timer, ahead)| Step::Wait(timer, ahead)),
        3 => (timer(), ahead()).prop_map(|(timer, ahead)| Step::Reset(timer, ahead)),
        1 => timer().prop_map(Step::PollAgain),
        1 => timer().prop_map(Step::FindDue),
        1 => timer().prop_map(Step::Drop),
        6 => (0_u64..9_000_000).prop_map(Step::Wake),
        1 => (0_u64..9_000_000).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Stale),
        1 => Just(Step::Ask),
    ]
}

/// A driver, and what it should have counted.
struct Counted {
    kernel: SimulatedKernel,
    metrics: Metrics,
    timers: Vec<Option<Timer>>,
    wakeups: u64,
    early: u64,
    fired: u64,
    largest: u64,
    /// When the driver was woken last.
    last: u64,
}

impl Counted {
    /// With timers in each shard, which all wait.
    fn new() -> Self {
        let mut runtime = Builder::new_multi_thread();
        let kernel = SimulatedKernel::on(runtime.worker_threads(SHARDS).enable_all());
        let made = || {
            [(); EACH].map(|()| {
                let mut timer = kernel.timer(nanos(HOUR), |_| ());
                kernel.wait(&mut timer, nanos(HOUR));
                Some(timer)
            })
        };
        let timers: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..SHARDS).map(|_| scope.spawn(made)).collect();
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
            largest: 0,
            last: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        let Self { kernel, timers, .. } = self;
        match *step {
            Step::Wait(n, ahead) => {
                // If it was dropped, another is made on this thread.
                let make = || kernel.timer(nanos(HOUR), |_| ());
                kernel.wait(timers[n].get_or_insert_with(make), kernel.now + ahead);
            }
            Step::Reset(n, ahead) => {
                if let Some(timer) = waiting(timers, n) {
                    kernel.reset(timer, kernel.now + ahead);
                }
            }
            Step::PollAgain(n) => {
                if let Some(timer) = waiting(timers, n) {
                    kernel.poll_again(timer);
                }
            }
            Step::FindDue(n) => {
                if let Some(timer) = waiting(timers, n) {
                    kernel.find_due(timer);
                }
            }
            Step::Drop(n) => timers[n] = None,
            Step::Wake(late) => self.wake(late),
            Step::Pass(late) => {
                if let Some(armed) = kernel.armed() {
                    kernel.pass_at(kernel.now.max(armed) + late);
                    self.woken();
                }
            }
            Step::Stale(second) => {
                let all = self.kernel.alarms();
                self.event(all[usize::from(second) % all.len()].id);
            }
            Step::Ask => {
                let largest = self.metrics.take_max_lateness();
                assert_eq!(nanos(largest), mem::take(&mut self.largest));
            }
        }
        let counts = (self.waiting(), self.wakeups, self.early, self.fired);
        assert_eq!(counts_of(&self.metrics), counts);
    }

    fn waiting(&self) -> usize {
        let timers = self.timers.iter().flatten();
        timers.filter(|timer| timer.is_waiting).count()
    }

    /// The events of all kernel timers that have expired by then.
    fn wake(&mut self, late: u64) {
        let Some(armed) = self.kernel.armed() else {
            return;
        };
        let now = self.kernel.now.max(armed) + late;
        self.kernel.now = now;
        for alarm in self.kernel.alarms() {
            if alarm.armed_for.is_some_and(|set| set <= now) {
                self.event(alarm.id);
            }
        }
    }

    fn event(&mut self, alarm: AlarmId) {
        let now = self.kernel.now;
        let timestamp = self.kernel.start_timestamp() + now;
        let set = self.kernel.arming(alarm);
        self.kernel.wake_by(alarm, now);

        self.wakeups += 1;
        if let Some(set) = set {
            self.early += u64::from(timestamp < set.window.deadline() && !set.replaced);
            let hard_deadline = set.window.hard_deadline();
            let is_sample =
                set.samples_lateness && hard_deadline <= timestamp && hard_deadline > self.last;
            if is_sample && !Alarm::EXACT {
                self.largest = self.largest.max(timestamp - hard_deadline);
            }
        }
        self.woken();
    }

    /// Whoever was due, just now.
    fn woken(&mut self) {
        self.last = self.kernel.start_timestamp() + self.kernel.now;
        for timer in self.timers.iter_mut().flatten() {
            if timer.is_waiting && timer.is_woken() {
                timer.is_waiting = false;
                self.fired += 1;
            }
        }
    }
}

fn waiting(timers: &mut [Option<Timer>], n: usize) -> Option<&mut Timer> {
    timers[n].as_mut().filter(|timer| timer.is_waiting)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..few_cases() })]

    /// Timers of all shards, in whatever order they wait, are moved, found due, dropped and fired.
    #[test]
    fn whatever_happens_is_counted(steps in prop::collection::vec(step(), 1..100)) {
        if !Alarm::PER_RUNTIME {
            return Ok(());
        }
        let mut counted = Counted::new();
        for step in &steps {
            counted.step(step);
        }
        // And in the end all that wait are fired.
        while counted.waiting() > 0 {
            counted.step(&Step::Wake(100));
        }
        counted.step(&Step::Ask);
    }
}
