//! What a driver does on a kernel whose lateness is known: what it learns from it, and how it groups
//! wake-ups. No real time passes.

mod ahead;
mod counted;

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::alarms::Which;
use super::wakeups::Event;
use super::{Driver, Entry, State};
use crate::precision::{Aim, Precision};
use crate::span::nanos;
use crate::sync::counted::writes_of;
use crate::sys::Alarm;

const HOUR: Duration = Duration::from_secs(3600);

/// A driver whose wake-ups come when a test says so. Nobody asks the reactor of its runtime, and all
/// deadlines are so far ahead that the real clock does not reach them.
struct Simulated {
    driver: Arc<Driver>,
    /// All moments are counted from then.
    beginning: Instant,
    /// When the driver was woken last.
    now: u64,
    runtime: Runtime,
}

impl Simulated {
    /// `None` where one driver serves the process: other tests would wake it, and teach it.
    fn new() -> Option<Self> {
        if !Alarm::OF_RUNTIME {
            return None;
        }
        Some(Self::on(Builder::new_current_thread().enable_all()))
    }

    fn on(runtime: &mut Builder) -> Self {
        let runtime = runtime.build().unwrap();
        let driver = Driver::of(runtime.handle()).unwrap();
        let beginning = driver.now() + 24 * HOUR;
        Self {
            driver,
            beginning,
            now: 0,
            runtime,
        }
    }

    fn timer(&self, period: u64, aim: impl FnOnce(&mut Aim)) -> Timer {
        let mut entry = Entry::of(self.runtime.handle().clone());
        entry.aim(aim);
        Timer {
            entry,
            deadline: 0,
            period,
            waits: false,
            woken: Arc::default(),
        }
    }

    /// Has a task wait until that moment.
    fn wait(&self, timer: &mut Timer, deadline: u64) {
        timer.deadline = deadline;
        timer.waits = true;
        timer.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&timer.woken));
        let cx = &mut Context::from_waker(&waker);
        let deadline = self.beginning + Duration::from_nanos(deadline);
        let period = Duration::from_nanos(timer.period);
        timer.entry.postpone(deadline, period);
        assert!(timer.entry.poll_elapsed(cx, deadline, period).is_pending());
    }

    /// Has it wait until another moment instead.
    fn reset(&self, timer: &mut Timer, deadline: u64) {
        timer.deadline = deadline;
        let deadline = self.beginning + Duration::from_nanos(deadline);
        let period = Duration::from_nanos(timer.period);
        timer.entry.postpone(deadline, period);
    }

    /// The first moment that the kernel has been asked for.
    fn armed(&self) -> Option<u64> {
        self.alarms()
            .into_iter()
            .filter_map(|alarm| alarm.set)
            .min()
    }

    fn alarms(&self) -> Vec<Armed> {
        let State::Alive(wakeups) = &mut *self.driver.state.0.lock() else {
            panic!("the driver is dead");
        };
        let zero = self.zero();
        let alarms = wakeups.alarms().all();
        let alarms = alarms.map(|(which, setting, armings)| Armed {
            which,
            set: setting.map(|set| set.span.latest().saturating_sub(zero)),
            replaced: setting.is_some_and(|set| set.replaced),
            armings,
        });
        alarms.collect()
    }

    /// The kernel wakes the driver so long after what it was asked for.
    fn wake(&mut self, lateness: u64) {
        let armed = self.armed().expect("somebody waits");
        self.wake_at(self.now.max(armed) + lateness);
    }

    /// The event of each timer that is due by then; too early, if none is.
    fn wake_at(&mut self, now: u64) {
        self.now = now;
        let mut alarms = self.alarms();
        alarms.sort_by_key(|alarm| alarm.set.unwrap_or(u64::MAX));
        let due = alarms
            .iter()
            .filter(|alarm| alarm.set.is_some_and(|set| set <= now));
        let due = due.count().max(1);
        for alarm in &alarms[..due] {
            self.event(alarm.which, now);
        }
    }

    /// Nothing is left armed, if nobody waits: events before their time clear it, and teach nothing.
    fn clear(&self) {
        for alarm in self.alarms() {
            if let Some(set) = alarm.set {
                self.event(alarm.which, self.now.min(set - 1));
            }
        }
        assert_eq!(self.armed(), None);
    }

    /// The event of that timer.
    fn event(&self, which: Which, now: u64) {
        let waker = &self.driver.waker(which);
        let event = Some(Event { which, waker });
        self.driver.fire_at(event, self.zero() + now);
    }

    fn zero(&self) -> u64 {
        self.driver.epoch.moment(self.beginning)
    }

    /// How long before its deadline a timer is woken that spins for up to `limit`, and ticks every
    /// `period`.
    fn lead(&mut self, limit: Duration, period: u64) -> u64 {
        assert_eq!(self.armed(), None, "it is the only one");
        let mut timer = self.timer(period, |aim| {
            aim.set_precision(Precision::Spin);
            aim.set_spin_limit(limit);
        });
        let deadline = self.now + nanos(HOUR);
        self.wait(&mut timer, deadline);
        let armed = self.armed().unwrap();
        drop(timer);
        self.clear();
        deadline - armed
    }

    /// A lone timer ticks every `period`, and the kernel is late by that, each time.
    fn learn(&mut self, period: u64, lateness: impl IntoIterator<Item = u64>) {
        let mut timer = self.timer(period, |_| ());
        for late in lateness {
            let deadline = self.now + period;
            self.wait(&mut timer, deadline);
            self.wake(late);
            assert!(timer.is_woken());
        }
    }

    /// The kernel wakes the driver so often, so late each time, and who is woken waits for its next
    /// tick. Returns how late the latest was of those that each wake-up served.
    fn tick(&mut self, timers: &mut [Timer], lateness: u64, wakings: usize) -> Vec<u64> {
        (0..wakings)
            .map(|_| {
                self.wake(lateness);
                let mut latest = 0;
                for timer in timers.iter_mut().filter(|timer| timer.is_woken()) {
                    assert!(timer.deadline <= self.now, "early");
                    latest = latest.max(self.now - timer.deadline);
                    self.wait(timer, timer.deadline + timer.period);
                }
                latest
            })
            .collect()
    }

    /// So many timers whose deadlines are `apart`, one after the other, again and again.
    fn crowd(&self, many: u64, apart: u64) -> Vec<Timer> {
        let timers = (1..=many).map(|n| {
            let mut timer = self.timer(many * apart, |_| ());
            self.wait(&mut timer, self.now + 1_000_000 + n * apart);
            timer
        });
        timers.collect()
    }
}

