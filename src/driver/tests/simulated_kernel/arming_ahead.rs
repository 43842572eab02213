//! Two alarms, one of which is armed ahead: what that costs, and that no timer is missed.

use std::slice;

use super::*;

/// Returns a kernel with two alarms, where the backend has two.
fn with_two() -> Option<SimulatedKernel> {
    SimulatedKernel::new().filter(|kernel| kernel.alarms().len() == 2)
}

/// Returns a kernel that has refused the second alarm.
pub(super) fn with_one() -> Option<SimulatedKernel> {
    let kernel = SimulatedKernel::new()?;
    if let Status::Open(wakeups) = &mut *kernel.driver.status.0.lock() {
        wakeups.alarms().drop_second();
    }
    Some(kernel)
}

impl SimulatedKernel {
    /// Returns the times that alarms are armed for, in order, relative to `start`.
    fn armed_after(&self, start: u64) -> Vec<u64> {
        let alarms = self.alarms().into_iter();
        let mut armed: Vec<_> = alarms.filter_map(|alarm| alarm.armed_for).collect();
        armed.sort_unstable();
        armed
            .iter()
            .map(|armed| armed.saturating_sub(start))
            .collect()
    }

    /// Returns how often an alarm was armed.
    fn arm_count(&self) -> usize {
        self.alarms().into_iter().map(|alarm| alarm.arm_count).sum()
    }

    /// Returns a lone waiting timer of that period, after a few ticks.
    fn ticking_timer(&mut self, period: u64) -> Timer {
        let mut timer = self.timer(period, |_| ());
        self.wait(&mut timer, self.now + period);
        self.tick(slice::from_mut(&mut timer), 30, 3);
        timer
    }
}

#[test]
fn lone_interval_is_armed_ahead() {
    let Some(mut kernel) = with_two() else { return };
    let mut timer = kernel.ticking_timer(1_000);
    for _ in 0..10 {
        assert_eq!(kernel.armed_after(timer.deadline), [0, 1_000]);
        let before = kernel.arm_count();
        kernel.tick(slice::from_mut(&mut timer), 30, 1);
        assert_eq!(kernel.arm_count(), before + 1);
    }
}

/// The steps of a rate differ by a nanosecond.
#[test]
fn rate_is_armed_ahead() {
    let Some(mut kernel) = with_two() else { return };
    let mut timer = kernel.ticking_timer(1_001);
    for k in 0..10 {
        let step = 1_000 + u64::from(k % 3 == 0);
        let next = timer.deadline + step;
        kernel.wake(30);
        timer.period = 1_000 + u64::from((k + 1) % 3 == 0);
        let before = kernel.arm_count();
        kernel.wait(&mut timer, next);
        if k > 0 {
            assert_eq!(kernel.arm_count(), before + 1);
            let expected = [0, timer.period];
            assert_eq!(kernel.armed_after(timer.deadline), expected);
        }
    }
}

#[test]
fn lone_sleep_arms_once() {
    let Some(mut kernel) = with_two() else { return };
    for _ in 0..10 {
        let before = kernel.arm_count();
        let mut sleep = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut sleep, kernel.now + 1_000);
        // A timeout that is dropped before its deadline.
        let mut timeout = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut timeout, kernel.now + 5_000);
        drop(timeout);
        kernel.wake(30);
        assert!(sleep.is_woken());
        assert_eq!(kernel.arm_count(), before + 1);
        assert_eq!(kernel.armed(), None);
    }
}

#[test]
fn sleeps_beside_a_distant_timer_arm_once_each() {
    let Some(mut kernel) = with_two() else { return };
    let mut distant = kernel.timer(nanos(HOUR), |_| ());
    kernel.wait(&mut distant, nanos(HOUR));
    let before = kernel.arm_count();
    for _ in 0..10 {
        let mut sleep = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut sleep, kernel.now + 1_000);
        kernel.wake(30);
        assert!(sleep.is_woken());
    }
    assert_eq!(kernel.arm_count(), before + 10);
}

/// Its next deadline is not one period after the last, so an alarm armed ahead would fire for no timer.
#[test]
fn interval_reset_after_each_tick_is_not_armed_ahead() {
    let Some(mut kernel) = with_two() else { return };
    let mut timer = kernel.ticking_timer(1_000);
    kernel.wake(30);
    assert!(timer.is_woken());
    kernel.clear_alarms();
    for _ in 0..10 {
        let before = kernel.arm_count();
        kernel.wait(&mut timer, kernel.now + 1_000);
        kernel.wake(30);
        assert!(timer.is_woken());
        assert_eq!((kernel.arm_count(), kernel.armed()), (before + 1, None));
    }
}

