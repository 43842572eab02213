//! Tests under loom: no wake-up is lost, no waker is woken under a lock, and nothing outlives the driver.
//!
//! loom runs each test once for each order in which the steps of two threads and the reactor can fall, up to
//! a bound on preemptions. A lost wake-up becomes a deadlock, which fails the test. The driver's code is the
//! shipped code. The kernel is a model (`sys::model`).

use std::future::poll_fn;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use crate::driver::queue::Window;
use crate::driver::shard::Closed;
use crate::driver::{Driver, Entry, registry};
use crate::sync::Arc;
use crate::sys::model::kernel;

/// The bound on preemptions if `LOOM_MAX_PREEMPTIONS` is not set. A test then takes seconds. Every fault that
/// was put in by hand was found with two.
const PREEMPTIONS: usize = 3;

/// The body of one of a test's threads.
type ThreadBody = Box<dyn FnOnce() + Send>;

/// Runs the threads beside each other and beside the reactor, in every order. Then shuts the runtime down.
fn in_every_order(threads: impl Fn() -> Vec<ThreadBody> + Sync + Send + 'static) {
    // Two workers: each thread has a shard of its own.
    let workers = Builder::new_multi_thread().worker_threads(2).build();
    let runtime = workers.unwrap();
    // loom's threads are not the system's. All of them are in this context.
    let _context = runtime.enter();
    let mut checker = loom::model::Builder::new();
    checker.preemption_bound = checker.preemption_bound.or(Some(PREEMPTIONS));
    checker.max_branches = 100_000;
    checker.check(move || {
        let reactor = thread::spawn(|| kernel().run());
        let threads: Vec<_> = threads()
            .into_iter()
            .map(|body| thread::spawn(body))
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        kernel().shut_down();
        kernel().stop();
        reactor.join().unwrap();
        assert_eq!(kernel().timers(), 0, "the driver's alarms are dropped");
    });
}

fn poll(entry: &mut Entry, waker: &Waker, deadline: Instant) -> Poll<Instant> {
    entry.poll_elapsed(&mut Context::from_waker(waker), deadline, Duration::MAX)
}

