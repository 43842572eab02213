//! The values of a `DelayQueue` expire at their deadlines, in order, on one timer.
#![cfg(feature = "delay-queue")]

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{
    CountingWaker, HOUR, NO_RUNTIME, THIRTY_YEARS, Watchdog, assert_panics_here, current_thread,
    ms, multi_thread, on_current_thread, on_every_runtime, on_runtimes, panic_message_here, us,
    yield_until,
};
use tokio::task::coop::has_budget_remaining;
use tokio::time::Instant;
use tokio_osinterval::delay_queue::{DelayQueue, Expired};
use tokio_osinterval::{Precision, interval_at};

#[cfg(feature = "test-util")]
mod model;

async fn next<T>(queue: &mut DelayQueue<T>) -> Option<Expired<T>> {
    poll_fn(|cx| queue.poll_expired(cx)).await
}

fn poll<T>(queue: &mut DelayQueue<T>, waker: &Waker) -> Poll<Option<Expired<T>>> {
    queue.poll_expired(&mut Context::from_waker(waker))
}

/// Waits with another kind of timer than those under test.
async fn sleep_for(time: Duration) {
    let mut interval = interval_at(Instant::now() + time, HOUR);
    interval.tick().await;
}

/// Inserts random values, and checks that they expire in order and never early.
async fn check_expirations(mut queue: DelayQueue<u64>, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let start = Instant::now();
    let mut expected: Vec<_> = (0..300)
        .map(|value| {
            // Some deadlines are equal.
            let away = Duration::from_nanos(rng.u64(0..200) * rng.u64(1..=100_003));
            (start + away, value)
        })
        .collect();
    for (deadline, value) in &expected {
        queue.insert_at(*value, *deadline);
    }
    expected.sort();
    let mut expired = Vec::new();
    while let Some(value) = next(&mut queue).await {
        assert!(Instant::now() >= value.deadline(), "early");
        expired.push((value.deadline(), value.into_inner()));
    }
    assert_eq!(expired, expected);
}

#[test]
fn no_value_is_early_or_out_of_order() {
    on_every_runtime(async || {
        for seed in 0..5 {
            check_expirations(DelayQueue::new(), seed).await;
        }
    });
}