#[test]
fn earlier_timer_takes_the_alarm_armed_ahead() {
    let Some(mut kernel) = with_two() else { return };
    let mut timer = kernel.ticking_timer(1_000);
    let mut earlier = kernel.timer(nanos(HOUR), |_| ());
    kernel.wait(&mut earlier, timer.deadline - 10);
    assert_eq!(kernel.armed_after(earlier.deadline), [0, 10]);
    // The wake-up of the replaced arming may be on its way, and is not early.
    let mut replaced: Vec<_> = kernel.alarms();
    replaced.retain(|alarm| alarm.replaced);
    assert!(matches!(&replaced[..], [alarm] if alarm.armed_for == Some(earlier.deadline)));
    // A timer after the first, and before what was armed ahead, arms nothing now.
    let mut between = kernel.timer(nanos(HOUR), |_| ());
    let before = kernel.arm_count();
    kernel.wait(&mut between, timer.deadline + 500);
    assert_eq!(kernel.arm_count(), before);
    kernel.wake(1);
    assert!(earlier.is_woken() && !timer.is_woken());
    assert_eq!(kernel.armed(), Some(timer.deadline));
    kernel.tick(slice::from_mut(&mut timer), 1, 1);
    assert_eq!(kernel.armed(), Some(between.deadline));
    kernel.wake(1);
    assert!(between.is_woken() && !timer.is_woken());
    assert_eq!(kernel.armed(), Some(timer.deadline));
}

#[test]
fn timers_before_the_alarm_armed_ahead_can_be_dropped() {
    let Some(mut kernel) = with_two() else { return };
    let mut timers = kernel.staggered_timers(3, 1_000);
    kernel.tick(&mut timers, 30, 9);
    let ahead = kernel.armed_after(0)[1];
    let mut last = timers.remove(2);
    drop(timers);
    let mut wakeups = 0;
    while !last.is_woken() {
        kernel.wake(30);
        wakeups += 1;
    }
    assert!(wakeups <= 2, "{wakeups}");
    assert!(kernel.now <= ahead.max(last.deadline) + 30);
    kernel.wait(&mut last, kernel.now + 1_000);
    kernel.wake(30);
    assert!(last.is_woken());
}

#[test]
fn two_expired_alarms_wake_in_either_order() {
    for reversed in [false, true] {
        let Some(mut kernel) = with_two() else { return };
        let mut timer = kernel.ticking_timer(1_000);
        kernel.now = timer.deadline + 1_500;
        let mut both: Vec<_> = kernel.alarms().iter().map(|alarm| alarm.id).collect();
        if reversed {
            both.reverse();
        }
        for alarm in both {
            kernel.wake_by(alarm, kernel.now);
        }
        assert!(timer.is_woken());
        assert_eq!(kernel.armed(), None);
        let next = timer.deadline + 2_000;
        kernel.wait(&mut timer, next);
        assert_eq!(kernel.armed(), Some(timer.deadline));
        kernel.tick(slice::from_mut(&mut timer), 30, 1);
        assert_eq!(kernel.armed(), Some(timer.deadline));
    }
}

/// The period changes at a tick, or while the timer waits.
#[test]
fn changed_period_corrects_the_alarm_armed_ahead() {
    for (period, while_waiting) in [(700, false), (700, true), (1_600, false), (1_600, true)] {
        let Some(mut kernel) = with_two() else { return };
        let mut timer = kernel.ticking_timer(1_000);
        timer.period = period;
        if while_waiting {
            timer.deadline = timer.deadline - 1_000 + period;
            let deadline = kernel.start + Duration::from_nanos(timer.deadline);
            timer.entry.reset(deadline, Duration::from_nanos(period));
        }
        let timers = &mut [timer];
        let lateness = kernel.tick(timers, 30, 10);
        assert!(lateness.iter().all(|late| *late <= 30), "{lateness:?}");
        // At most one wake-up for no timer per alarm that was armed.
        let spurious = lateness.iter().filter(|late| **late == 0).count();
        assert!(spurious <= 2, "{lateness:?}");
        assert_eq!(kernel.armed_after(timers[0].deadline), [0, period]);
    }
}

/// A wake-up that was on its way when its alarm was rearmed says nothing about the new arming, or about the
/// other alarm.
#[test]
fn wakeup_of_a_replaced_arming_loses_no_timer() {
    for alarm in [AlarmId::First, AlarmId::Second] {
        let Some(mut kernel) = with_two() else { return };
        let timer = kernel.ticking_timer(1_000);
        kernel.wake_by(alarm, kernel.now);
        assert_eq!(kernel.armed(), Some(timer.deadline));
        kernel.wake(30);
        assert!(timer.is_woken());
    }
}