/// Sleeps until the timestamp on the kernel's clock.
fn wait(entry: &mut Entry, timestamp: u64) {
    let deadline = kernel().at(timestamp);
    let passed = block_on(poll_fn(|cx| {
        entry.poll_elapsed(cx, deadline, Duration::MAX)
    }));
    assert!(passed >= deadline, "early");
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct CountingWaker(AtomicUsize);

impl CountingWaker {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn both_timers_fire() {
    in_every_order(|| {
        let thread =
            |timestamp| -> ThreadBody { Box::new(move || wait(&mut Entry::current(), timestamp)) };
        vec![thread(20), thread(10)]
    });
}

#[test]
fn two_threads_share_one_driver() {
    in_every_order(|| {
        let found = Arc::new(loom::sync::Mutex::new(None));
        let thread = || -> ThreadBody {
            let found = Arc::clone(&found);
            Box::new(move || {
                let driver = Driver::get_or_start(&Handle::current()).unwrap();
                let mine = Arc::as_ptr(&driver) as usize;
                wait(&mut Entry::current(), 10);
                let others = found.lock().unwrap().replace(mine);
                assert!(others.is_none_or(|others| others == mine));
            })
        };
        vec![thread(), thread()]
    });
}

#[test]
fn timer_fires_while_another_is_dropped() {
    in_every_order(|| {
        let drops: ThreadBody = Box::new(|| {
            let (counter, mut entry) = (Arc::new(CountingWaker::default()), Entry::current());
            let waker = Waker::from(Arc::clone(&counter));
            let polled = poll(&mut entry, &waker, kernel().at(10));
            drop(entry);
            assert!(polled.is_pending() || counter.count() == 0);
            let count = counter.count();
            assert!(count <= 1);
        });
        vec![drops, Box::new(|| wait(&mut Entry::current(), 20))]
    });
}

/// The queue may still have the deadline of the dropped timer.
#[test]
fn timer_in_a_vacant_slot_fires_at_its_own_deadline() {
    in_every_order(|| {
        let thread = |dropped, own| -> ThreadBody {
            Box::new(move || {
                let mut entry = Entry::current();
                let _ = poll(&mut entry, Waker::noop(), kernel().at(dropped));
                drop(entry);
                wait(&mut Entry::current(), own);
            })
        };
        vec![thread(10, 20), thread(20, 10)]
    });
}

/// A thread frees a slot of the other's shard while the other takes one there.
#[test]
fn timer_fires_while_another_thread_drops_one_of_its_shard() {
    in_every_order(|| {
        let slot = Arc::new(loom::sync::Mutex::new(None));
        let place = Arc::clone(&slot);
        let waits: ThreadBody = Box::new(move || {
            let mut entry = Entry::current();
            let _ = poll(&mut entry, Waker::noop(), kernel().at(10));
            *slot.lock().unwrap() = Some(entry);
            wait(&mut Entry::current(), 20);
        });
        let drops: ThreadBody = Box::new(move || {
            let received = place.lock().unwrap().take();
            drop(received);
        });
        vec![waits, drops]
    });
}

#[test]
fn reset_timer_fires_at_its_new_deadline() {
    in_every_order(|| {
        let resets = |to: u64| -> ThreadBody {
            Box::new(move || {
                let mut entry = Entry::current();
                let none = Waker::noop();
                if poll(&mut entry, none, kernel().at(10)).is_pending() {
                    entry.reset(kernel().at(to), Duration::MAX);
                    wait(&mut entry, to);
                }
            })
        };
        vec![resets(5), resets(30)]
    });
}

/// A waker that a thread can wait for.
struct NotifyingWaker(loom::sync::Notify);

impl Wake for NotifyingWaker {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// The same task goes on waiting, with the same waker, so only the state tells whether the timer has fired.
#[test]
fn reset_to_later_during_expiry_fires_at_the_new_deadline() {
    in_every_order(|| {
        let thread: ThreadBody = Box::new(|| {
            let mut entry = Entry::current();
            let notifying = Arc::new(NotifyingWaker(loom::sync::Notify::new()));
            // Its clones equal it, unlike those of `block_on`'s waker.
            let waker = Waker::from(Arc::clone(&notifying));
            if poll(&mut entry, &waker, kernel().at(10)).is_pending() {
                entry.reset(kernel().at(30), Duration::MAX);
            }
            let passed = loop {
                match poll(&mut entry, &waker, kernel().at(30)) {
                    Poll::Ready(passed) => break passed,
                    Poll::Pending => notifying.0.wait(),
                }
            };
            assert!(passed >= kernel().at(30), "early");
        });
        vec![thread]
    });
}

/// A timer stays in the shard in which it first waited, on whichever thread it is polled.
#[test]
fn timer_moved_to_another_thread_fires() {
    in_every_order(|| {
        let slot = Arc::new(loom::sync::Mutex::new(None));
        let place = Arc::clone(&slot);
        let sends: ThreadBody = Box::new(move || {
            let mut entry = Entry::current();
            let _ = poll(&mut entry, Waker::noop(), kernel().at(10));
            *slot.lock().unwrap() = Some(entry);
        });
        let receives: ThreadBody = Box::new(move || {
            wait(&mut Entry::current(), 5);
            let received = place.lock().unwrap().take();
            // It may not have been sent yet.
            if let Some(mut entry) = received {
                entry.reset(kernel().at(15), Duration::MAX);
                wait(&mut entry, 15);
            }
        });
        vec![sends, receives]
    });
}

#[test]
fn fired_timer_leaves_no_waker_in_the_driver() {
    in_every_order(|| {
        let thread = |timestamp| -> ThreadBody {
            Box::new(move || {
                let (counter, mut entry) = (Arc::new(CountingWaker::default()), Entry::current());
                let waker = Waker::from(Arc::clone(&counter));
                let deadline = kernel().at(timestamp);
                if poll(&mut entry, &waker, deadline).is_pending() {
                    // Replaces the waker with another.
                    wait(&mut entry, timestamp);
                }
                drop(waker);
                let kept = Arc::strong_count(&counter) - 1;
                // The reactor may hold one that it is about to wake. The driver holds none.
                assert!(kept <= 1);
            })
        };
        vec![thread(10), thread(10)]
    });
}

/// A waker that uses the driver when it is woken and when it is dropped. Under one of the driver's locks that
/// is a deadlock.
struct ReentrantWaker(loom::sync::Mutex<Entry>);

impl ReentrantWaker {
    fn waker() -> Waker {
        let mut entry = Entry::current();
        // So that its drop removes it from the queue.
        let _ = poll(&mut entry, Waker::noop(), kernel().at(1_000));
        Waker::from(Arc::new(Self(loom::sync::Mutex::new(entry))))
    }
}

impl Wake for ReentrantWaker {
    fn wake(self: Arc<Self>) {
        let poll = || {
            poll(
                &mut self.0.lock().unwrap(),
                Waker::noop(),
                kernel().at(1_000),
            )
        };
        // Panics if the runtime has shut down.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll));
    }
}

#[test]
fn wakers_are_woken_and_dropped_outside_the_locks() {
    in_every_order(|| {
        let thread = || -> ThreadBody {
            Box::new(|| {
                let (waker, mut entry) = (ReentrantWaker::waker(), Entry::current());
                let _ = poll(&mut entry, &waker, kernel().at(10));
                drop(waker);
                // Replaces the waker, or finds the deadline passed and the waker still there.
                let _ = poll(&mut entry, Waker::noop(), kernel().at(10));
                wait(&mut entry, 10);
                let _ = poll(&mut entry, &ReentrantWaker::waker(), kernel().at(20));
                drop(entry);
            })
        };
        vec![thread(), thread()]
    });
}

/// Calls `wait`, which may panic because the runtime has shut down, as tokio's own timers do.
fn expect_shutdown(wait: impl FnOnce() + std::panic::UnwindSafe) {
    if let Err(panic) = std::panic::catch_unwind(wait) {
        assert_eq!(
            panic.downcast_ref::<String>().map(String::as_str),
            Some("shut down")
        );
    }
}

#[test]
fn shutdown_wakes_a_waiting_timer() {
    in_every_order(|| {
        let waits: ThreadBody = Box::new(|| expect_shutdown(|| wait(&mut Entry::current(), 10)));
        vec![waits, Box::new(|| kernel().shut_down())]
    });
}

/// The period of [`tick`].
const PERIOD: u64 = 10;

/// Waits for `ticks` ticks of an interval. From the second on it is likely to wait again, and an alarm is
/// armed ahead.
fn tick(ticks: u64) {
    let (mut entry, period) = (Entry::current(), Duration::from_nanos(PERIOD));
    for n in 1..=ticks {
        let deadline = kernel().at(n * PERIOD);
        let passed = block_on(poll_fn(|cx| entry.poll_elapsed(cx, deadline, period)));
        assert!(passed >= deadline, "early");
    }
}

#[test]
fn timer_due_before_the_alarm_armed_ahead_fires() {
    in_every_order(|| {
        vec![
            Box::new(|| tick(2)),
            Box::new(|| wait(&mut Entry::current(), PERIOD * 5 / 2)),
        ]
    });
}

#[test]
fn shutdown_between_two_alarms_wakes_a_waiting_timer() {
    in_every_order(|| {
        let ticks: ThreadBody = Box::new(|| expect_shutdown(|| tick(2)));
        vec![ticks, Box::new(|| kernel().shut_down())]
    });
}

/// Inserts a timer into a driver's queue and removes it. Returns an error in place of a panic: both threads
/// might panic at the same time.
fn insert_and_remove() -> Result<(), Closed> {
    let block = registry::block(&Handle::current());
    let mut block = block.map_err(|_refused| Closed)?;
    let (mut slot, now) = (None, Some(block.driver.now()));
    let window = Window::new(10, 0);
    let result = Driver::insert(&mut block, &mut slot, window, 0, now, Waker::noop().clone());
    if let Some(slot) = slot {
        Driver::remove(&block, slot);
    }
    result
}

#[test]
fn refused_arming_is_an_error_and_the_next_driver_works() {
    in_every_order(|| {
        let thread = || -> ThreadBody {
            Box::new(|| {
                kernel().refuse_once();
                // There are two refusals, and a driver that one of them closes may serve both threads.
                let refused = (0..3).take_while(|_| insert_and_remove().is_err()).count();
                assert!(refused < 3, "the registry returned a closed driver");
            })
        };
        vec![thread(), thread()]
    });
}
