//! Tests of which memory timers write to.
//!
//! Threads that write to no shared memory do not slow each other down. No clock shows that reliably, so the
//! tests record each write.

use std::sync::{Arc, Barrier};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::counting_waker::CountingWaker;
use crate::driver::shard::CachePadded;
use crate::driver::{Driver, Entry};
use crate::sync::recording::{Writes, record_writes};
use crate::sys::Alarm;

const HOUR: Duration = Duration::from_secs(3600);

fn poll_pending(entry: &mut Entry, deadline: Instant, waker: &Waker) {
    let polled = entry.poll_elapsed(&mut Context::from_waker(waker), deadline, HOUR);
    assert!(polled.is_pending());
}

fn waiting_entry(deadline: Instant) -> Entry {
    let mut entry = Entry::current();
    poll_pending(&mut entry, deadline, Waker::noop());
    entry
}

fn current_thread_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Calls `act` on two threads at once, each with a shard of its own. Returns what each writes to meanwhile.
///
/// `act` gets the number of the thread, and the deadline of the first of all timers, which is in an hour.
fn writes_of_two_threads(act: impl Fn(usize, Instant) + Sync) -> [Writes; 2] {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let _context = runtime.enter();
    let first_deadline = Instant::now() + HOUR;
    let first = waiting_entry(first_deadline);
    let driver = Driver::get_or_start(runtime.handle()).unwrap();
    let (are_ready, may_start) = (Barrier::new(3), Barrier::new(3));
    let thread = |n: usize| {
        let _context = runtime.enter();
        let entry = waiting_entry(first_deadline + HOUR);
        are_ready.wait();
        may_start.wait();
        (entry.shard(), record_writes(|| act(n, first_deadline)))
    };
    let (counts, [one, other]) = thread::scope(|scope| {
        let threads = [0, 1].map(|n| scope.spawn(move || thread(n)));
        are_ready.wait();
        let before = Arc::strong_count(&driver);
        may_start.wait();
        let results = threads.map(|thread| thread.join().unwrap());
        ((before, Arc::strong_count(&driver)), results)
    });
    assert_ne!(one.0, other.0, "each thread has its own shard");
    assert_eq!(counts.0, counts.1, "references to the driver");
    drop(first);
    [one.1, other.1]
}

/// Inserts a timer, polls it while it waits, resets it to later and drops it.
fn use_timer(deadline: Instant) {
    let mut entry = waiting_entry(deadline);
    for _ in 0..40 {
        poll_pending(&mut entry, deadline, Waker::noop());
    }
    entry.reset(deadline + HOUR, HOUR);
    poll_pending(&mut entry, deadline + HOUR, Waker::noop());
}

/// None of their timers is the first of all.
#[test]
fn threads_write_to_no_shared_memory() {
    // Each change rearms an exact alarm; and the one driver of a process serves other threads, too.
    if Alarm::EXACT || !Alarm::PER_RUNTIME {
        return;
    }
    let writes = writes_of_two_threads(|_, first_deadline| {
        for n in 1..=1000 {
            use_timer(first_deadline + Duration::from_millis(n));
        }
    });
    let [one, other] = writes.each_ref().map(Writes::all);
    assert!(!one.is_empty() && !other.is_empty());
    assert!(one.is_disjoint(&other), "{writes:?}");
}

/// The test above would see such writes.
#[test]
fn first_timer_of_all_writes_to_shared_memory() {
    if Alarm::EXACT || !Alarm::PER_RUNTIME {
        return;
    }
    let turn = Barrier::new(2);
    let writes = writes_of_two_threads(|n, first_deadline| {
        // The timer of one thread comes first, and then that of the other.
        if n == 1 {
            turn.wait();
        }
        use_timer(first_deadline - Duration::from_secs(60) * u32::try_from(n + 1).unwrap());
        if n == 0 {
            turn.wait();
        }
    });
    let shared = &writes[0].locks & &writes[1].locks;
    assert_eq!(shared.len(), 1, "the driver's lock");
    assert!(!writes[0].atomics.is_disjoint(&writes[1].atomics));
}

