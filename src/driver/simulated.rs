//! What a driver does on a kernel whose lateness is known: what it learns from it, and how it groups
//! wake-ups. No real time passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::{Driver, Entry, State};
use crate::precision::{Aim, Precision};
use crate::span::nanos;
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
    _runtime: Runtime,
}

impl Simulated {
    /// `None` where one driver serves the process: other tests would wake it, and teach it.
    fn new() -> Option<Self> {
        if !Alarm::OF_RUNTIME {
            return None;
        }
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let context = runtime.enter();
        let driver = Driver::current();
        drop(context);
        let beginning = driver.now() + 24 * HOUR;
        Some(Self {
            driver,
            beginning,
            now: 0,
            _runtime: runtime,
        })
    }

    fn timer(&self, period: u64, aim: impl FnOnce(&mut Aim)) -> Timer {
        let mut entry = Entry::new(Arc::clone(&self.driver));
        entry.aim(aim);
        Timer {
            entry,
            deadline: 0,
            period,
            woken: Arc::default(),
        }
    }

    /// Has a task wait until that moment.
    fn wait(&self, timer: &mut Timer, deadline: u64) {
        timer.deadline = deadline;
        timer.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&timer.woken));
        let cx = &mut Context::from_waker(&waker);
        let deadline = self.beginning + Duration::from_nanos(deadline);
        let period = Duration::from_nanos(timer.period);
        assert!(timer.entry.poll_elapsed(cx, deadline, period).is_pending());
    }

    /// The moment that the kernel has been asked for.
    fn armed(&self) -> Option<u64> {
        let State::Alive(timers) = &*self.driver.state.lock() else {
            panic!("the driver is dead");
        };
        Some(timers.armed_for()? - self.zero())
    }

    /// The kernel wakes the driver so long after what it was asked for.
    fn wake(&mut self, lateness: u64) {
        let armed = self.armed().expect("somebody waits");
        self.wake_at(self.now.max(armed) + lateness);
    }

    fn wake_at(&mut self, now: u64) {
        self.now = now;
        self.driver.fire_at(self.zero() + now);
    }

    fn zero(&self) -> u64 {
        self.driver.epoch.moment(self.beginning)
    }

    /// How long before its deadline a timer is woken that spins for up to `limit`, and ticks every
    /// `period`.
    fn lead(&mut self, limit: Duration, period: u64) -> u64 {
        assert_eq!(self.armed(), None, "it is the only one");
        let mut timer = self.timer(period, |aim| {
            aim.precision = Precision::Spin;
            aim.set_spin_limit(limit);
        });
        let deadline = self.now + nanos(HOUR);
        self.wait(&mut timer, deadline);
        let armed = self.armed().unwrap();
        drop(timer);
        // The alarm may be left set. A wake-up before its time clears it, and teaches nothing.
        self.wake_at(armed - 1);
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

struct Timer {
    entry: Entry,
    deadline: u64,
    period: u64,
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
            prop_assert!((late * 99 / 100..=late * 11 / 10).contains(&lead), "{lead}, late by {late}");
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
            prop_assert!(lead <= (typical + width) * 12 / 10);
            kernel.learn(10_000_000, [lateness(n)]);
            late += u32::from(lateness(n) > lead);
        }
        prop_assert!(late <= 150, "{late} of 1000");
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
        prop_assert!(together >= 2 * alone, "ten wake-ups took {alone}, and together {together}");
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

/// One that was set for a moment that had passed, or had nearly, says how late it was set.
#[test]
fn an_alarm_that_was_set_late_teaches_nothing() {
    let usual = 30_000;
    let lead = |ahead: u64| {
        let mut kernel = Simulated::new()?;
        for _ in 0..LONG {
            let first = kernel.now + 10_000_000;
            let next = first + usual + ahead;
            let mut timers = [(); 2].map(|()| kernel.timer(10_000_000, |_| ()));
            kernel.wait(&mut timers[0], first);
            kernel.wait(&mut timers[1], next);
            kernel.wake(usual);
            assert_eq!(kernel.armed(), Some(next));
            kernel.wake(5_000_000);
            assert!(timers.iter().all(Timer::is_woken));
        }
        Some(kernel.lead(Duration::MAX, nanos(HOUR)))
    };
    for ahead in [1, 10_000, 20_000] {
        let Some(lead) = lead(ahead) else { return };
        assert!(
            (usual * 99 / 100..=usual * 11 / 10).contains(&lead),
            "{lead}"
        );
    }
    let of_both = lead(20_001).unwrap();
    assert!(of_both > 4_000_000, "{of_both}");
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
    }
    drop(timer);
    kernel.wake_at(kernel.now);
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
            let first = latest.min().unwrap();
            prop_assert_eq!(kernel.armed(), Some(first));
            kernel.wake_at(first);
            for (timer, tolerance) in &waiting {
                prop_assert!(!timer.is_woken() || timer.deadline <= first, "early");
                let due = timer.deadline + tolerance <= first;
                prop_assert!(!due || timer.is_woken(), "late");
            }
            waiting.retain(|(timer, _)| !timer.is_woken());
        }
        prop_assert_eq!(kernel.armed(), None);
    }
}
