//! A child inherits timers whose kernel objects are descriptors.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use super::{CHILDREN, TIME_LIMIT, use_timers};
use crate::alone;
use crate::support::fork::in_child;
use crate::support::{HOUR, current_thread, ms, panic_message, poll_tick, start_waiting, us};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, PeriodicInterval, interval, sleep, sleep_until};

/// What a child inherits and may drop. `None` after the drop.
struct Inherited {
    runtime: Option<Runtime>,
    interval: Option<OsInterval>,
    periodic: Option<PeriodicInterval>,
    tokio_interval: Option<tokio::time::Interval>,
}

impl Inherited {
    fn new() -> Self {
        let runtime = current_thread();
        let context = runtime.enter();
        let interval = interval(ms(1));
        let periodic = PeriodicInterval::new(ms(1)).unwrap();
        let tokio_interval = tokio::time::interval(ms(1));
        drop(context);
        Self {
            runtime: Some(runtime),
            interval: Some(interval),
            periodic: Some(periodic),
            tokio_interval: Some(tokio_interval),
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    fn interval(&mut self) -> &mut OsInterval {
        self.interval.as_mut().unwrap()
    }

    /// Takes ticks of all timers. The kernel must fire at least one of them.
    fn tick(&mut self) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(async {
            let began = Instant::now();
            // The first tick may be due.
            for _ in 0..2 {
                self.interval.as_mut().unwrap().tick().await;
            }
            self.periodic.as_mut().unwrap().tick().await.unwrap();
            self.tokio_interval.as_mut().unwrap().tick().await;
            // A new sleep is not due, so the kernel's timer must fire.
            sleep(us(200)).await;
            assert!(began.elapsed() >= us(200), "early");
        });
    }

    /// Lets the interval wait in the driver, for a deadline that is then moved to a millisecond from now.
    fn start_to_wait(&mut self) {
        let interval = self.interval();
        interval.reset_after(HOUR);
        start_waiting(interval, Waker::noop());
        interval.reset_after(ms(1));
    }

    /// Takes a tick that is due by the clock, so that nothing needs to wake.
    fn take_due_tick(&mut self) {
        let interval = self.interval();
        interval.reset_immediately();
        assert!(poll_tick(interval, Waker::noop()).is_ready());
    }

    /// Drops a part, in an order that depends on the number of the child.
    fn drop_some(&mut self, child: usize) {
        for part in 0..4 {
            match (child + part) % 4 {
                0 => drop(self.runtime.take()),
                1 => drop(self.interval.take()),
                2 => drop(self.tokio_interval.take()),
                _ => drop(self.periodic.take()),
            }
            if child / 4 % 4 == part {
                break;
            }
        }
    }
}

/// A drop in the child must not remove the parent's timers from the reactor, nor set them.
#[test]
fn parent_keeps_the_timers_that_its_child_drops() {
    let _alone = alone();
    let mut inherited = Inherited::new();
    let began = Instant::now();
    for child in (0..CHILDREN).take_while(|_| began.elapsed() < TIME_LIMIT) {
        inherited.tick();
        let exit_code = in_child(|| {
            inherited.drop_some(child);
            current_thread().block_on(use_timers());
        });
        assert_eq!(exit_code, 0, "child {child}");
    }
    inherited.tick();
}

/// The other thread may hold any lock of the driver at the fork. It does not exist in the child, so it never
/// releases the lock.
#[test]
fn child_may_drop_timers_that_another_thread_was_using() {
    let _alone = alone();
    let stop = AtomicBool::new(false);
    // In the child, a multi-thread runtime would wait for its threads.
    let mut inherited = Inherited::new();
    let handle = inherited.runtime().handle().clone();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _context = handle.enter();
            let cx = &mut Context::from_waker(Waker::noop());
            while !stop.load(Ordering::Relaxed) {
                // Each sleep is the first of all, so it arms the alarm.
                let began = Instant::now() + ms(60_000);
                for earlier in 0..1000 {
                    let mut sleep = pin!(sleep_until(began - us(earlier)));
                    assert!(sleep.as_mut().poll(cx).is_pending());
                }
            }
        });
        let mut exit_code = 0;
        let began = Instant::now();
        for child in (0..CHILDREN / 2).take_while(|_| began.elapsed() < TIME_LIMIT) {
            inherited.tick();
            inherited.start_to_wait();
            exit_code = in_child(|| {
                if child % 2 == 0 {
                    inherited.take_due_tick();
                }
                inherited.drop_some(child);
            });
            if exit_code != 0 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(exit_code, 0);
    });
}

/// The reactor belongs to the parent, and an event of the child's timer would go there.
#[test]
fn inherited_runtime_is_refused_in_a_child() {
    const REFUSAL: &str = "created by another process";
    let _alone = alone();
    let mut inherited = Inherited::new();
    inherited.tick();
    inherited.start_to_wait();
    inherited.interval().reset_after(HOUR);
    let exit_code = in_child(|| {
        let handle = inherited.runtime().handle().clone();
        let _context = handle.enter();
        let assert_refused = |run: &mut dyn FnMut()| {
            let message = panic_message(run);
            assert!(message.contains(REFUSAL), "{message}");
        };
        assert_refused(&mut || drop(interval(ms(1))));
        assert_refused(&mut || {
            let _polled = pin!(sleep(ms(1))).poll(&mut Context::from_waker(Waker::noop()));
        });
        // A wait that began in the parent is refused as well, even if nothing has changed since.
        let interval = inherited.interval();
        assert_refused(&mut || _ = poll_tick(interval, Waker::noop()));
        let error = OsInterval::builder(ms(1)).build().unwrap_err();
        assert!(error.to_string().contains(REFUSAL));
        // A new deadline is refused, because nothing would wake the task.
        interval.reset_after(ms(60_000));
        assert_refused(&mut || _ = poll_tick(interval, Waker::noop()));
        if cfg!(not(feature = "test-util")) {
            let periodic = inherited.periodic.as_mut().unwrap();
            let polled = periodic.poll_tick(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Err(error)) = polled else {
                panic!("{polled:?}");
            };
            assert!(error.to_string().contains(REFUSAL));
        }
    });
    assert_eq!(exit_code, 0);
    inherited.interval().reset_immediately();
    inherited.tick();
}