/// The lead changes with each wake-up. An alarm that is armed ahead is not rearmed for it.
#[test]
fn spinning_interval_is_armed_ahead_on_a_noisy_machine() {
    let Some(mut kernel) = with_two() else { return };
    let mut timer = kernel.timer(1_000_000, |options| {
        options.set_precision(Precision::Spin);
    });
    kernel.wait(&mut timer, 1_000_000);
    let late = |n: u64| 20_000 + n * 7919 % 30_000;
    let mut tick = |n| {
        kernel.wake(late(n));
        if timer.is_woken() {
            kernel.now = kernel.now.max(timer.deadline);
            let next = timer.deadline + 1_000_000;
            kernel.wait(&mut timer, next);
        }
        kernel.arm_count()
    };
    let before = (0..MANY).map(&mut tick).max().unwrap();
    let after = (MANY..MANY + 1_000).map(tick).max().unwrap();
    assert!(after - before <= 1_100, "{} for 1000 ticks", after - before);
}

/// There is one wake-up per tolerance, and none for no timer.
#[test]
fn wakeups_of_tolerant_timers_stay_a_tolerance_apart() {
    for gap in [10_000, 100_000, 300_000] {
        let Some(mut kernel) = with_two() else { return };
        let tolerance = 1_000_000;
        let count = 10_000_000 / gap;
        let mut timers: Vec<_> = (0..count)
            .map(|n| {
                let configure = |options: &mut TimerOptions| {
                    options.set_tolerance(Duration::from_nanos(tolerance));
                };
                let mut timer = kernel.timer(10_000_000, configure);
                kernel.wait(&mut timer, 1_000_000 + n * gap);
                timer
            })
            .collect();
        kernel.tick(&mut timers, 30_000, 50);
        let (started, arm_count) = (kernel.now, kernel.arm_count());
        let lateness = kernel.tick(&mut timers, 30_000, 100);
        assert!(lateness.iter().all(|late| *late <= tolerance + 30_000));
        let per_wakeup = (kernel.now - started) / 100;
        assert!(
            per_wakeup >= tolerance * 95 / 100,
            "deadlines {gap} apart: a wake-up every {per_wakeup}"
        );
        let arm_count = kernel.arm_count() - arm_count;
        assert!(
            arm_count <= 110,
            "deadlines {gap} apart: armed {arm_count} times"
        );
    }
}

/// Returns how often alarms are armed in 200 wake-ups, for timers of these periods, starts and tolerances.
fn arm_count_of(
    kernel: Option<SimulatedKernel>,
    timers: &[(u64, u64, u64)],
    late: u64,
) -> Option<usize> {
    let mut kernel = kernel?;
    let timers = timers.iter().map(|&(period, start, tolerance)| {
        let tolerance = Duration::from_nanos(tolerance * 50_000);
        let mut timer = kernel.timer(period * 100_000, |options| {
            options.set_tolerance(tolerance);
        });
        kernel.wait(&mut timer, start * 100_000);
        timer
    });
    let mut timers: Vec<_> = timers.collect();
    kernel.tick(&mut timers, late, 50);
    let before = kernel.arm_count();
    kernel.tick(&mut timers, late, 200);
    Some(kernel.arm_count() - before)
}

/// An alarm armed ahead for these timers would often fire for none: every third wake-up armed twice.
#[test]
fn wrong_guess_holds_off_arming_ahead() {
    let timers = [(6, 15, 0), (3, 4, 1), (3, 3, 2)];
    let Some(arm_count) = arm_count_of(with_two(), &timers, 0) else {
        return;
    };
    assert!(arm_count <= 225, "armed {arm_count} times");
}

proptest! {
    #![proptest_config(few_cases())]

    /// A wake-up arms once, or as often as with one alarm: that one is armed for the first timer, and again
    /// for a timer that comes before it. Arming ahead is in vain in few wake-ups.
    #[test]
    fn each_wakeup_arms_once(
        timers in prop::collection::vec((1_u64..20, 1_u64..20, 0_u64..3), 1..8),
        late in 0_u64..30_000,
    ) {
        let arm_count = |kernel| arm_count_of(kernel, &timers, late);
        let Some(two) = arm_count(with_two()) else { return Ok(()) };
        let one = arm_count(with_one()).unwrap();
        prop_assert!(two <= one.max(200) * 9 / 8 + 10, "armed {two} times, with one alarm {one}");
    }
}
