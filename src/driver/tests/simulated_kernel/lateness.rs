//! How late the kernel is, as the driver learns it, and how early it wakes spinning timers for that.

use super::*;

proptest! {
    #![proptest_config(few_cases())]

    #[test]
    fn lead_converges_to_the_kernels_lateness(
        lateness in prop::collection::vec(4_000_u64..5_000_000, 1..4),
    ) {
        let Some(mut kernel) = SimulatedKernel::new() else { return Ok(()) };
        for late in lateness {
            kernel.learn(10_000_000, (0..MANY).map(|_| late));
            let lead = kernel.lead(Duration::MAX, nanos(HOUR));
            prop_assert!((late * 99 / 100..=late * 13 / 10).contains(&lead), "{lead}, late by {late}");
        }
    }

    #[test]
    fn lead_exceeds_the_lateness_of_nearly_every_wakeup(
        typical in 4_000_u64..1_000_000,
        spread in 10_u64..100,
    ) {
        let Some(mut kernel) = SimulatedKernel::new() else { return Ok(()) };
        let width = typical * spread / 100;
        let lateness = |n: u64| typical + (n * 7919) % width;
        kernel.learn(10_000_000, (0..MANY).map(lateness));
        let mut late = 0;
        for n in MANY..MANY + 1000 {
            let lead = kernel.lead(Duration::MAX, nanos(HOUR));
            prop_assert!(lead <= (typical + width) * 14 / 10);
            kernel.learn(10_000_000, [lateness(n)]);
            late += u32::from(lateness(n) > lead);
        }
        prop_assert!(late <= 30, "{late} of 1000");
    }

    #[test]
    fn lead_is_at_most_the_spin_limit_and_half_the_period(
        late in 50_000_u64..2_000_000,
        limit in 0_u64..4_000_000,
        period in 1_u64..8_000_000,
    ) {
        let Some(mut kernel) = SimulatedKernel::new() else { return Ok(()) };
        kernel.learn(10_000_000, (0..MANY).map(|_| late));
        let unlimited = kernel.lead(Duration::MAX, nanos(HOUR));
        prop_assert!(unlimited >= late * 99 / 100);
        let limited = kernel.lead(Duration::from_nanos(limit), nanos(HOUR));
        prop_assert_eq!(limited, unlimited.min(limit));
        prop_assert_eq!(kernel.lead(Duration::MAX, period), unlimited.min(period / 2));
        prop_assert_eq!(kernel.lead(Duration::MAX, nanos(HOUR)), unlimited, "unchanged");
    }
}

/// An alarm may be armed for a deadline in the past, by a reset. Its lateness says how late it was armed.
#[test]
fn alarm_armed_late_is_not_a_lateness_sample() {
    let typical = 30_000;
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    for _ in 0..MANY {
        let mut timer = kernel.timer(10_000_000, |_| ());
        kernel.wait(&mut timer, kernel.now + 10_000_000);
        kernel.wake(typical);
        assert!(timer.is_woken());
        kernel.wait(&mut timer, kernel.now + 10_000_000);
        let passed = kernel.start + Duration::from_nanos(kernel.now + 1_000_000);
        timer.entry.reset(passed, HOUR);
        kernel.wake(5_000_000);
        assert!(timer.is_woken());
        kernel.clear_alarms();
    }
    let lead = kernel.lead(Duration::MAX, nanos(HOUR));
    assert!(
        (typical * 99 / 100..=typical * 13 / 10).contains(&lead),
        "{lead}"
    );
}

/// Both alarms expire while the runtime is busy, and are late for the same reason.
#[test]
fn one_stall_is_one_lateness_sample() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    kernel.learn(10_000_000, (0..MANY).map(|_| 30_000));
    let before = kernel.lead(Duration::MAX, nanos(HOUR));
    let mut timers = kernel.staggered_timers(2, 1_000_000);
    kernel.tick(&mut timers, 30_000, 10);
    kernel.wake(20_000_000);
    drop(timers);
    kernel.clear_alarms();
    let lead = kernel.lead(Duration::MAX, nanos(HOUR));
    assert!(lead <= before * 11 / 10, "{before} before, {lead} after");
}

#[test]
fn early_wakeup_fires_no_timer_and_is_not_a_lateness_sample() {
    let Some(mut kernel) = SimulatedKernel::new() else {
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
        kernel.clear_alarms();
    }
    assert_eq!(kernel.lead(Duration::MAX, nanos(HOUR)), before);
}
