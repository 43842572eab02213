//! When timers are woken that tolerate lateness, are reset, are dropped, or belong to several shards.

use std::collections::BTreeSet;
use std::mem;
use std::thread;

use super::*;
use crate::sync::recording::record_writes;

/// Rearming takes a system call, and leaving the alarm armed costs one wake-up at most. Where a clock may
/// jump to the alarm, the alarm is rearmed.
#[test]
fn alarm_of_a_dropped_timer_is_left_armed_unless_exact() {
    let Some(kernel) = SimulatedKernel::new() else {
        return;
    };
    let mut timers = [(); 3].map(|()| kernel.timer(1_000_000, |_| ()));
    for (timer, deadline) in timers.iter_mut().zip([5_000, 6_000, 7_000]) {
        kernel.wait(timer, deadline);
        assert_eq!(kernel.armed(), Some(5_000));
    }
    let [first, mut second, third] = timers;
    let expected = |exact| if Alarm::EXACT { exact } else { Some(5_000) };
    drop(first);
    assert_eq!(kernel.armed(), expected(Some(6_000)));
    kernel.wait(&mut second, 8_000);
    assert_eq!(kernel.armed(), expected(Some(7_000)));
    drop(third);
    assert_eq!(kernel.armed(), expected(Some(8_000)));
    drop(second);
    assert_eq!(kernel.armed(), expected(None));
}

/// The driver wakes at the old deadline, fires no timer, and reschedules the timer. An exact alarm would fire
/// at the old deadline, and is rearmed.
#[test]
fn reset_to_later_takes_no_lock_and_fires_only_at_the_new_deadline() {
    /// The new deadline, and whether the reset takes a lock: only a reset to earlier does.
    type Reset = (u64, bool);
    if Alarm::EXACT {
        return;
    }
    // Successive resets, and when the driver wakes.
    let cases: [(&[Reset], &[u64]); 5] = [
        (&[(5_000, false)], &[1_000, 5_000]),
        (&[(5_000, false), (7_000, false)], &[1_000, 7_000]),
        (&[(5_000, false), (5_000, false)], &[1_000, 5_000]),
        (&[(5_000, false), (3_000, true)], &[1_000, 3_000]),
        (
            &[(5_000, false), (500, true), (2_000, false)],
            &[500, 2_000],
        ),
    ];
    for (resets, wakeups) in cases {
        let Some(mut kernel) = SimulatedKernel::new() else {
            return;
        };
        let mut timer = kernel.timer(nanos(HOUR), |_| ());
        kernel.wait(&mut timer, 1_000);
        for &(deadline, takes_lock) in resets {
            let writes = record_writes(|| kernel.reset(&mut timer, deadline));
            assert_eq!(!writes.locks.is_empty(), takes_lock, "to {deadline}");
            assert!(takes_lock || writes.atomics.len() == 1, "to {deadline}");
        }
        for &wakeup in wakeups {
            assert!(!timer.is_woken(), "at {}", kernel.now);
            assert_eq!(kernel.armed(), Some(wakeup));
            kernel.wake(0);
        }
        assert!(timer.is_woken());
        assert_eq!(kernel.armed(), None);
    }
}

/// Each reset comes after the driver has rescheduled the timers. Other timers fire as usual.
#[test]
fn repeated_resets_to_later_fire_only_at_the_last_deadline() {
    if Alarm::EXACT {
        return;
    }
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let mut timers = kernel.staggered_timers(100, 0);
    let mut reset = timers.split_off(10);
    for _ in 0..10 {
        for timer in &mut reset {
            let later = kernel.now + 2_000_000;
            kernel.reset(timer, later);
        }
        kernel.wake(30);
        assert!(reset.iter().all(|timer| !timer.is_woken()));
    }
    assert!(timers.iter().all(Timer::is_woken));
    while kernel.armed().is_some() {
        kernel.wake(30);
    }
    assert!(reset.iter().all(Timer::is_woken));
}

