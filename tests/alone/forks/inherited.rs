//! What a child inherits of timers that are descriptors.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;

use super::{CHILDREN, ENOUGH, timers};
use crate::alone;
use crate::support::fork::in_child;
use crate::support::{Watchdog, current_thread, ms, panic_of, us};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval, sleep, sleep_until};

/// What a child can drop that its parent made. `None`: it has been dropped.
struct Inherited {
    runtime: Option<tokio::runtime::Runtime>,
    interval: Option<OsInterval>,
    periodic: Option<tokio_osinterval::PeriodicInterval>,
    /// The peer: for it nothing is registered.
    tokios: Option<tokio::time::Interval>,
}

impl Inherited {
    fn new() -> Self {
        let runtime = current_thread();
        let context = runtime.enter();
        let interval = interval(ms(1));
        let periodic = tokio_osinterval::PeriodicInterval::new(ms(1)).unwrap();
        let tokios = tokio::time::interval(ms(1));
        drop(context);
        Self {
            runtime: Some(runtime),
            interval: Some(interval),
            periodic: Some(periodic),
            tokios: Some(tokios),
        }
    }

    /// All tick: those that wait, by an event of the kernel's.
    fn tick(&mut self) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(async {
            let began = Instant::now();
            // The first may be due.
            for _ in 0..2 {
                self.interval.as_mut().unwrap().tick().await;
            }
            self.periodic.as_mut().unwrap().tick().await.unwrap();
            self.tokios.as_mut().unwrap().tick().await;
            // It is no clock that is looked at, but a timer that fires.
            sleep(us(200)).await;
            assert!(began.elapsed() >= us(200), "early");
        });
    }

    /// For an hour.
    fn begin_to_wait(&mut self) {
        let waits = self.interval.as_mut().unwrap();
        waits.reset_after(ms(3_600_000));
        let polled = waits.poll_tick(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        waits.reset_after(ms(1));
    }

    /// By the clock, whoever has to wake it.
    fn is_due(&mut self) {
        let waits = self.interval.as_mut().unwrap();
        waits.reset_immediately();
        let polled = waits.poll_tick(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_ready());
    }

    /// Some of it, and in every order.
    fn drop_some(&mut self, child: usize) {
        for part in 0..4 {
            match (child + part) % 4 {
                0 => drop(self.runtime.take()),
                1 => drop(self.interval.take()),
                2 => drop(self.tokios.take()),
                _ => {
                    drop(self.periodic.take());
                }
            }
            if child / 4 % 4 == part {
                break;
            }
        }
    }
}

/// It takes nothing out of the reactor, and sets no timer, that its parent has.
#[test]
fn what_a_child_drops_its_parent_still_has() {
    let _alone = alone();
    let _watchdog = Watchdog::new("what_a_child_drops_its_parent_still_has");
    let mut inherited = Inherited::new();
    let began = Instant::now();
    for child in (0..CHILDREN).take_while(|_| began.elapsed() < ENOUGH) {
        inherited.tick();
        let ended = in_child(|| {
            inherited.drop_some(child);
            current_thread().block_on(timers());
        });
        assert_eq!(ended, 0, "child {child}");
    }
    inherited.tick();
}

/// Another thread may hold any lock of a driver's when the child is forked off, and is not there to let go.
#[test]
fn a_child_drops_what_another_thread_was_at() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_child_drops_what_another_thread_was_at");
    let stop = AtomicBool::new(false);
    // A runtime of more threads would wait for them in the child.
    let mut inherited = Inherited::new();
    let handle = inherited.runtime.as_ref().unwrap().handle().clone();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _context = handle.enter();
            let cx = &mut Context::from_waker(Waker::noop());
            while !stop.load(Ordering::Relaxed) {
                // Each comes first, so that it sets the alarm.
                let began = Instant::now() + ms(60_000);
                for earlier in 0..1000 {
                    let mut sleep = pin!(sleep_until(began - us(earlier)));
                    assert!(sleep.as_mut().poll(cx).is_pending());
                }
            }
        });
        let mut ended = 0;
        let began = Instant::now();
        for child in (0..CHILDREN / 2).take_while(|_| began.elapsed() < ENOUGH) {
            inherited.tick();
            inherited.begin_to_wait();
            ended = in_child(|| {
                if child % 2 == 0 {
                    inherited.is_due();
                }
                inherited.drop_some(child);
            });
            if ended != 0 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(ended, 0, "a child");
    });
}

/// The reactor, too, is its parent's: an event of the child's timer would go there.
#[test]
fn a_child_is_told_whose_runtime_it_is() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_child_is_told_whose_runtime_it_is");
    let mut inherited = Inherited::new();
    inherited.tick();
    inherited.begin_to_wait();
    let waits = inherited.interval.as_mut().unwrap();
    waits.reset_after(ms(3_600_000));
    let ended = in_child(|| {
        let cx = &mut Context::from_waker(Waker::noop());
        let runtime = inherited.runtime.as_ref().unwrap();
        let _context = runtime.enter();
        let is_told = |panic: Option<(String, String)>| {
            let (message, _) = panic.expect("it did not panic");
            assert!(message.contains("created by another process"), "{message}");
        };
        is_told(panic_of(|| drop(interval(ms(1)))));
        is_told(panic_of(|| {
            let _polled = pin!(sleep(ms(1))).poll(cx);
        }));
        // Also where nothing seems to have changed since it began to wait.
        let waits = inherited.interval.as_mut().unwrap();
        is_told(panic_of(|| {
            let _polled = waits.poll_tick(&mut Context::from_waker(Waker::noop()));
        }));
        let error = OsInterval::builder(ms(1)).build().unwrap_err();
        assert!(error.to_string().contains("created by another process"));
        // And it is woken by nobody.
        let waits = inherited.interval.as_mut().unwrap();
        waits.reset_after(ms(60_000));
        is_told(panic_of(|| {
            let _polled = waits.poll_tick(&mut Context::from_waker(Waker::noop()));
        }));
        if cfg!(not(feature = "test-util")) {
            let periodic = inherited.periodic.as_mut().unwrap();
            let polled = periodic.poll_tick(&mut Context::from_waker(Waker::noop()));
            let std::task::Poll::Ready(Err(error)) = polled else {
                panic!("{polled:?}");
            };
            assert!(error.to_string().contains("created by another process"));
        }
    });
    assert_eq!(ended, 0);
    inherited.interval.as_mut().unwrap().reset_immediately();
    inherited.tick();
}