#[test]
fn no_value_of_many_queues_is_early() {
    on_every_runtime(async || {
        let tasks = (0..20).map(|seed| tokio::spawn(check_expirations(DelayQueue::new(), seed)));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[test]
fn no_value_of_a_spinning_queue_is_early() {
    on_every_runtime(async || {
        for limit in [us(5), us(200), HOUR] {
            let queue = DelayQueue::new().with_precision(Precision::Spin);
            check_expirations(queue.with_spin_limit(limit), 1).await;
        }
    });
}

#[test]
fn no_value_of_a_queue_with_a_tolerance_is_early() {
    on_every_runtime(async || {
        for tolerance in [us(70), ms(3)] {
            check_expirations(DelayQueue::new().with_tolerance(tolerance), 2).await;
        }
    });
}

/// The clock of the new runtime may be behind that of the runtime in which the queue was before.
#[test]
#[cfg(feature = "test-util")]
fn queue_follows_the_clock_of_its_current_runtime() {
    let _watchdog = Watchdog::new();
    let mut queue = DelayQueue::new();
    current_thread().block_on(async {
        tokio::time::pause();
        queue.insert((), HOUR);
        tokio::time::advance(HOUR).await;
        assert!(next(&mut queue).await.is_some());
    });
    current_thread().block_on(async {
        let deadline = Instant::now() + ms(5);
        queue.insert_at((), deadline);
        assert!(next(&mut queue).await.is_some());
        assert!(Instant::now() >= deadline, "early");
    });
}

#[test]
fn queue_wakes_only_its_latest_waker() {
    on_every_runtime(async || {
        let (first, latest) = (CountingWaker::new(), CountingWaker::new());
        let mut queue = DelayQueue::new();
        let key = queue.insert((), HOUR);
        assert!(poll(&mut queue, &first).is_pending());
        assert!(poll(&mut queue, &latest).is_pending());
        assert_eq!(first.clones(), 0, "the first waker was dropped");
        queue.reset(&key, ms(1));
        yield_until(|| latest.wakes() == 1).await;
        assert_eq!(first.wakes(), 0);
        yield_until(|| latest.clones() == 0).await;
        assert!(poll(&mut queue, &latest).is_ready());
    });
}

#[test]
fn new_first_value_wakes_a_waiting_task() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        let mut queue = DelayQueue::new();
        queue.insert("first", HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.insert("later", 2 * HOUR);
        queue.insert("as late", 2 * HOUR);
        assert_eq!((waker.wakes(), waker.clones()), (0, 1));
        queue.insert("before", HOUR / 2);
        assert_eq!((waker.wakes(), waker.clones()), (1, 0));
        queue.insert("before that", us(100));
        assert_eq!(waker.wakes(), 1, "the task is already woken");
        let expired = next(&mut queue).await.unwrap();
        assert_eq!(expired.into_inner(), "before that");
    });
}

/// An empty queue keeps the waker, although it waits in no driver.
#[test]
fn insertion_into_an_empty_queue_wakes_a_waiting_task() {
    on_every_runtime(async || {
        let (first, latest) = (CountingWaker::new(), CountingWaker::new());
        let mut queue = DelayQueue::new();
        assert!(matches!(poll(&mut queue, &first), Poll::Ready(None)));
        assert!(matches!(poll(&mut queue, &latest), Poll::Ready(None)));
        assert_eq!((first.clones(), latest.clones()), (0, 1));
        queue.insert((), HOUR);
        assert_eq!(first.wakes(), 0);
        assert_eq!((latest.wakes(), latest.clones()), (1, 0));
    });
}

#[test]
fn queue_keeps_no_waker_after_an_expiration() {
    on_current_thread(async {
        let waker = CountingWaker::new();
        let mut queue = DelayQueue::new();
        let key = queue.insert((), HOUR);
        queue.insert((), HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.reset_at(&key, Instant::now());
        yield_until(|| waker.wakes() == 1).await;
        assert!(poll(&mut queue, &waker).is_ready());
        yield_until(|| waker.clones() == 0).await;
        // A new first value wakes no task, since none waits.
        queue.insert((), us(10));
        sleep_for(ms(2)).await;
        assert_eq!(waker.wakes(), 1);
    });
}

#[test]
fn reset_of_a_value_to_the_past_wakes_a_waiting_task() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        let mut queue = DelayQueue::new();
        let past = Instant::now();
        queue.insert("other", HOUR);
        let key = queue.insert("reset", HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.reset_at(&key, past);
        yield_until(|| waker.wakes() == 1).await;
        let Poll::Ready(Some(expired)) = poll(&mut queue, &waker) else {
            panic!("the value has not expired");
        };
        assert_eq!((expired.deadline(), expired.into_inner()), (past, "reset"));
    });
}

#[test]
fn reset_of_a_value_to_earlier_wakes_a_waiting_task() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        let mut queue = DelayQueue::new();
        queue.insert("other", HOUR);
        let key = queue.insert("reset", 2 * HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.reset(&key, ms(5));
        yield_until(|| waker.wakes() == 1).await;
        assert_eq!(next(&mut queue).await.unwrap().key(), key);
    });
}

