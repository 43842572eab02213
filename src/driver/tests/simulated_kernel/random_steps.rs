//! Random steps of timers and of their kernel: a waiting timer always has an alarm.

use super::arming_ahead::with_one;
use super::*;

/// A step of a timer, given by its index, or of the kernel.
#[derive(Debug, Clone)]
enum Step {
    /// A timer waits for its next tick.
    Tick(usize),
    /// A timer waits for a deadline this far in the future.
    Wait(usize, u64),
    /// A waiting timer is reset to a deadline this far in the future.
    Reset(usize, u64),
    Drop(usize),
    /// The kernel wakes the driver this late. If both alarms have expired, the second may come first
    /// (`reversed`), or only one of them may come for now (`one`).
    Wake {
        late: u64,
        reversed: bool,
        one: bool,
    },
    /// An alarm's wake-up comes that is not of its current arming, or too early.
    Spurious {
        second: bool,
        early: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let timer = || 0_usize..5;
    let delay = || prop_oneof![1_u64..50, 1_u64..2_000];
    prop_oneof![
        6 => timer().prop_map(Step::Tick),
        2 => (timer(), delay()).prop_map(|(timer, delay)| Step::Wait(timer, delay)),
        1 => (timer(), delay()).prop_map(|(timer, delay)| Step::Reset(timer, delay)),
        1 => timer().prop_map(Step::Drop),
        6 => (0_u64..300, any::<bool>(), any::<bool>())
            .prop_map(|(late, reversed, one)| Step::Wake { late, reversed, one }),
        1 => any::<(bool, bool)>().prop_map(|(second, early)| Step::Spurious { second, early }),
    ]
}

/// The kernel's view of an alarm.
struct KernelTimer {
    /// When it will expire.
    expires_at: Option<u64>,
    /// How often it was armed.
    arm_count: usize,
    /// True if it has expired, and its wake-up has not come yet.
    is_pending: bool,
}

/// The timers, and the kernel's own view of the alarms.
struct Model {
    kernel: SimulatedKernel,
    alarms: Vec<KernelTimer>,
    timers: Vec<Option<Timer>>,
}

impl Model {
    fn new(kernel: SimulatedKernel) -> Self {
        let alarms = kernel.alarms().into_iter().map(|alarm| KernelTimer {
            expires_at: alarm.armed_for,
            arm_count: alarm.arm_count,
            is_pending: false,
        });
        let alarms = alarms.collect();
        let timers = [100, 100, 150, 400, 1_000].map(|period| Some(kernel.timer(period, |_| ())));
        Self {
            kernel,
            alarms,
            timers: timers.into(),
        }
    }

    fn wait(&mut self, timer: usize, deadline: u64) {
        let kernel = &self.kernel;
        let timer = self.timers[timer].get_or_insert_with(|| kernel.timer(100, |_| ()));
        kernel.wait(timer, deadline);
    }

    fn step(&mut self, step: &Step) {
        let now = self.kernel.now;
        match *step {
            Step::Tick(n) => {
                let Some(timer) = &self.timers[n] else { return };
                if timer.is_waiting {
                    return;
                }
                let mut deadline = timer.deadline + timer.period;
                while deadline <= now {
                    deadline += timer.period;
                }
                self.wait(n, deadline);
            }
            Step::Wait(n, delay) => self.wait(n, now + delay),
            Step::Reset(n, delay) => {
                let Some(timer) = &mut self.timers[n] else {
                    return;
                };
                if timer.is_waiting {
                    timer.deadline = now + delay;
                    let deadline = self.kernel.start + Duration::from_nanos(now + delay);
                    timer.entry.reset(deadline, HOUR);
                }
            }
            Step::Drop(n) => self.timers[n] = None,
            Step::Wake {
                late,
                reversed,
                one,
            } => self.wake(late, reversed, one),
            Step::Spurious { second, early } => {
                let alarm = usize::from(second && self.alarms.len() > 1);
                if early {
                    self.alarms[alarm].expires_at = None;
                }
                self.wake_by(alarm);
            }
        }
        self.check();
    }

    fn wake(&mut self, late: u64, reversed: bool, one: bool) {
        let next = self.alarms.iter().filter_map(|alarm| alarm.expires_at);
        if let Some(next) = next.min() {
            self.kernel.now = self.kernel.now.max(next) + late;
        }
        let now = self.kernel.now;
        for alarm in &mut self.alarms {
            if alarm.expires_at.is_some_and(|expires_at| expires_at <= now) {
                alarm.expires_at = None;
                alarm.is_pending = true;
            }
        }
        let mut pending: Vec<_> = (0..self.alarms.len())
            .filter(|n| self.alarms[*n].is_pending)
            .collect();
        if reversed {
            pending.reverse();
        }
        if one {
            pending.truncate(1);
        }
        for alarm in pending {
            self.wake_by(alarm);
        }
    }

    fn wake_by(&mut self, alarm: usize) {
        self.alarms[alarm].is_pending = false;
        let alarm = self.kernel.alarms()[alarm].id;
        self.kernel.wake_by(alarm, self.kernel.now);
        self.check();
    }

    /// Checks that no timer is woken early, and that each waiting timer has an alarm.
    fn check(&mut self) {
        for (alarm, seen) in self.kernel.alarms().iter().zip(&mut self.alarms) {
            if alarm.arm_count != seen.arm_count {
                // Arming replaces the previous arming, and clears a pending wake-up.
                *seen = KernelTimer {
                    expires_at: alarm.armed_for,
                    arm_count: alarm.arm_count,
                    is_pending: false,
                };
            }
        }
        let now = self.kernel.now;
        let is_pending = self.alarms.iter().any(|alarm| alarm.is_pending);
        let next = self.alarms.iter().filter_map(|alarm| alarm.expires_at);
        let next = next.min();
        for timer in self.timers.iter_mut().flatten() {
            if timer.is_waiting && timer.is_woken() {
                assert!(timer.deadline <= now, "early");
                timer.is_waiting = false;
            }
            if timer.is_waiting && !is_pending {
                let deadline = timer.deadline;
                let is_armed = next.is_some_and(|next| next <= deadline.max(now));
                assert!(is_armed, "no alarm for {deadline} at {now}: {next:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..few_cases() })]

    #[test]
    fn waiting_timer_always_has_an_alarm(
        steps in prop::collection::vec(step(), 1..60),
        refused in any::<bool>(),
    ) {
        let kernel = if refused { with_one() } else { SimulatedKernel::new() };
        let Some(kernel) = kernel else { return Ok(()) };
        let mut model = Model::new(kernel);
        for step in &steps {
            model.step(step);
        }
        // In the end all timers fire.
        for _ in 0..100 {
            model.step(&Step::Wake { late: 10, reversed: false, one: false });
        }
        prop_assert!(model.timers.iter().flatten().all(|timer| !timer.is_waiting));
    }
}