/// What a kernel timer has been asked for, and how often.
#[derive(Debug, Clone, Copy)]
struct Armed {
    which: Which,
    set: Option<u64>,
    /// Whether in place of something else.
    replaced: bool,
    armings: usize,
}

struct Timer {
    entry: Entry,
    deadline: u64,
    period: u64,
    /// Whether it does, and has not been seen to be woken.
    waits: bool,
    woken: Arc<Flag>,
}

impl Timer {
    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A case takes long.
fn few() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 16;
    }
    config
}

/// Enough for what is learned to get from any machine's lateness to any other's.
const LONG: u64 = 3000;

/// The longest that a crowd makes anyone wait, beside the kernel's own lateness.
const LITTLE: u64 = 200_000;

proptest! {
    #![proptest_config(few())]

    #[test]
    fn who_spins_is_woken_as_early_as_the_kernel_is_late(
        lateness in prop::collection::vec(4_000_u64..5_000_000, 1..4),
    ) {
        let Some(mut kernel) = Simulated::new() else { return Ok(()) };
        for late in lateness {
            kernel.learn(10_000_000, (0..LONG).map(|_| late));
            let lead = kernel.lead(Duration::MAX, nanos(HOUR));
            prop_assert!((late * 99 / 100..=late * 13 / 10).contains(&lead), "{lead}, late by {late}");
        }
    }

    #[test]
    fn who_spins_is_nearly_always_woken_before_its_deadline(
        typical in 4_000_u64..1_000_000,
        spread in 10_u64..100,
    ) {
        let Some(mut kernel) = Simulated::new() else { return Ok(()) };
        let width = typical * spread / 100;
        let lateness = |n: u64| typical + (n * 7919) % width;
        kernel.learn(10_000_000, (0..LONG).map(lateness));
        let mut late = 0;
        for n in LONG..LONG + 1000 {
            let lead = kernel.lead(Duration::MAX, nanos(HOUR));
            prop_assert!(lead <= (typical + width) * 14 / 10);
            kernel.learn(10_000_000, [lateness(n)]);
            late += u32::from(lateness(n) > lead);
        }
        prop_assert!(late <= 30, "{late} of 1000");
    }

    #[test]
    fn nobody_spins_for_longer_than_its_limit_or_half_its_period(
        late in 50_000_u64..2_000_000,
        limit in 0_u64..4_000_000,
        period in 1_u64..8_000_000,
    ) {
        let Some(mut kernel) = Simulated::new() else { return Ok(()) };
        kernel.learn(10_000_000, (0..LONG).map(|_| late));
        let unlimited = kernel.lead(Duration::MAX, nanos(HOUR));
        prop_assert!(unlimited >= late * 99 / 100);
        let limited = kernel.lead(Duration::from_nanos(limit), nanos(HOUR));
        prop_assert_eq!(limited, unlimited.min(limit));
        prop_assert_eq!(kernel.lead(Duration::MAX, period), unlimited.min(period / 2));
        prop_assert_eq!(kernel.lead(Duration::MAX, nanos(HOUR)), unlimited, "asking teaches nothing");
    }

    /// Timers so many that each wake-up is hardly over when the next is due.
    #[test]
    fn a_crowd_shares_wake_ups_until_it_is_over(
        late in 20_000_u64..90_000,
        percent in 110_u64..130,
        goes in any::<bool>(),
    ) {
        let Some(mut kernel) = Simulated::new() else { return Ok(()) };
        kernel.learn(10_000_000, [late; 300]);
        let mut timers = kernel.crowd(64, late * percent / 100);
        let mut took = |timers: &mut [Timer]| {
            let before = kernel.now;
            let latest = kernel.tick(timers, late, 10);
            (kernel.now - before, latest)
        };

        took(&mut timers);
        let (alone, latest) = took(&mut timers);
        prop_assert_eq!(latest, [late; 10], "one at a time");
        for _ in 0..20 {
            let (_, latest) = took(&mut timers);
            prop_assert!(latest.iter().all(|latest| *latest <= late + LITTLE));
        }
        let (together, latest) = took(&mut timers);
        if Alarm::EXACT {
            // Under a clock that can be paused there is no crowd.
            prop_assert_eq!(latest, [late; 10]);
            return Ok(());
        }
        // Nobody is made to wait for longer.
        let apart = (2 * alone).min(10 * LITTLE * 95 / 100);
        prop_assert!(together >= apart, "ten wake-ups took {alone}, and together {together}");
        prop_assert!(latest.iter().all(|latest| *latest > late), "grouped");

        if goes {
            timers.truncate(10);
        } else {
            for (n, timer) in (1..).zip(&mut timers) {
                timer.period = 64_000_000;
                kernel.wait(timer, kernel.now + n * 1_000_000);
            }
        }
        // Who waits already does so in the old way.
        kernel.tick(&mut timers, late, 100);
        prop_assert_eq!(kernel.tick(&mut timers, late, 10), [late; 10], "over");
    }
}