#[test]
fn queue_does_not_wake_for_a_first_value_that_was_reset_or_removed() {
    on_current_thread(async {
        for removes in [false, true] {
            let waker = CountingWaker::new();
            let mut queue = DelayQueue::new();
            let start = Instant::now();
            let first = queue.insert_at(1, start + ms(30));
            queue.insert_at(2, start + ms(90));
            if poll(&mut queue, &waker).is_ready() {
                continue; // The machine was too busy.
            }
            if removes {
                queue.remove(&first);
            } else {
                queue.reset_at(&first, start + ms(120));
            }
            sleep_for(ms(60).saturating_sub(start.elapsed())).await;
            let woken = waker.wakes() > 0;
            assert!(!woken || start.elapsed() >= ms(90), "early");
            yield_until(|| waker.wakes() == 1).await;
            assert!(start.elapsed() >= ms(90));
            assert_eq!(next(&mut queue).await.unwrap().into_inner(), 2);
        }
    });
}

#[test]
fn queue_that_becomes_empty_wakes_a_waiting_task() {
    on_every_runtime(async || {
        for clears in [false, true] {
            let waker = CountingWaker::new();
            let mut queue = DelayQueue::new();
            let keys = [(); 2].map(|()| queue.insert((), HOUR));
            assert!(poll(&mut queue, &waker).is_pending());
            queue.remove(&keys[0]);
            assert_eq!(waker.wakes(), 0);
            if clears {
                queue.clear();
            } else {
                assert!(queue.try_remove(&keys[1]).is_some());
            }
            assert_eq!((waker.wakes(), waker.clones()), (1, 0));
            assert!(matches!(poll(&mut queue, &waker), Poll::Ready(None)));
        }
    });
}

#[test]
fn dropped_queue_drops_its_waker() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        for insert in [false, true] {
            let mut queue = DelayQueue::new();
            if insert {
                queue.insert((), HOUR);
            }
            assert_eq!(poll(&mut queue, &waker).is_pending(), insert);
            assert_eq!(waker.clones(), 1);
            drop(queue);
            assert_eq!((waker.wakes(), waker.clones()), (0, 0));
        }
    });
}

/// Each timer of a driver holds a clone of the waker.
#[test]
fn hundred_thousand_values_share_one_timer() {
    on_current_thread(async {
        let waker = CountingWaker::new();
        let mut queue = DelayQueue::new();
        let deadline = Instant::now() + ms(300);
        let keys: Vec<_> = (0..100_000)
            .map(|n| queue.insert_at(n, deadline + Duration::from_nanos(n)))
            .collect();
        if poll(&mut queue, &waker).is_ready() {
            return; // The machine was too busy.
        }
        assert_eq!(waker.clones(), 1);
        for key in keys.iter().step_by(2) {
            queue.remove(key);
        }
        assert!(
            waker.clones() <= 1,
            "the timer is reset, not joined by another"
        );
        yield_until(|| waker.wakes() == 1).await;
        for n in 0..50_000 {
            assert_eq!(next(&mut queue).await.unwrap().into_inner(), 2 * n + 1);
        }
        assert!(next(&mut queue).await.is_none());
        assert_eq!((waker.wakes(), waker.clones()), (1, 0));
    });
}

/// A queue that tolerates an hour wakes together with another timer.
#[test]
fn queue_with_a_tolerance_shares_a_wake_up() {
    let _watchdog = Watchdog::new();
    for set_late in [false, true] {
        current_thread().block_on(async {
            let waker = CountingWaker::new();
            let tolerance = if set_late { Duration::ZERO } else { HOUR };
            let mut queue = DelayQueue::new().with_tolerance(tolerance);
            let deadline = Instant::now() + ms(20);
            queue.insert_at((), deadline);
            if poll(&mut queue, &waker).is_ready() {
                return; // The machine was too busy.
            }
            if set_late {
                queue.set_tolerance(HOUR);
                if waker.wakes() > 0 {
                    return;
                }
            }
            while deadline.elapsed() < ms(5) {
                tokio::task::yield_now().await;
            }
            // An alarm that was armed for the old tolerance still fires, unless it is exact. Where one driver
            // serves the process, the queue shares the wake-ups of other tests.
            let is_armed_as_set = !set_late || cfg!(feature = "test-util");
            if is_armed_as_set && !cfg!(process_wide_driver) {
                assert_eq!(waker.wakes(), 0, "no need to wake yet");
            }
            sleep_for(ms(2)).await;
            yield_until(|| waker.wakes() == 1).await;
            assert!(poll(&mut queue, &waker).is_ready());
        });
    }
}

