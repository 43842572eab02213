//! Which timers share wake-ups because they are dense, and for how long.

use super::*;

/// The most slack that coalescing adds to the kernel's own lateness.
const MAX_SLACK: u64 = 200_000;

proptest! {
    #![proptest_config(few_cases())]

    /// The timers are so dense that each is due soon after the wake-up for the one before.
    #[test]
    fn dense_timers_coalesce_until_they_are_sparse(
        late in 20_000_u64..90_000,
        percent in 110_u64..130,
        are_dropped in any::<bool>(),
    ) {
        let Some(mut kernel) = SimulatedKernel::new() else { return Ok(()) };
        kernel.learn(10_000_000, [late; 300]);
        let mut timers = kernel.staggered_timers(64, late * percent / 100);
        let mut ten_wakeups = |timers: &mut [Timer]| {
            let before = kernel.now;
            let lateness = kernel.tick(timers, late, 10);
            (kernel.now - before, lateness)
        };

        ten_wakeups(&mut timers);
        let (alone, lateness) = ten_wakeups(&mut timers);
        prop_assert_eq!(lateness, [late; 10], "one timer per wake-up");
        for _ in 0..20 {
            let (_, lateness) = ten_wakeups(&mut timers);
            prop_assert!(lateness.iter().all(|lateness| *lateness <= late + MAX_SLACK));
        }
        let (coalesced, lateness) = ten_wakeups(&mut timers);
        if Alarm::EXACT {
            // Timers do not coalesce under a clock that can be paused.
            prop_assert_eq!(lateness, [late; 10]);
            return Ok(());
        }
        let expected = (2 * alone).min(10 * MAX_SLACK * 95 / 100);
        prop_assert!(coalesced >= expected, "ten wake-ups took {alone}, and coalesced {coalesced}");
        prop_assert!(lateness.iter().all(|lateness| *lateness > late), "coalesced");

        if are_dropped {
            timers.truncate(10);
        } else {
            for (n, timer) in (1..).zip(&mut timers) {
                timer.period = 64_000_000;
                kernel.wait(timer, kernel.now + n * 1_000_000);
            }
        }
        // Waits that have begun keep their slack.
        kernel.tick(&mut timers, late, 100);
        prop_assert_eq!(kernel.tick(&mut timers, late, 10), [late; 10], "one timer per wake-up");
    }
}

/// Even if no other wake-up follows.
#[test]
fn coalescing_ends_when_the_timers_are_dropped() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    kernel.learn(10_000_000, (0..MANY).map(|_| 30_000));
    let mut timers = kernel.staggered_timers(64, 33_000);
    kernel.tick(&mut timers, 30_000, 200);
    drop(timers);
    kernel.clear_alarms();
    let mut sleep = kernel.timer(nanos(HOUR), |_| ());
    kernel.wait(&mut sleep, kernel.now + 1_000_000);
    assert_eq!(kernel.armed(), Some(sleep.deadline), "armed without slack");
}

/// However many other timers have distant deadlines.
#[test]
fn lone_sleep_does_not_coalesce() {
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    kernel.learn(10_000_000, (0..MANY).map(|_| 30_000));
    let _distant: Vec<_> = (0..32)
        .map(|n| {
            let mut distant = kernel.timer(nanos(HOUR), |_| ());
            kernel.wait(&mut distant, nanos(HOUR) + n);
            distant
        })
        .collect();
    for _ in 0..100 {
        let mut sleep = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut sleep, kernel.now + 1_000);
        assert_eq!(kernel.armed(), Some(sleep.deadline), "armed without slack");
        kernel.wake(30_000);
        assert!(sleep.is_woken());
    }
}
