//! Whatever two threads and the reactor do with a driver, in every order: nobody sleeps on, nobody is
//! woken under the lock, nothing is used after it is gone.
//!
//! The checker is loom: it runs each test again for every order in which the threads' steps can fall,
//! up to so many preemptions, and fails if one of them ends in a deadlock, which is what a wake-up
//! that got lost becomes. The code is the driver's own, on a kernel made for it.

use std::future::poll_fn;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use super::queue::Window;
use super::{Closed, Driver, Entry, registry};
use crate::sync::Arc;
use crate::sys::model::kernel;

/// With this many a test takes seconds, and what has been found by hand was found with two.
const PREEMPTIONS: usize = 3;

/// A part of a test, in a thread of its own.
type Part = Box<dyn FnOnce() + Send>;

/// Runs the parts beside each other and beside the reactor, in every order; and when they have ended
/// shuts the runtime down.
fn in_every_order(parts: impl Fn() -> Vec<Part> + Sync + Send + 'static) {
    // Each part has a shard of its own.
    let workers = Builder::new_multi_thread().worker_threads(2).build();
    let runtime = workers.unwrap();
    // loom's threads are no threads of the system's: all of them are in this context.
    let _context = runtime.enter();
    let mut checker = loom::model::Builder::new();
    checker.preemption_bound = checker.preemption_bound.or(Some(PREEMPTIONS));
    checker.max_branches = 100_000;
    checker.check(move || {
        let reactor = thread::spawn(|| kernel().run());
        let parts: Vec<_> = parts()
            .into_iter()
            .map(|part| thread::spawn(part))
            .collect();
        for part in parts {
            part.join().unwrap();
        }
        kernel().shut_down();
        kernel().stop();
        reactor.join().unwrap();
        assert_eq!(
            kernel().timers(),
            0,
            "the driver is gone, and its alarm with it"
        );
    });
}

fn entry() -> Entry {
    Entry::current()
}

fn poll(entry: &mut Entry, waker: &Waker, deadline: Instant) -> Poll<Instant> {
    entry.poll_elapsed(&mut Context::from_waker(waker), deadline, Duration::MAX)
}

/// Sleeps until that moment of the kernel's.
fn wait(entry: &mut Entry, moment: u64) {
    let deadline = kernel().at(moment);
    let passed = block_on(poll_fn(|cx| {
        entry.poll_elapsed(cx, deadline, Duration::MAX)
    }));
    assert!(passed >= deadline, "early");
}

/// Counts how often it was woken, and can be told from others.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn both_are_woken() {
    in_every_order(|| {
        let part = |moment| -> Part { Box::new(move || wait(&mut entry(), moment)) };
        vec![part(20), part(10)]
    });
}

#[test]
fn the_same_driver_serves_both() {
    in_every_order(|| {
        let found = Arc::new(loom::sync::Mutex::new(None));
        let part = || -> Part {
            let found = Arc::clone(&found);
            Box::new(move || {
                let driver = Driver::get_or_start(&Handle::current()).unwrap();
                let mine = Arc::as_ptr(&driver) as usize;
                wait(&mut entry(), 10);
                let others = found.lock().unwrap().replace(mine);
                assert!(others.is_none_or(|others| others == mine));
            })
        };
        vec![part(), part()]
    });
}

#[test]
fn one_is_woken_while_another_leaves() {
    in_every_order(|| {
        let leaves: Part = Box::new(|| {
            let (count, mut entry) = (Arc::new(Count::default()), entry());
            let waker = Waker::from(Arc::clone(&count));
            let polled = poll(&mut entry, &waker, kernel().at(10));
            drop(entry);
            assert!(polled.is_pending() || count.get() == 0);
            let woken = count.get();
            assert!(woken <= 1);
        });
        vec![leaves, Box::new(|| wait(&mut entry(), 20))]
    });
}

#[test]
fn one_is_woken_at_another_moment() {
    in_every_order(|| {
        let postponed = |to: u64| -> Part {
            Box::new(move || {
                let mut entry = entry();
                let none = Waker::noop();
                if poll(&mut entry, none, kernel().at(10)).is_pending() {
                    entry.reset(kernel().at(to), Duration::MAX);
                    wait(&mut entry, to);
                }
            })
        };
        vec![postponed(5), postponed(30)]
    });
}