#[test]
fn queue_returns_the_options_that_were_set() {
    on_current_thread(async {
        let mut queue = DelayQueue::new()
            .with_precision(Precision::Spin)
            .with_spin_limit(us(30))
            .with_tolerance(us(40));
        let options =
            |queue: &DelayQueue<_>| (queue.precision(), queue.spin_limit(), queue.tolerance());
        assert_eq!(options(&queue), (Precision::Spin, us(30), us(40)));
        queue.insert((), us(100));
        queue.set_precision(Precision::Kernel);
        queue.set_spin_limit(us(50));
        queue.set_tolerance(Duration::MAX);
        assert_eq!(options(&queue), (Precision::Kernel, us(50), THIRTY_YEARS));
    });
}

#[test]
fn due_value_consumes_budget() {
    on_runtimes([current_thread(), multi_thread(1)], async || {
        let mut queue = DelayQueue::new();
        let now = Instant::now();
        for n in 0..1000 {
            queue.insert_at(n, now);
        }
        tokio::task::yield_now().await;
        let expired = poll_fn(|cx| {
            let mut expired = 0;
            while queue.poll_expired(cx).is_ready() {
                expired += 1;
            }
            assert!(!has_budget_remaining());
            Poll::Ready(expired)
        });
        assert_eq!(expired.await, 128, "one unit for each");
        while next(&mut queue).await.is_some() {}
    });
}

#[test]
fn invalid_key_panics_at_the_caller() {
    on_current_thread(async {
        let mut queue = DelayQueue::new();
        let key = queue.insert((), HOUR);
        queue.remove(&key);
        assert!(queue.try_remove(&key).is_none());
        assert_eq!(panic_message_here(|| _ = queue.remove(&key)), "invalid key");
        assert_eq!(
            panic_message_here(|| queue.reset(&key, HOUR)),
            "invalid key"
        );
        let past = Instant::now();
        assert_eq!(
            panic_message_here(|| queue.reset_at(&key, past)),
            "invalid key"
        );
        assert_eq!(
            panic_message_here(|| _ = queue.deadline(&key)),
            "invalid key"
        );
    });
}

#[test]
fn insertion_without_a_runtime_panics_at_the_caller() {
    let mut queue = DelayQueue::new();
    assert!(matches!(poll(&mut queue, Waker::noop()), Poll::Ready(None)));
    assert_panics_here(NO_RUNTIME, || _ = queue.insert((), HOUR));
    assert_panics_here(NO_RUNTIME, || _ = queue.insert_at((), Instant::now()));
    assert!(queue.is_empty());
}

#[test]
fn empty_queue_may_move_to_another_runtime() {
    let _watchdog = Watchdog::new();
    let mut queue = DelayQueue::new();
    for _ in 0..3 {
        current_thread().block_on(async {
            let removed = queue.insert("removed", HOUR);
            queue.insert("expires", us(100));
            assert_eq!(next(&mut queue).await.unwrap().into_inner(), "expires");
            queue.remove(&removed);
        });
    }
}

#[test]
fn farthest_deadlines_do_not_overflow() {
    on_current_thread(async {
        let mut queue = DelayQueue::new();
        let now = Instant::now();
        let millennium = Duration::from_secs(86_400 * 365 * 1000);
        let farthest = now.checked_add(millennium).unwrap_or(now + HOUR);
        let never = queue.insert("never", Duration::MAX);
        let far = queue.insert_at("far", farthest);
        assert!(queue.deadline(&never) >= now + THIRTY_YEARS);
        assert!(queue.deadline(&never) <= Instant::now() + THIRTY_YEARS);
        assert!(queue.deadline(&far) > now);
        assert!(poll(&mut queue, Waker::noop()).is_pending());
        queue.reset(&far, Duration::MAX);
        queue.reset_at(&never, farthest);
        assert!(poll(&mut queue, Waker::noop()).is_pending());
        assert_eq!(queue.peek(), Some(far));
        queue.insert("soon", us(100));
        assert_eq!(next(&mut queue).await.unwrap().into_inner(), "soon");
        assert_eq!(queue.len(), 2);
    });
}

