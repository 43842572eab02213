//! `DelayQueue`: values expire at their deadlines, in their order, on one timer.
#![cfg(feature = "delay-queue")]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{
    Count, Watchdog, current_thread, ms, multi_thread, on_every_runtime, panic_of, us,
};
use tokio::task::coop::has_budget_remaining;
use tokio::time::Instant;
use tokio_osinterval::delay_queue::{DelayQueue, Expired, Key};
use tokio_osinterval::{Precision, interval_at};

#[cfg(feature = "test-util")]
mod model;

const HOUR: Duration = Duration::from_secs(3600);

async fn next<T>(queue: &mut DelayQueue<T>) -> Option<Expired<T>> {
    poll_fn(|cx| queue.poll_expired(cx)).await
}

fn poll<T>(queue: &mut DelayQueue<T>, waker: &Waker) -> Poll<Option<Expired<T>>> {
    queue.poll_expired(&mut Context::from_waker(waker))
}

fn counted() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    (count, waker)
}

/// How many hold the waker besides `count` and `waker`.
fn held(count: &Arc<Count>) -> usize {
    Arc::strong_count(count) - 2
}

/// Lets the runtime run until `done`.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

/// All of them, on whatever clock; returns how late the first was.
async fn expire_in_order(mut queue: DelayQueue<u64>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let start = Instant::now();
    let mut expected: Vec<_> = (0..300)
        .map(|value| {
            // Some have the same deadline, and some have passed.
            let away = Duration::from_nanos(random.u64(0..200) * random.u64(1..=100_003));
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
fn no_value_expires_early_or_out_of_order() {
    on_every_runtime("no_value_expires_early_or_out_of_order", || async {
        for seed in 0..5 {
            expire_in_order(DelayQueue::new(), seed).await;
        }
    });
}

#[test]
fn no_value_of_many_queues_expires_early() {
    on_every_runtime("no_value_of_many_queues_expires_early", || async {
        let tasks = (0..20).map(|seed| tokio::spawn(expire_in_order(DelayQueue::new(), seed)));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[test]
fn no_value_expires_early_where_it_spins() {
    on_every_runtime("no_value_expires_early_where_it_spins", || async {
        for limit in [us(5), us(200), HOUR] {
            let queue = DelayQueue::new().with_precision(Precision::Spin);
            expire_in_order(queue.with_spin_limit(limit), 1).await;
        }
    });
}

#[test]
fn no_value_expires_early_that_tolerates_lateness() {
    on_every_runtime("no_value_expires_early_that_tolerates_lateness", || async {
        for tolerance in [us(70), ms(3)] {
            expire_in_order(DelayQueue::new().with_tolerance(tolerance), 2).await;
        }
    });
}

/// As in `never_early`: where there is a native timer, and not tokio's wheel.
#[test]
#[cfg(any(timerfd, kqueue_mach, kqueue_nanos))]
fn a_value_can_be_far_more_precise_than_a_millisecond() {
    let _watchdog = Watchdog::new("a_value_can_be_far_more_precise_than_a_millisecond");
    current_thread().block_on(async {
        let mut queue = DelayQueue::new();
        let start = Instant::now() + ms(1);
        for n in 0..500 {
            queue.insert_at(n, start + us(300) * n);
        }
        let mut least = Duration::MAX;
        while let Some(expired) = next(&mut queue).await {
            least = least.min(expired.deadline().elapsed());
        }
        assert!(least < us(300), "{least:?}");
    });
}

#[test]
fn only_the_latest_waker_of_a_queue_is_woken() {
    on_every_runtime("only_the_latest_waker_of_a_queue_is_woken", || async {
        let ((first, one), (latest, other)) = (counted(), counted());
        let mut queue = DelayQueue::new();
        let key = queue.insert((), HOUR);
        assert!(poll(&mut queue, &one).is_pending());
        assert!(poll(&mut queue, &other).is_pending());
        assert_eq!(held(&first), 0, "the earlier one is let go of");
        queue.reset(&key, ms(1));
        until(|| latest.get() == 1).await;
        assert_eq!(first.get(), 0);
        until(|| held(&latest) == 0).await;
        assert!(poll(&mut queue, &other).is_ready());
    });
}

#[test]
fn an_insertion_before_the_first_wakes_who_waits() {
    on_every_runtime("an_insertion_before_the_first_wakes_who_waits", || async {
        let (count, waker) = counted();
        let mut queue = DelayQueue::new();
        queue.insert("first", HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.insert("later", 2 * HOUR);
        queue.insert("as late", 2 * HOUR);
        assert_eq!((count.get(), held(&count)), (0, 1));
        queue.insert("before", HOUR / 2);
        assert_eq!((count.get(), held(&count)), (1, 0));
        queue.insert("before that", us(100));
        assert_eq!(count.get(), 1, "it has been told");
        let expired = next(&mut queue).await.unwrap();
        assert_eq!(expired.into_inner(), "before that");
    });
}

/// It waits in no driver then.
#[test]
fn an_insertion_wakes_who_found_the_queue_empty() {
    on_every_runtime("an_insertion_wakes_who_found_the_queue_empty", || async {
        let ((first, one), (count, waker)) = (counted(), counted());
        let mut queue = DelayQueue::new();
        assert!(matches!(poll(&mut queue, &one), Poll::Ready(None)));
        assert!(matches!(poll(&mut queue, &waker), Poll::Ready(None)));
        assert_eq!((held(&first), held(&count)), (0, 1));
        queue.insert((), HOUR);
        assert_eq!((first.get(), count.get(), held(&count)), (0, 1, 0));
    });
}

#[test]
fn no_waker_is_kept_after_a_value_has_expired() {
    let _watchdog = Watchdog::new("no_waker_is_kept_after_a_value_has_expired");
    current_thread().block_on(async {
        let (count, waker) = counted();
        let mut queue = DelayQueue::new();
        let key = queue.insert((), HOUR);
        queue.insert((), HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.reset_at(&key, Instant::now());
        until(|| count.get() == 1).await;
        assert!(poll(&mut queue, &waker).is_ready());
        until(|| held(&count) == 0).await;
        // Nor woken for another that is inserted before what is left.
        queue.insert((), us(10));
        sleep_for(ms(2)).await;
        assert_eq!(count.get(), 1);
    });
}

/// By another timer than those that are tested.
async fn sleep_for(time: Duration) {
    let mut interval = interval_at(Instant::now() + time, HOUR);
    interval.tick().await;
}

#[test]
fn a_reset_to_the_past_wakes_who_waits_at_once() {
    on_every_runtime("a_reset_to_the_past_wakes_who_waits_at_once", || async {
        let (count, waker) = counted();
        let mut queue = DelayQueue::new();
        let past = Instant::now();
        queue.insert("other", HOUR);
        let key = queue.insert("reset", HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.reset_at(&key, past);
        until(|| count.get() == 1).await;
        let Poll::Ready(Some(expired)) = poll(&mut queue, &waker) else {
            panic!("it has passed");
        };
        assert_eq!((expired.deadline(), expired.into_inner()), (past, "reset"));
    });
}

#[test]
fn a_reset_to_earlier_is_waited_for() {
    on_every_runtime("a_reset_to_earlier_is_waited_for", || async {
        let (count, waker) = counted();
        let mut queue = DelayQueue::new();
        queue.insert("other", HOUR);
        let key = queue.insert("reset", 2 * HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        queue.reset(&key, ms(5));
        until(|| count.get() == 1).await;
        assert_eq!(next(&mut queue).await.unwrap().key(), key);
    });
}

/// Nor does one whose first value is removed.
#[test]
fn a_queue_whose_first_deadline_is_later_now_does_not_wake_early() {
    let _watchdog = Watchdog::new("a_queue_whose_first_deadline_is_later_now_does_not_wake_early");
    current_thread().block_on(async {
        for removes in [false, true] {
            let (count, waker) = counted();
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
            let woken = count.get();
            assert!(woken == 0 || start.elapsed() >= ms(90), "early");
            until(|| count.get() == 1).await;
            assert!(start.elapsed() >= ms(90));
            assert_eq!(next(&mut queue).await.unwrap().into_inner(), 2);
        }
    });
}

#[test]
fn a_queue_that_becomes_empty_tells_who_waits() {
    on_every_runtime("a_queue_that_becomes_empty_tells_who_waits", || async {
        for clears in [false, true] {
            let (count, waker) = counted();
            let mut queue = DelayQueue::new();
            let keys = [(); 2].map(|()| queue.insert((), HOUR));
            assert!(poll(&mut queue, &waker).is_pending());
            queue.remove(&keys[0]);
            assert_eq!(count.get(), 0);
            if clears {
                queue.clear();
            } else {
                assert!(queue.try_remove(&keys[1]).is_some());
            }
            assert_eq!((count.get(), held(&count)), (1, 0));
            assert!(matches!(poll(&mut queue, &waker), Poll::Ready(None)));
        }
    });
}

#[test]
fn dropping_a_queue_lets_go_of_its_waker() {
    on_every_runtime("dropping_a_queue_lets_go_of_its_waker", || async {
        let (count, waker) = counted();
        for insert in [false, true] {
            let mut queue = DelayQueue::new();
            if insert {
                queue.insert((), HOUR);
            }
            assert_eq!(poll(&mut queue, &waker).is_pending(), insert);
            assert_eq!(held(&count), 1);
            drop(queue);
            assert_eq!((count.get(), held(&count)), (0, 0));
        }
    });
}

/// Each timer of the driver's holds a waker and is woken by its own.
#[test]
fn a_hundred_thousand_values_are_one_timer() {
    let _watchdog = Watchdog::new("a_hundred_thousand_values_are_one_timer");
    current_thread().block_on(async {
        let (count, waker) = counted();
        let mut queue = DelayQueue::new();
        let deadline = Instant::now() + ms(300);
        let keys: Vec<_> = (0..100_000)
            .map(|n| queue.insert_at(n, deadline + Duration::from_nanos(n)))
            .collect();
        if poll(&mut queue, &waker).is_ready() {
            return; // The machine was too busy.
        }
        assert_eq!(held(&count), 1);
        for key in keys.iter().step_by(2) {
            queue.remove(key);
        }
        assert!(held(&count) <= 1, "and is moved, not joined by another");
        until(|| count.get() == 1).await;
        for n in 0..50_000 {
            assert_eq!(next(&mut queue).await.unwrap().into_inner(), 2 * n + 1);
        }
        assert!(next(&mut queue).await.is_none());
        assert_eq!((count.get(), held(&count)), (1, 0));
    });
}

/// One that tolerates everything is woken with another timer, or not for an hour.
#[test]
fn a_queue_that_tolerates_lateness_shares_a_wake_up() {
    let _watchdog = Watchdog::new("a_queue_that_tolerates_lateness_shares_a_wake_up");
    for set_late in [false, true] {
        current_thread().block_on(async {
            let (count, waker) = counted();
            let tolerance = if set_late { Duration::ZERO } else { HOUR };
            let mut queue = DelayQueue::new().with_tolerance(tolerance);
            let deadline = Instant::now() + ms(20);
            queue.insert_at((), deadline);
            if poll(&mut queue, &waker).is_ready() {
                return; // The machine was too busy.
            }
            if set_late {
                queue.set_tolerance(HOUR);
                if count.get() > 0 {
                    return;
                }
            }
            while deadline.elapsed() < ms(5) {
                tokio::task::yield_now().await;
            }
            // An alarm that was set already fires all the same, unless it is exact.
            if !set_late || cfg!(feature = "test-util") {
                assert_eq!(count.get(), 0, "it can wait");
            }
            sleep_for(ms(2)).await;
            until(|| count.get() == 1).await;
            assert!(poll(&mut queue, &waker).is_ready());
        });
    }
}

#[test]
fn what_a_queue_aims_at_is_what_it_was_told() {
    current_thread().block_on(async {
        let mut queue = DelayQueue::new()
            .with_precision(Precision::Spin)
            .with_spin_limit(us(30))
            .with_tolerance(us(40));
        let aims =
            |queue: &DelayQueue<_>| (queue.precision(), queue.spin_limit(), queue.tolerance());
        assert_eq!(aims(&queue), (Precision::Spin, us(30), us(40)));
        queue.insert((), us(100));
        queue.set_precision(Precision::Kernel);
        queue.set_spin_limit(us(50));
        queue.set_tolerance(Duration::MAX);
        assert_eq!(aims(&queue).0, Precision::Kernel);
        assert_eq!(aims(&queue).1, us(50));
        assert_eq!(aims(&queue).2, Duration::from_secs(86_400 * 365 * 30));
    });
}

#[test]
fn values_that_are_due_take_part_in_the_budget() {
    let _watchdog = Watchdog::new("values_that_are_due_take_part_in_the_budget");
    for runtime in [current_thread(), multi_thread(1)] {
        runtime.block_on(async {
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
            assert_eq!(expired.await, 128, "one for each");
            while next(&mut queue).await.is_some() {}
        });
    }
}

#[test]
fn keys_that_are_not_in_the_queue_panic_at_the_caller() {
    current_thread().block_on(async {
        let mut queue = DelayQueue::new();
        let key = queue.insert((), HOUR);
        queue.remove(&key);
        assert!(queue.try_remove(&key).is_none());
        let invalid = Some(("invalid key".to_owned(), file!().to_owned()));
        assert_eq!(panic_of(|| _ = queue.remove(&key)), invalid);
        assert_eq!(panic_of(|| queue.reset(&key, HOUR)), invalid);
        assert_eq!(panic_of(|| queue.reset_at(&key, Instant::now())), invalid);
        assert_eq!(panic_of(|| _ = queue.deadline(&key)), invalid);
    });
}

#[test]
fn without_a_runtime_an_insertion_panics_at_the_caller() {
    let mut queue = DelayQueue::new();
    assert!(matches!(poll(&mut queue, Waker::noop()), Poll::Ready(None)));
    let (message, file) = panic_of(|| _ = queue.insert((), HOUR)).expect("no panic");
    assert!(message.contains("Tokio 1.x runtime"), "{message}");
    assert_eq!(file, file!());
    let (message, file) = panic_of(|| _ = queue.insert_at((), Instant::now())).expect("no panic");
    assert!(message.contains("Tokio 1.x runtime"), "{message}");
    assert_eq!(file, file!());
    assert!(queue.is_empty());
}

#[test]
fn an_empty_queue_may_go_on_in_another_runtime() {
    let _watchdog = Watchdog::new("an_empty_queue_may_go_on_in_another_runtime");
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

/// It may be behind that of the runtime in which the queue was before.
#[test]
#[cfg(feature = "test-util")]
fn a_queue_goes_by_the_clock_of_the_runtime_that_it_is_in() {
    let _watchdog = Watchdog::new("a_queue_goes_by_the_clock_of_the_runtime_that_it_is_in");
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

/// The queue is as it should be, and goes on.
#[test]
fn a_value_whose_drop_panics_harms_no_queue() {
    struct Panics(bool);
    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(!self.0, "its own");
        }
    }
    let _watchdog = Watchdog::new("a_value_whose_drop_panics_harms_no_queue");
    current_thread().block_on(async {
        let (_, waker) = counted();
        let mut queue = DelayQueue::new();
        queue.insert(Panics(true), HOUR);
        queue.insert(Panics(false), HOUR);
        assert!(poll(&mut queue, &waker).is_pending());
        assert_eq!(panic_of(|| queue.clear()).expect("no panic").0, "its own");
        assert!(queue.is_empty() && queue.peek().is_none());
        queue.insert(Panics(false), us(50));
        assert!(next(&mut queue).await.is_some());
        assert!(next(&mut queue).await.is_none());
    });
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn a_queue_that_outlives_its_runtime_panics() {
    let _watchdog = Watchdog::new("a_queue_that_outlives_its_runtime_panics");
    let runtime = current_thread();
    let mut queue = DelayQueue::new();
    {
        let _context = runtime.enter();
        queue.insert((), HOUR);
    }
    drop(runtime);
    let (message, _) = panic_of(|| _ = poll(&mut queue, Waker::noop())).expect("no panic");
    assert_eq!(
        message,
        "A Tokio 1.x context was found, but it is being shutdown."
    );
}

#[test]
fn deadlines_of_any_distance_do_not_overflow() {
    let _watchdog = Watchdog::new("deadlines_of_any_distance_do_not_overflow");
    current_thread().block_on(async {
        let mut queue = DelayQueue::new();
        let now = Instant::now();
        let centuries = Duration::from_secs(86_400 * 365 * 1000);
        let farthest = now.checked_add(centuries).unwrap_or(now + HOUR);
        let never = queue.insert("never", Duration::MAX);
        let far = queue.insert_at("far", farthest);
        let decades = Duration::from_secs(86_400 * 365 * 30);
        assert!(queue.deadline(&never) >= now + decades);
        assert!(queue.deadline(&never) <= Instant::now() + decades);
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
fn a_deadline_before_the_queue_was_made_is_kept() {
    let _watchdog = Watchdog::new("a_deadline_before_the_queue_was_made_is_kept");
    current_thread().block_on(async {
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
fn the_capacity_is_what_was_asked_for() {
    current_thread().block_on(async {
        let mut queue = DelayQueue::with_capacity(10);
        let capacity = queue.capacity();
        assert!(capacity >= 10);
        let keys: Vec<_> = (0..capacity).map(|n| queue.insert(n, HOUR)).collect();
        assert_eq!(queue.capacity(), capacity);
        // What is free between others counts.
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
        let (message, file) = panic_of(|| queue.reserve(usize::MAX)).expect("no panic");
        assert_eq!(message, "max queue capacity exceeded");
        assert_eq!(file, file!());
    });
}

/// Those that were given before and after, to any value that was there.
#[test]
fn keys_survive_a_queue_that_is_compacted() {
    current_thread().block_on(async {
        let mut queue = DelayQueue::new();
        let mut kept = Vec::new();
        let mut gone = Vec::new();
        for round in 0..20_u64 {
            for n in 0..100 {
                let value = round * 100 + n;
                let key = queue.insert(value, HOUR + ms(value));
                assert!(kept.iter().all(|(other, _)| *other != key), "taken");
                gone.retain(|other| *other != key);
                kept.push((key, value));
            }
            for at in (0..kept.len())
                .rev()
                .filter(|at| at % 3 != 0)
                .collect::<Vec<_>>()
            {
                let (key, value) = kept.swap_remove(at);
                assert_eq!(queue.remove(&key).into_inner(), value);
                gone.push(key);
            }
            queue.compact();
            assert_eq!(queue.capacity(), kept.len());
            assert!(gone.iter().all(|key| queue.try_remove(key).is_none()));
        }
        for (key, value) in kept {
            let removed = queue.remove(&key);
            assert_eq!((removed.key(), removed.into_inner()), (key, value));
        }
    });
}

#[test]
#[cfg(feature = "stream")]
fn a_stream_yields_what_expires_and_ends_when_empty() {
    use futures::StreamExt;
    let _watchdog = Watchdog::new("a_stream_yields_what_expires_and_ends_when_empty");
    current_thread().block_on(async {
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

#[test]
fn auto_traits_of_a_queue_are_those_of_tokio_util() {
    fn all<T: Send + Sync + Unpin>() {}
    fn unpin<T: Unpin>() {}
    all::<tokio_util::time::DelayQueue<u32>>();
    all::<DelayQueue<u32>>();
    all::<Expired<u32>>();
    all::<Key>();
    unpin::<tokio_util::time::DelayQueue<std::marker::PhantomPinned>>();
    unpin::<DelayQueue<std::marker::PhantomPinned>>();
}

#[test]
fn debug_shows_the_state_of_a_queue() {
    let shown = format!("{:?}", DelayQueue::<u32>::with_capacity(3));
    for part in [
        "DelayQueue",
        "len: 0",
        "capacity: 3",
        "deadline: None",
        "Kernel",
        "200µs",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}