/// Each is dropped long before it is due, and another one with the same length is created at once.
#[test]
fn timeouts_of_one_length_seldom_wake_the_driver() {
    const TIMEOUTS: u64 = 64;
    const GAP: u64 = 100_000;
    /// Each is dropped after a tenth of its length.
    const LENGTH: u64 = 10 * TIMEOUTS * GAP;
    let Some(mut kernel) = SimulatedKernel::new() else {
        return;
    };
    let mut timeouts: Vec<_> = (0..TIMEOUTS)
        .map(|_| kernel.timer(nanos(HOUR), |_| ()))
        .collect();
    let mut wakeups = 0;
    for _ in 0..200 {
        for timeout in &mut timeouts {
            let now = kernel.now + GAP;
            while kernel.armed().is_some_and(|armed| armed <= now) {
                kernel.wake(0);
                wakeups += 1;
            }
            kernel.now = now;
            *timeout = kernel.timer(nanos(HOUR), |_| ());
            kernel.wait(timeout, now + LENGTH);
        }
    }
    assert!(timeouts.iter().all(|timeout| !timeout.is_woken()));
    // About once in each of the 20 lengths that pass.
    let most = if Alarm::EXACT { 0 } else { 40 };
    assert!(wakeups <= most, "{wakeups} wake-ups");
}

/// Also timers that are polled, reset or dropped on another thread than the one that created them.
#[test]
fn timers_of_all_shards_fire() {
    const SHARDS: u64 = 4;
    if !Alarm::PER_RUNTIME {
        return;
    }
    let workers = usize::try_from(SHARDS).unwrap();
    let mut runtime = Builder::new_multi_thread();
    let mut kernel = SimulatedKernel::on(runtime.worker_threads(workers).enable_all());
    // Four timers per shard. The first timers of all shards come before all second ones, and so on.
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
    for [untouched, mut polled, removed, mut reset] in all {
        let before = mem::take(&mut polled.woken);
        let deadline = polled.deadline;
        kernel.wait(&mut polled, deadline);
        assert_eq!(Arc::strong_count(&before), 1, "the new waker replaces it");
        dropped.push(Arc::clone(&removed.woken));
        drop(removed);
        let earlier = reset.deadline - 3_500;
        kernel.reset(&mut reset, earlier);
        timers.extend([untouched, polled, reset]);
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
    /// An alarm fires by the first hard deadline. The wake-up fires every timer whose deadline has passed.
    #[test]
    fn one_wakeup_fires_all_timers_that_tolerate_it(
        timers in prop::collection::vec((1_u64..1_000, prop_oneof![Just(0), 0_u64..1_000]), 1..20),
    ) {
        let Some(mut kernel) = SimulatedKernel::new() else { return Ok(()) };
        let mut waiting: Vec<_> = timers
            .into_iter()
            .map(|(deadline, tolerance)| {
                let configure =
                    |options: &mut TimerOptions| options.set_tolerance(Duration::from_nanos(tolerance));
                let mut timer = kernel.timer(1_000_000, configure);
                kernel.wait(&mut timer, deadline);
                (timer, tolerance)
            })
            .collect();
        while !waiting.is_empty() {
            let hard_deadlines = waiting.iter().map(|(timer, tolerance)| timer.deadline + tolerance);
            let first_hard_deadline = hard_deadlines.min().unwrap();
            // An alarm may have been left armed for earlier, if a timer is due then.
            let armed = kernel.armed().unwrap();
            prop_assert!(armed <= first_hard_deadline);
            kernel.wake_at(armed);
            prop_assert!(waiting.iter().any(|(timer, _)| timer.is_woken()), "spurious");
            for (timer, tolerance) in &waiting {
                prop_assert!(!timer.is_woken() || timer.deadline <= armed, "early");
                let must_fire = timer.deadline + tolerance <= armed;
                prop_assert!(!must_fire || timer.is_woken(), "late");
            }
            waiting.retain(|(timer, _)| !timer.is_woken());
        }
    }
}