/// A crowd is over when it is gone, whether anybody is left to be woken or not.
#[test]
fn a_crowd_that_is_dropped_is_over() {
    let Some(mut kernel) = Simulated::new() else {
        return;
    };
    kernel.learn(10_000_000, (0..LONG).map(|_| 30_000));
    let mut timers = kernel.crowd(64, 33_000);
    kernel.tick(&mut timers, 30_000, 200);
    drop(timers);
    kernel.clear();
    let mut sleep = kernel.timer(nanos(HOUR), |_| ());
    kernel.wait(&mut sleep, kernel.now + 1_000_000);
    assert_eq!(
        kernel.armed(),
        Some(sleep.deadline),
        "later than it asks for"
    );
}

/// One that was moved may have been asked for when its moment had passed: it says when that was.
#[test]
fn what_was_set_late_teaches_nothing() {
    let usual = 30_000;
    let Some(mut kernel) = Simulated::new() else {
        return;
    };
    for _ in 0..LONG {
        let mut timer = kernel.timer(10_000_000, |_| ());
        kernel.wait(&mut timer, kernel.now + 10_000_000);
        kernel.wake(usual);
        assert!(timer.is_woken());
        kernel.wait(&mut timer, kernel.now + 10_000_000);
        let passed = kernel.beginning + Duration::from_nanos(kernel.now + 1_000_000);
        timer.entry.postpone(passed, HOUR);
        kernel.wake(5_000_000);
        assert!(timer.is_woken());
        kernel.clear();
    }
    let lead = kernel.lead(Duration::MAX, nanos(HOUR));
    assert!(
        (usual * 99 / 100..=usual * 13 / 10).contains(&lead),
        "{lead}"
    );
}

/// What was due while the runtime was busy was late for one and the same reason.
#[test]
fn one_stall_teaches_once() {
    let Some(mut kernel) = Simulated::new() else {
        return;
    };
    kernel.learn(10_000_000, (0..LONG).map(|_| 30_000));
    let before = kernel.lead(Duration::MAX, nanos(HOUR));
    let mut timers = kernel.crowd(2, 1_000_000);
    kernel.tick(&mut timers, 30_000, 10);
    kernel.wake(20_000_000);
    drop(timers);
    kernel.clear();
    let lead = kernel.lead(Duration::MAX, nanos(HOUR));
    assert!(lead <= before * 11 / 10, "{before} before, {lead} after it");
}

