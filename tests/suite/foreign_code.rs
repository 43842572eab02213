//! Wakers, futures and values of users may drop timers, create timers and panic. Other timers go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use crate::support::{
    CallbackWaker, CountingWaker, HOUR, Watchdog, current_thread, ms, multi_thread,
    on_current_thread, on_every_runtime, panic_message, panic_of, poll_tick, start_waiting,
    yield_until,
};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval, interval_at, sleep, timeout};

/// Creates an interval that is not due during the test, unless it is reset.
fn far_interval() -> OsInterval {
    interval_at(Instant::now() + HOUR, HOUR)
}

#[test]
fn waker_may_drop_and_create_timers() {
    on_every_runtime(async || {
        let (done, is_done) = oneshot::channel();
        // One of the dropped timers is due together with the waker's own timer, the other waits.
        let (mut due, mut waiting) = (far_interval(), far_interval());
        start_waiting(&mut due, Waker::noop());
        start_waiting(&mut waiting, Waker::noop());
        due.reset_immediately();
        let handle = tokio::runtime::Handle::current();
        let waker = CallbackWaker::on_wake(move || {
            drop(due);
            drop(waiting);
            let _context = handle.enter();
            start_waiting(&mut far_interval(), Waker::noop());
            done.send(()).unwrap();
        });
        let mut trigger = far_interval();
        start_waiting(&mut trigger, &waker);
        drop(waker);
        trigger.reset_immediately();
        is_done.await.unwrap();
    });
}

#[test]
fn drop_of_a_waker_may_drop_a_timer() {
    enum DropsWaker {
        PollWithAnother,
        ReadyPoll,
        TimerDrop,
    }

    on_every_runtime(async || {
        for drops_waker in [
            DropsWaker::PollWithAnother,
            DropsWaker::ReadyPoll,
            DropsWaker::TimerDrop,
        ] {
            let was_dropped = Arc::new(AtomicBool::new(false));
            let mut inner = far_interval();
            start_waiting(&mut inner, Waker::noop());
            let waker = CallbackWaker::on_drop({
                let was_dropped = Arc::clone(&was_dropped);
                move || {
                    drop(inner);
                    was_dropped.store(true, Ordering::SeqCst);
                }
            });
            let mut outer = far_interval();
            start_waiting(&mut outer, &waker);
            drop(waker);
            match drops_waker {
                DropsWaker::PollWithAnother => {
                    let _ = poll_tick(&mut outer, Waker::noop());
                }
                DropsWaker::ReadyPoll => {
                    outer.reset_immediately();
                    assert!(poll_tick(&mut outer, Waker::noop()).is_ready());
                }
                DropsWaker::TimerDrop => drop(outer),
            }
            yield_until(|| was_dropped.load(Ordering::SeqCst)).await;
        }
    });
}

#[test]
fn panicking_waker_does_not_stop_other_wakes() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let others = CountingWaker::new();
    let mut intervals: Vec<_> = {
        let _context = runtime.enter();
        (0..100).map(|_| far_interval()).collect()
    };
    for (n, interval) in intervals.iter_mut().enumerate() {
        if n == 40 {
            start_waiting(interval, &CallbackWaker::on_wake(|| panic!("in a waker")));
        } else {
            start_waiting(interval, &others);
        }
        interval.reset_immediately();
    }
    // The panic hook runs, but the panic does not reach the reactor: a current-thread runtime would not
    // survive it.
    let panic = panic_of(|| runtime.block_on(yield_until(|| others.wakes() == 99)));
    assert_eq!(panic, None);
    drop(intervals);

    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..3 {
            interval.tick().await;
        }
    });
}

#[test]
fn waker_that_panics_when_dropped_harms_no_other_timer() {
    on_current_thread(async {
        let mut other = tokio::spawn(async {
            let mut interval = interval(ms(1));
            for _ in 0..20 {
                interval.tick().await;
            }
        });
        let panicking = || CallbackWaker::on_drop(|| panic!("in a waker"));

        // A poll with another waker drops it, and panics.
        let mut timer = far_interval();
        start_waiting(&mut timer, &panicking());
        let message = panic_message(|| start_waiting(&mut timer, Waker::noop()));
        assert_eq!(message, "in a waker");
        timer.reset_after(ms(1));
        timer.tick().await;

        // The drop of its timer drops it, and panics.
        let mut timer = far_interval();
        start_waiting(&mut timer, &panicking());
        assert_eq!(panic_message(|| drop(timer)), "in a waker");

        // The driver drops it after its wake-up. The panic does not reach the reactor.
        let mut timer = far_interval();
        let was_dropped = Arc::new(AtomicBool::new(false));
        let waker = CallbackWaker::on_drop({
            let was_dropped = Arc::clone(&was_dropped);
            move || {
                was_dropped.store(true, Ordering::SeqCst);
                panic!("in a waker");
            }
        });
        start_waiting(&mut timer, &waker);
        drop(waker);
        timer.reset_after(ms(1));
        yield_until(|| was_dropped.load(Ordering::SeqCst)).await;
        assert!(poll_tick(&mut timer, Waker::noop()).is_ready());

        (&mut other).await.unwrap();
    });
}

#[test]
fn panic_inside_a_timeout_reaches_its_task_only() {
    let _watchdog = Watchdog::new();
    multi_thread(1).block_on(async {
        let other = tokio::spawn(sleep(ms(5)));
        // The timeout itself waits in the driver when its future panics.
        let panicking = tokio::spawn(timeout(HOUR, async {
            sleep(ms(1)).await;
            std::panic::resume_unwind(Box::new("in the future"));
        }));
        let panic = panicking.await.unwrap_err().into_panic();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "in the future");
        other.await.unwrap();
        sleep(ms(1)).await;
    });
}

#[cfg(feature = "delay-queue")]
#[test]
fn value_that_panics_when_dropped_leaves_its_queue_usable() {
    use tokio_osinterval::time::DelayQueue;

    struct PanicsWhenDropped(bool);
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            assert!(!self.0, "in a value");
        }
    }

    on_current_thread(async {
        let mut queue = DelayQueue::new();
        queue.insert(PanicsWhenDropped(true), HOUR);
        queue.insert(PanicsWhenDropped(false), HOUR);
        let cx = &mut std::task::Context::from_waker(Waker::noop());
        assert!(queue.poll_expired(cx).is_pending());
        assert_eq!(panic_message(|| queue.clear()), "in a value");
        assert!(queue.is_empty() && queue.peek().is_none());
        queue.insert(PanicsWhenDropped(false), crate::support::us(50));
        let mut next = async || std::future::poll_fn(|cx| queue.poll_expired(cx)).await;
        assert!(next().await.is_some());
        assert!(next().await.is_none());
    });
}