/// A write to a neighbour costs as much: processors fetch two lines of 64 bytes at once.
#[test]
fn shared_fields_have_their_own_cache_lines() {
    assert!(align_of::<CachePadded<u8>>() >= 128);
    let runtime = current_thread_runtime();
    let driver = Driver::get_or_start(runtime.handle()).unwrap();
    let shard = &driver.shards[0];
    let addresses = [
        shard.addresses(),
        [
            (&raw const driver.assignments).addr(),
            (&raw const driver.published).addr(),
        ],
        [
            (&raw const driver.status).addr(),
            (&raw const driver.closed).addr(),
        ],
    ];
    let mut addresses = addresses.as_flattened().to_vec();
    addresses.sort_unstable();
    assert!(
        addresses
            .windows(2)
            .all(|pair| pair[1] / 128 > pair[0] / 128),
        "{addresses:?}"
    );
}

#[test]
fn unchanged_poll_takes_no_lock() {
    if !Alarm::PER_RUNTIME {
        return;
    }
    let runtime = current_thread_runtime();
    let _context = runtime.enter();
    let [counter, another] = [(); 2].map(|()| Arc::new(CountingWaker::default()));
    let [waker, another_waker] = [&counter, &another].map(|count| Waker::from(Arc::clone(count)));
    let deadline = Instant::now() + HOUR;
    let mut entry = Entry::current();
    poll_pending(&mut entry, deadline, &waker);
    assert_eq!(
        Arc::strong_count(&counter),
        3,
        "`counter`, `waker` and the queue"
    );
    // After any number of polls, a poll with another waker takes the shard's lock.
    for polls in 0..40 {
        for (waker, other) in [(&another_waker, &waker), (&waker, &another_waker)] {
            let writes = record_writes(|| poll_pending(&mut entry, deadline, waker));
            assert_eq!(writes.locks.len(), 1);
            let writes = record_writes(|| {
                for _ in 0..polls {
                    // A clone that wakes the same task is not another waker.
                    poll_pending(&mut entry, deadline, &waker.clone());
                }
            });
            assert!(writes.all().is_empty(), "{writes:?}");
            assert!(!waker.will_wake(other));
        }
        assert_eq!(Arc::strong_count(&counter), 3);
        assert_eq!(Arc::strong_count(&another), 2);
    }
}

/// Most timeouts do not wait: they are ready at their first poll, or dropped before it.
#[test]
fn timer_that_never_waits_looks_up_no_driver() {
    // A driver that does not outlive its timers is looked up for each.
    if !Alarm::PER_RUNTIME || !Alarm::OUTLIVES_TIMERS {
        return;
    }
    let runtime = current_thread_runtime();
    let _context = runtime.enter();
    // The first timer of a thread makes sure that there is a driver.
    let _first = waiting_entry(Instant::now() + HOUR);
    let writes = record_writes(|| {
        for _ in 0..100 {
            let dropped = Entry::current();
            assert!(dropped.block_and_slot().is_none());
            let mut ready = Entry::current();
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(ready.poll_elapsed(cx, Instant::now(), HOUR).is_ready());
            let has_no_slot = |entry: &Entry| {
                entry
                    .block_and_slot()
                    .is_none_or(|(_, slot)| slot.is_none())
            };
            assert!(has_no_slot(&ready));
            ready.reset(Instant::now() + HOUR, HOUR);
            assert!(has_no_slot(&ready));
        }
    });
    assert!(writes.all().is_empty(), "{writes:?}");
    let waiting = waiting_entry(Instant::now() + HOUR);
    assert!(
        matches!(waiting.block_and_slot(), Some((_, Some(_)))),
        "a waiting timer has a slot"
    );
}