/// However many others wait for what is far away.
#[test]
fn a_lone_sleep_is_no_crowd() {
    let Some(mut kernel) = Simulated::new() else {
        return;
    };
    kernel.learn(10_000_000, (0..LONG).map(|_| 30_000));
    let _far: Vec<_> = (0..32)
        .map(|n| {
            let mut far = kernel.timer(nanos(HOUR), |_| ());
            kernel.wait(&mut far, nanos(HOUR) + n);
            far
        })
        .collect();
    for _ in 0..100 {
        let mut sleep = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut sleep, kernel.now + 1_000);
        assert_eq!(
            kernel.armed(),
            Some(sleep.deadline),
            "later than it asks for"
        );
        kernel.wake(30_000);
        assert!(sleep.is_woken());
    }
}

/// Nor does one that came before its time.
#[test]
fn an_early_wake_up_wakes_nobody_and_teaches_nothing() {
    let Some(mut kernel) = Simulated::new() else {
        return;
    };
    let before = kernel.lead(Duration::MAX, nanos(HOUR));
    let mut timer = kernel.timer(1_000_000, |_| ());
    for _ in 0..100 {
        let deadline = kernel.now + 1_000_000;
        kernel.wait(&mut timer, deadline);
        kernel.wake_at(deadline - 1);
        assert!(!timer.is_woken());
        assert_eq!(kernel.armed(), Some(deadline));
        timer = kernel.timer(1_000_000, |_| ());
        kernel.clear();
    }
    assert_eq!(kernel.lead(Duration::MAX, nanos(HOUR)), before);
}

/// To set it back takes a system call, and to leave it a wake-up at the most. Where a clock may jump
/// to it, it is set back.
#[test]
fn an_alarm_that_is_too_early_is_left_alone_where_that_does_no_harm() {
    let Some(kernel) = Simulated::new() else {
        return;
    };
    let mut timers = [(); 3].map(|()| kernel.timer(1_000_000, |_| ()));
    for (timer, deadline) in timers.iter_mut().zip([5_000, 6_000, 7_000]) {
        kernel.wait(timer, deadline);
        assert_eq!(kernel.armed(), Some(5_000));
    }
    let [first, mut second, third] = timers;
    let set_back = |to| if Alarm::EXACT { to } else { Some(5_000) };
    drop(first);
    assert_eq!(kernel.armed(), set_back(Some(6_000)));
    kernel.wait(&mut second, 8_000);
    assert_eq!(kernel.armed(), set_back(Some(7_000)));
    drop(third);
    assert_eq!(kernel.armed(), set_back(Some(8_000)));
    drop(second);
    assert_eq!(kernel.armed(), set_back(None));
}

/// The driver wakes at the old moment, where nobody is due, and moves the timer then. An exact alarm would
/// fire at it, and is set anew.
#[test]
fn a_reset_to_later_takes_no_lock_and_wakes_nobody_at_the_old_moment() {
    /// To what it is reset, and whether that takes a lock: only to bring it forward does.
    type Reset = (u64, bool);
    if Alarm::EXACT {
        return;
    }
    // One reset after the other, and when the driver wakes for it.
    let resets: [(&[Reset], &[u64]); 5] = [
        (&[(5_000, false)], &[1_000, 5_000]),
        (&[(5_000, false), (7_000, false)], &[1_000, 7_000]),
        (&[(5_000, false), (5_000, false)], &[1_000, 5_000]),
        (&[(5_000, false), (3_000, true)], &[1_000, 3_000]),
        (
            &[(5_000, false), (500, true), (2_000, false)],
            &[500, 2_000],
        ),
    ];
    for (resets, wakings) in resets {
        let Some(mut kernel) = Simulated::new() else {
            return;
        };
        let mut timer = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut timer, 1_000);
        for &(deadline, locks) in resets {
            let written = writes_of(|| kernel.reset(&mut timer, deadline));
            assert_eq!(!written.locks.is_empty(), locks, "to {deadline}");
            assert!(locks || written.atomics.len() == 1, "to {deadline}");
        }
        for &waking in wakings {
            assert!(!timer.is_woken(), "at {}", kernel.now);
            assert_eq!(kernel.armed(), Some(waking));
            kernel.wake(0);
        }
        assert!(timer.is_woken());
        assert_eq!(kernel.armed(), None);
    }
}

