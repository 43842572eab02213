//! Tests on the real kernel and reactor.

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;

use super::counting_waker::CountingWaker;
use crate::driver::alarms::AlarmId;
use crate::driver::shard::Closed;
use crate::driver::{Driver, Entry, Status};
use crate::sys::{Alarm, Armed};

const HOUR: Duration = Duration::from_secs(3600);

fn current_driver() -> Arc<Driver> {
    Driver::get_or_start(&Handle::current()).unwrap()
}

/// Returns a runtime and its driver, or `None` where one driver serves the process: the other tests have
/// timers in that one.
fn runtime_with_driver() -> Option<(Runtime, Arc<Driver>)> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let driver = Alarm::PER_RUNTIME.then(|| Driver::get_or_start(runtime.handle()).unwrap());
    Some((runtime, driver?))
}

/// Little that runs under the lock can panic: a queue that is full.
#[test]
fn panic_under_the_lock_leaves_other_timers_working() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let driver = current_driver();
        let cx = &mut Context::from_waker(Waker::noop());
        let mut waiting = Entry::current();
        let far = Instant::now() + HOUR;
        assert!(waiting.poll_elapsed(cx, far, HOUR).is_pending());
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _guard = driver.status.0.lock();
            panic!("under the lock");
        }));
        assert!(panic.is_err());
        let deadline = Instant::now() + Duration::from_millis(1);
        waiting.reset(deadline, HOUR);
        let mut new = Entry::current();
        for entry in [&mut waiting, &mut new] {
            let now = poll_fn(|cx| entry.poll_elapsed(cx, deadline, HOUR)).await;
            assert!(now >= deadline);
        }
    });
}

#[test]
fn refused_alarm_panics_in_waiting_tasks_and_the_next_driver_works() {
    let Some((runtime, driver)) = runtime_with_driver() else {
        return;
    };
    let _context = runtime.enter();
    let counter = Arc::new(CountingWaker::default());
    let waker = Waker::from(Arc::clone(&counter));
    let cx = &mut Context::from_waker(&waker);
    let far = Instant::now() + HOUR;
    // More than one wake list holds.
    let mut waiting: Vec<_> = (0..100)
        .map(|_| {
            let mut entry = Entry::current();
            assert!(entry.poll_elapsed(cx, far, HOUR).is_pending());
            entry
        })
        .collect();

    let refusal = io::Error::other("refused");
    let refused = driver.finish_arming(driver.status.0.lock(), Err(refusal));
    assert!(matches!(refused, Err(Closed)));
    assert_eq!(driver.close_reason(), "refused");
    assert_eq!(counter.count(), 100);
    assert_eq!(Arc::strong_count(&counter), 2, "no waker is left");
    for entry in &mut waiting {
        let poll = AssertUnwindSafe(|| entry.poll_elapsed(cx, far, HOUR));
        let panic = catch_unwind(poll).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"refused".to_owned()));
    }

    let next = current_driver();
    assert!(!Arc::ptr_eq(&next, &driver));
    assert!(Arc::ptr_eq(&next, &current_driver()));
    let polled = Entry::current().poll_elapsed(cx, far, HOUR);
    assert!(polled.is_pending());
}

#[test]
fn each_kind_of_wakeup_fires_due_timers() {
    let Some((runtime, driver)) = runtime_with_driver() else {
        return;
    };
    let _context = runtime.enter();
    let wakeups: [fn(&Arc<Driver>); 3] = [
        |driver| driver.waker(AlarmId::First).wake(),
        |driver| driver.waker(AlarmId::First).wake_by_ref(),
        |driver| {
            let status = driver.status.0.lock();
            driver.finish_arming(status, Ok(Armed::Due)).unwrap();
        },
    ];
    for wake in wakeups {
        let counter = Arc::new(CountingWaker::default());
        let waker = Waker::from(Arc::clone(&counter));
        let cx = &mut Context::from_waker(&waker);
        let mut entry = Entry::current();
        let wait = Duration::from_millis(5);
        // This thread may be preempted until the deadline has passed.
        while entry.poll_elapsed(cx, driver.now() + wait, wait).is_ready() {}
        std::thread::sleep(2 * wait);
        wake(&driver);
        assert_eq!(counter.count(), 1);
    }
}

/// The wake-up may be on its way when the kernel refuses the alarm.
#[test]
fn wakeup_of_a_dropped_alarm_is_ignored() {
    let Some((runtime, driver)) = runtime_with_driver() else {
        return;
    };
    let _context = runtime.enter();
    if let Status::Open(wakeups) = &mut *driver.status.0.lock() {
        wakeups.alarms().drop_second();
    }
    driver.waker(AlarmId::Second).wake();
    assert!(driver.is_open());
}

/// Rearmed at once, it would be early again and again under a clock that stands still.
#[test]
fn early_alarm_is_held_back_for_a_millisecond() {
    // Under `test-util` another alarm follows the clock that can be paused.
    if Alarm::EXACT || !Alarm::PER_RUNTIME {
        return;
    }
    // Returns `None` if this thread was preempted, or too slow, until the deadline had passed.
    let held_back = |wait| {
        let (runtime, driver) = runtime_with_driver()?;
        runtime.block_on(async {
            let wait = Duration::from_micros(wait);
            let mut entry = Entry::current();
            let deadline = driver.now() + wait;
            let mut poll = |cx: &mut Context<'_>| entry.poll_elapsed(cx, deadline, wait);
            let is_pending = poll(&mut Context::from_waker(Waker::noop())).is_pending();
            let early = driver.now();
            driver.waker(AlarmId::First).wake();
            if !is_pending || driver.now() >= deadline {
                return None;
            }
            let mut polls = 0;
            let elapsed = poll_fn(|cx| {
                polls += 1;
                poll(cx)
            });
            let elapsed = elapsed.await;
            (polls > 1).then(|| elapsed - early)
        })
    };
    // Shorter than the alarm is held back. An emulator needs the longest.
    let waits = (300..800).chain([800; 500]);
    let held_back: Vec<_> = waits.filter_map(held_back).take(5).collect();
    assert!(!held_back.is_empty(), "preempted each time");
    for time in held_back {
        assert!(time >= Duration::from_millis(1), "{time:?}");
    }
}
