//! What timers write to: what threads write to nothing that they share go their ways, and no clock shows it
//! reliably. So it is counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::shard::CachePadded;
use super::{Driver, Entry};
use crate::sync::counted::{Written, writes_of};
use crate::sys::Alarm;

const HOUR: Duration = Duration::from_secs(3600);

fn wait(entry: &mut Entry, deadline: Instant, waker: &Waker) {
    let polled = entry.poll_elapsed(&mut Context::from_waker(waker), deadline, HOUR);
    assert!(polled.is_pending());
}

fn waiting(deadline: Instant) -> Entry {
    let mut entry = Entry::current();
    wait(&mut entry, deadline, Waker::noop());
    entry
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What each of two threads with shards of their own writes to while it does that, and both at once. `start`
/// is in an hour, and the first of all timers is then.
fn written_by_two(act: impl Fn(usize, Instant) + Sync) -> [Written; 2] {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let _context = runtime.enter();
    let start = Instant::now() + HOUR;
    let first = waiting(start);
    let driver = Driver::get_or_start(runtime.handle()).unwrap();
    let (are_ready, may_begin) = (Barrier::new(3), Barrier::new(3));
    let thread = |n: usize| {
        let _context = runtime.enter();
        let waits = waiting(start + HOUR);
        are_ready.wait();
        may_begin.wait();
        (waits.shard(), writes_of(|| act(n, start)))
    };
    let (counts, [one, other]) = thread::scope(|scope| {
        let threads = [0, 1].map(|n| scope.spawn(move || thread(n)));
        are_ready.wait();
        let before = Arc::strong_count(&driver);
        may_begin.wait();
        let written = threads.map(|thread| thread.join().unwrap());
        ((before, Arc::strong_count(&driver)), written)
    });
    assert_ne!(one.0, other.0, "each has a shard of its own");
    assert_eq!(counts.0, counts.1, "what holds the driver");
    drop(first);
    [one.1, other.1]
}

/// A timer that comes, is polled in vain, put off and dropped.
fn comes_and_goes(deadline: Instant) {
    let mut entry = waiting(deadline);
    for _ in 0..40 {
        wait(&mut entry, deadline, Waker::noop());
    }
    entry.reset(deadline + HOUR, HOUR);
    wait(&mut entry, deadline + HOUR, Waker::noop());
}

/// As long as none of their timers is the first of all.
#[test]
fn threads_write_to_nothing_that_they_share() {
    // An exact alarm is looked after at each change; and one driver of the process has other threads.
    if Alarm::EXACT || !Alarm::PER_RUNTIME {
        return;
    }
    let written = written_by_two(|_, start| {
        for n in 1..=1000 {
            comes_and_goes(start + Duration::from_millis(n));
        }
    });
    let [one, other] = written.each_ref().map(Written::all);
    assert!(!one.is_empty() && !other.is_empty());
    assert!(one.is_disjoint(&other), "{written:?}");
}

/// This is what the test above would see.
#[test]
fn the_first_of_all_is_told_to_all() {
    if Alarm::EXACT || !Alarm::PER_RUNTIME {
        return;
    }
    let turns = Barrier::new(2);
    let written = written_by_two(|n, start| {
        // One is the first of all, and then the other.
        if n == 1 {
            turns.wait();
        }
        comes_and_goes(start - Duration::from_secs(60) * u32::try_from(n + 1).unwrap());
        if n == 0 {
            turns.wait();
        }
    });
    let shared = &written[0].locks & &written[1].locks;
    assert_eq!(shared.len(), 1, "the lock of the alarms");
    assert!(!written[0].atomics.is_disjoint(&written[1].atomics));
}

/// To write to the neighbour of what another thread writes to is as bad: processors fetch two lines of 64
/// bytes at once.
#[test]
fn what_threads_share_has_no_neighbours() {
    assert!(align_of::<CachePadded<u8>>() >= 128);
    let runtime = current_thread();
    let driver = Driver::get_or_start(runtime.handle()).unwrap();
    let shard = &driver.shards[0];
    let apart = [
        shard.addresses(),
        [
            (&raw const driver.threads_assigned).addr(),
            (&raw const driver.published).addr(),
        ],
        [
            (&raw const driver.state).addr(),
            (&raw const driver.closed).addr(),
        ],
    ];
    let mut apart = apart.as_flattened().to_vec();
    apart.sort_unstable();
    assert!(
        apart.windows(2).all(|pair| pair[1] / 128 > pair[0] / 128),
        "{apart:?}"
    );
}

#[test]
fn a_poll_that_changes_nothing_takes_no_lock() {
    if !Alarm::PER_RUNTIME {
        return;
    }
    let runtime = current_thread();
    let _context = runtime.enter();
    let [count, another] = [(); 2].map(|()| Arc::new(Count::default()));
    let [waker, another_waker] = [&count, &another].map(|count| Waker::from(Arc::clone(count)));
    let deadline = Instant::now() + HOUR;
    let mut entry = Entry::current();
    wait(&mut entry, deadline, &waker);
    assert_eq!(
        Arc::strong_count(&count),
        3,
        "`count`, `waker` and the queue"
    );
    // After any number of them another waker is taken, which takes the lock of the shard.
    for polls in 0..40 {
        for (waker, other) in [(&another_waker, &waker), (&waker, &another_waker)] {
            let written = writes_of(|| wait(&mut entry, deadline, waker));
            assert_eq!(written.locks.len(), 1);
            let written = writes_of(|| {
                for _ in 0..polls {
                    // One that wakes the same task is no other.
                    wait(&mut entry, deadline, &waker.clone());
                }
            });
            assert!(written.all().is_empty(), "{written:?}");
            assert!(!waker.will_wake(other));
        }
        assert_eq!(Arc::strong_count(&count), 3);
        assert_eq!(Arc::strong_count(&another), 2);
    }
}

/// Ready at its first poll, or dropped before it: most timeouts are.
#[test]
fn a_timer_that_never_waits_looks_nothing_up() {
    // A driver that does not outlive its timers is looked up for each.
    if !Alarm::PER_RUNTIME || !Alarm::OUTLIVES_TIMERS {
        return;
    }
    let runtime = current_thread();
    let _context = runtime.enter();
    // The first of a thread makes sure that there is a driver.
    let _first = waiting(Instant::now() + HOUR);
    let written = writes_of(|| {
        for _ in 0..100 {
            let dropped = Entry::current();
            assert!(dropped.place().is_none());
            let mut ready = Entry::current();
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(ready.poll_elapsed(cx, Instant::now(), HOUR).is_ready());
            let has_no_seat = |entry: &Entry| entry.place().is_none_or(|(_, id)| id.is_none());
            assert!(has_no_seat(&ready));
            ready.reset(Instant::now() + HOUR, HOUR);
            assert!(has_no_seat(&ready));
        }
    });
    assert!(written.all().is_empty(), "{written:?}");
    let waits = waiting(Instant::now() + HOUR);
    assert!(
        matches!(waits.place(), Some((_, Some(_)))),
        "as one that waits does"
    );
}