#[test]
fn deadline_before_the_creation_of_the_queue_is_kept() {
    on_current_thread(async {
        let past = Instant::now();
        std::thread::sleep(ms(2));
        let mut queue = DelayQueue::new();
        queue.insert_at("second", past + ms(1));
        let key = queue.insert_at("first", past);
        assert_eq!(queue.deadline(&key), past);
        let expired = next(&mut queue).await.unwrap();
        assert_eq!((expired.deadline(), expired.into_inner()), (past, "first"));
    });
}

#[test]
fn queue_has_the_requested_capacity() {
    on_current_thread(async {
        let mut queue = DelayQueue::with_capacity(10);
        let capacity = queue.capacity();
        assert!(capacity >= 10);
        let keys: Vec<_> = (0..capacity).map(|n| queue.insert(n, HOUR)).collect();
        assert_eq!(queue.capacity(), capacity);
        // A free slot between used ones counts.
        queue.remove(&keys[3]);
        queue.remove(&keys[5]);
        queue.reserve(2);
        queue.insert(3, HOUR);
        queue.insert(5, HOUR);
        assert_eq!(queue.capacity(), capacity);
        queue.reserve(5);
        assert!(queue.capacity() >= capacity + 5);
        let capacity = queue.capacity();
        queue.clear();
        assert_eq!((queue.len(), queue.capacity()), (0, capacity));
        queue.reserve(capacity);
        assert_eq!(queue.capacity(), capacity);
        queue.shrink_to_fit();
        assert_eq!(queue.capacity(), 0);
        let message = panic_message_here(|| queue.reserve(usize::MAX));
        assert_eq!(message, "max queue capacity exceeded");
    });
}

/// Each key keeps its value, and a stale key finds none.
#[test]
fn keys_survive_a_compact() {
    on_current_thread(async {
        let mut queue = DelayQueue::new();
        let mut valid = Vec::new();
        let mut stale = Vec::new();
        for round in 0..20_u64 {
            for n in 0..100 {
                let value = round * 100 + n;
                let key = queue.insert(value, HOUR + ms(value));
                assert!(valid.iter().all(|(other, _)| *other != key), "key in use");
                stale.retain(|other| *other != key);
                valid.push((key, value));
            }
            for at in (0..valid.len())
                .rev()
                .filter(|at| at % 3 != 0)
                .collect::<Vec<_>>()
            {
                let (key, value) = valid.swap_remove(at);
                assert_eq!(queue.remove(&key).into_inner(), value);
                stale.push(key);
            }
            queue.compact();
            assert_eq!(queue.capacity(), valid.len());
            assert!(stale.iter().all(|key| queue.try_remove(key).is_none()));
        }
        for (key, value) in valid {
            let removed = queue.remove(&key);
            assert_eq!((removed.key(), removed.into_inner()), (key, value));
        }
    });
}

#[test]
#[cfg(feature = "stream")]
fn stream_of_values_ends_when_the_queue_is_empty() {
    use futures::StreamExt;
    on_current_thread(async {
        let mut queue = DelayQueue::default();
        let start = Instant::now();
        queue.insert_at(2, start + us(200));
        queue.insert_at(1, start + us(100));
        let values = queue.by_ref().map(Expired::into_inner);
        assert_eq!(values.collect::<Vec<_>>().await, [1, 2]);
        queue.insert(3, us(100));
        assert_eq!(queue.next().await.unwrap().into_inner(), 3);
    });
}