/// Also one that is put off once more after the driver has moved it, and beside others.
#[test]
fn a_reset_that_is_repeated_is_moved_each_time() {
    if Alarm::EXACT {
        return;
    }
    let Some(mut kernel) = Simulated::new() else {
        return;
    };
    let mut timers = kernel.crowd(100, 0);
    let mut put_off = timers.split_off(10);
    for _ in 0..10 {
        for timer in &mut put_off {
            let later = kernel.now + 2_000_000;
            kernel.reset(timer, later);
        }
        kernel.wake(30);
        assert!(put_off.iter().all(|timer| !timer.is_woken()));
    }
    assert!(timers.iter().all(Timer::is_woken));
    while kernel.armed().is_some() {
        kernel.wake(30);
    }
    assert!(put_off.iter().all(Timer::is_woken));
}

/// Also those that are polled, moved and dropped on another thread than they were made on.
#[test]
fn timers_of_all_shards_are_fired() {
    const SHARDS: u64 = 4;
    if !Alarm::OF_RUNTIME {
        return;
    }
    let workers = usize::try_from(SHARDS).unwrap();
    let mut runtime = Builder::new_multi_thread();
    let mut kernel = Simulated::on(runtime.worker_threads(workers).enable_all());
    // In each round one of each shard.
    let wait = |n: u64| {
        [1_000, 2_000, 3_000, 4_000].map(|round| {
            let mut timer = kernel.timer(nanos(HOUR), |_| ());
            kernel.wait(&mut timer, round + 10 * n);
            timer
        })
    };
    let all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..SHARDS).map(|n| scope.spawn(move || wait(n))).collect();
        let timers = threads.into_iter().map(|thread| thread.join().unwrap());
        timers.collect()
    });
    let shards: BTreeSet<_> = all.iter().map(|[timer, ..]| timer.entry.shard()).collect();
    assert_eq!(shards.len(), workers);

    let (mut timers, mut dropped) = (Vec::new(), Vec::new());
    for [stays, mut polled, goes, mut moved] in all {
        let before = mem::take(&mut polled.woken);
        let deadline = polled.deadline;
        kernel.wait(&mut polled, deadline);
        assert_eq!(Arc::strong_count(&before), 1, "another waker is woken");
        dropped.push(Arc::clone(&goes.woken));
        drop(goes);
        let earlier = moved.deadline - 3_500;
        kernel.reset(&mut moved, earlier);
        timers.extend([stays, polled, moved]);
    }
    for timer in &timers {
        assert!(shards.contains(&timer.entry.shard()));
    }
    while kernel.armed().is_some() {
        kernel.wake(0);
        for timer in &timers {
            let is_due = timer.deadline <= kernel.now;
            assert_eq!(
                timer.is_woken(),
                is_due,
                "{} at {}",
                timer.deadline,
                kernel.now
            );
        }
    }
    assert!(timers.iter().all(Timer::is_woken));
    assert!(dropped.iter().all(|woken| !woken.0.load(Ordering::SeqCst)));
}

proptest! {
    /// It is asked for the first of their latest moments, and wakes all whose deadlines have come.
    #[test]
    fn one_wake_up_serves_all_that_tolerate_it(
        timers in prop::collection::vec((1_u64..1_000, prop_oneof![Just(0), 0_u64..1_000]), 1..20),
    ) {
        let Some(mut kernel) = Simulated::new() else { return Ok(()) };
        let mut waiting: Vec<_> = timers
            .into_iter()
            .map(|(deadline, tolerance)| {
                let set = |aim: &mut Aim| aim.set_tolerance(Duration::from_nanos(tolerance));
                let mut timer = kernel.timer(1_000_000, set);
                kernel.wait(&mut timer, deadline);
                (timer, tolerance)
            })
            .collect();
        while !waiting.is_empty() {
            let latest = waiting.iter().map(|(timer, tolerance)| timer.deadline + tolerance);
            let latest = latest.min().unwrap();
            // Or for a moment that was left armed, if somebody is due then.
            let first = kernel.armed().unwrap();
            prop_assert!(first <= latest);
            kernel.wake_at(first);
            prop_assert!(waiting.iter().any(|(timer, _)| timer.is_woken()), "for nobody");
            for (timer, tolerance) in &waiting {
                prop_assert!(!timer.is_woken() || timer.deadline <= first, "early");
                let due = timer.deadline + tolerance <= first;
                prop_assert!(!due || timer.is_woken(), "late");
            }
            waiting.retain(|(timer, _)| !timer.is_woken());
        }
    }
}