/// Whoever waits for it goes on when it is woken.
struct Woken(loom::sync::Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// It is the same task that waits on, and so the same waker: nothing but the state tells what became of it.
#[test]
fn one_that_is_put_off_as_it_fires_is_woken() {
    in_every_order(|| {
        let part: Part = Box::new(|| {
            let mut entry = entry();
            let woken = Arc::new(Woken(loom::sync::Notify::new()));
            // Its clones are like itself, other than those of `block_on`.
            let waker = Waker::from(Arc::clone(&woken));
            if poll(&mut entry, &waker, kernel().at(10)).is_pending() {
                entry.reset(kernel().at(30), Duration::MAX);
            }
            let passed = loop {
                match poll(&mut entry, &waker, kernel().at(30)) {
                    Poll::Ready(passed) => break passed,
                    Poll::Pending => woken.0.wait(),
                }
            };
            assert!(passed >= kernel().at(30), "early");
        });
        vec![part]
    });
}

/// A timer stays in the shard in which it first waited, whoever waits for it then.
#[test]
fn one_that_has_moved_is_woken() {
    in_every_order(|| {
        let here = Arc::new(loom::sync::Mutex::new(None));
        let there = Arc::clone(&here);
        let goes: Part = Box::new(move || {
            let mut entry = entry();
            let _ = poll(&mut entry, Waker::noop(), kernel().at(10));
            *here.lock().unwrap() = Some(entry);
        });
        let comes: Part = Box::new(move || {
            wait(&mut entry(), 5);
            let came = there.lock().unwrap().take();
            // It may not be there yet.
            if let Some(mut entry) = came {
                entry.reset(kernel().at(15), Duration::MAX);
                wait(&mut entry, 15);
            }
        });
        vec![goes, comes]
    });
}

#[test]
fn nobody_keeps_a_waker_of_one_that_has_fired() {
    in_every_order(|| {
        let part = |moment| -> Part {
            Box::new(move || {
                let (count, mut entry) = (Arc::new(Count::default()), entry());
                let waker = Waker::from(Arc::clone(&count));
                let deadline = kernel().at(moment);
                if poll(&mut entry, &waker, deadline).is_pending() {
                    // Another waker takes the place of the first.
                    wait(&mut entry, moment);
                }
                drop(waker);
                let kept = Arc::strong_count(&count) - 1;
                // The reactor may hold it, on the way to wake it; the driver does not.
                assert!(kept <= 1);
            })
        };
        vec![part(10), part(10)]
    });
}

/// In its wake and in its drop, whoever is woken may use the same driver: and would wait for ever for
/// a lock that is held.
struct Meddler(loom::sync::Mutex<Entry>);

impl Meddler {
    fn waker() -> Waker {
        let mut entry = entry();
        // So that its drop has to leave.
        let _ = poll(&mut entry, Waker::noop(), kernel().at(1_000));
        Waker::from(Arc::new(Self(loom::sync::Mutex::new(entry))))
    }
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        let poll = || {
            poll(
                &mut self.0.lock().unwrap(),
                Waker::noop(),
                kernel().at(1_000),
            )
        };
        // It panics if the runtime has ended.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll));
    }
}

#[test]
fn nobody_is_woken_or_dropped_under_the_lock() {
    in_every_order(|| {
        let part = || -> Part {
            Box::new(|| {
                let (waker, mut entry) = (Meddler::waker(), entry());
                let _ = poll(&mut entry, &waker, kernel().at(10));
                drop(waker);
                // Takes the waker's place, or finds the deadline passed and the waker still there.
                let _ = poll(&mut entry, Waker::noop(), kernel().at(10));
                wait(&mut entry, 10);
                let _ = poll(&mut entry, &Meddler::waker(), kernel().at(20));
                drop(entry);
            })
        };
        vec![part(), part()]
    });
}

#[test]
fn a_shutdown_is_told_to_whoever_waits() {
    in_every_order(|| {
        let waits: Part = Box::new(|| {
            // As tokio's own, it panics to tell.
            let waits = || wait(&mut entry(), 10);
            if let Err(panic) = std::panic::catch_unwind(waits) {
                assert_eq!(
                    panic.downcast_ref::<String>().map(String::as_str),
                    Some("shut down")
                );
            }
        });
        vec![waits, Box::new(|| kernel().shut_down())]
    });
}

/// How far the ticks of a periodic timer are apart.
const PERIOD: u64 = 10;

/// Ticks so often: at the second it is likely to go on, and an alarm is armed ahead.
fn tick(ticks: u64) {
    let (mut entry, period) = (entry(), Duration::from_nanos(PERIOD));
    for n in 1..=ticks {
        let deadline = kernel().at(n * PERIOD);
        let passed = block_on(poll_fn(|cx| entry.poll_elapsed(cx, deadline, period)));
        assert!(passed >= deadline, "early");
    }
}

#[test]
fn what_is_due_before_an_alarm_that_is_armed_ahead_is_woken() {
    in_every_order(|| {
        vec![
            Box::new(|| tick(2)),
            Box::new(|| wait(&mut entry(), PERIOD * 5 / 2)),
        ]
    });
}

#[test]
fn a_shutdown_between_two_alarms_is_told() {
    in_every_order(|| {
        let ticks: Part = Box::new(|| {
            if let Err(panic) = std::panic::catch_unwind(|| tick(2)) {
                assert_eq!(
                    panic.downcast_ref::<String>().map(String::as_str),
                    Some("shut down")
                );
            }
        });
        vec![ticks, Box::new(|| kernel().shut_down())]
    });
}

/// Puts itself into a driver's queue, and leaves. In place of a panic, of which there could be two at a
/// time here: an error.
fn come_and_go() -> Result<(), Closed> {
    let block = registry::block(&Handle::current());
    let mut block = block.map_err(|_refused| Closed)?;
    let (mut id, now) = (None, Some(block.driver.now()));
    let window = Window::new(10, 0);
    let done = Driver::insert(&mut block, &mut id, window, 0, now, Waker::noop().clone());
    if let Some(id) = id {
        Driver::remove(&block, id);
    }
    done
}

#[test]
fn a_refusal_is_told_and_the_next_driver_lives() {
    in_every_order(|| {
        let part = || -> Part {
            Box::new(|| {
                kernel().refuse_once();
                // There are two refusals, and a driver that one of them ends may serve both parts.
                let refused = (0..3).take_while(|_| come_and_go().is_err()).count();
                assert!(refused < 3, "a closed driver was found once more");
            })
        };
        vec![part(), part()]
    });
}
