//! A timer wakes its latest waker only, and keeps no waker that it does not need.

use std::future::ready;
use std::pin::{Pin, pin};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::support::{
    CountingWaker, HOUR, Watchdog, current_thread, ms, on_current_thread, on_every_runtime,
    poll_tick, start_waiting, us, yield_until,
};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, Precision, interval_at, sleep, sleep_until, timeout};

/// Creates an interval that is not due during the test, unless it is reset.
fn far_interval() -> OsInterval {
    interval_at(Instant::now() + HOUR, HOUR)
}

#[test]
fn only_the_latest_waker_is_woken() {
    on_every_runtime(async || {
        let (first, latest) = (CountingWaker::new(), CountingWaker::new());
        let mut interval = far_interval();
        start_waiting(&mut interval, &first);
        start_waiting(&mut interval, &latest);
        assert_eq!(first.clones(), 0, "the first waker was dropped");
        interval.reset_after(ms(1));
        yield_until(|| latest.wakes() == 1).await;
        assert_eq!(first.wakes(), 0);
        // Another thread may still be inside the wake-up.
        yield_until(|| latest.clones() == 0).await;
    });
}

/// The timer waits, and another task polls it when it begins to spin.
#[test]
fn spinning_timer_keeps_only_the_latest_waker() {
    let _watchdog = Watchdog::new();
    let runtime = current_thread();
    let _context = runtime.enter();
    let (first, latest) = (CountingWaker::new(), CountingWaker::new());
    let mut spins = 0;
    while spins < 20 {
        let sleep = sleep(us(300)).with_precision(Precision::Spin);
        let (deadline, mut sleep) = (sleep.deadline(), pin!(sleep));
        let waiting = sleep.as_mut().poll(&mut Context::from_waker(&first));
        while Instant::now() + us(60) < deadline {}
        let spinning = sleep.as_mut().poll(&mut Context::from_waker(&latest));
        // If this thread is preempted, the deadline may have passed.
        if waiting.is_pending() && spinning.is_pending() {
            // On Windows another thread may be waking the first waker.
            while cfg!(threadpool) && first.clones() > 0 {}
            assert_eq!(first.clones(), 0);
            spins += 1;
        }
    }
}

/// Returns how often `waker` was woken before a poll was ready. On Windows another thread may have woken it,
/// and may not have returned yet. Elsewhere nothing wakes it.
async fn wakes_before_ready(waker: &CountingWaker) -> usize {
    if cfg!(not(threadpool)) {
        return 0;
    }
    yield_until(|| waker.clones() == 0).await;
    waker.wakes()
}

#[test]
fn no_waker_is_kept_after_a_ready_poll() {
    // On one thread the reactor cannot fire, and wake, before the poll finds the tick due.
    on_current_thread(async {
        let waker = CountingWaker::new();
        let mut interval = far_interval();
        start_waiting(&mut interval, &waker);
        interval.reset_immediately();
        assert!(poll_tick(&mut interval, &waker).is_ready());
        let woken = wakes_before_ready(&waker).await;
        assert_eq!(waker.clones(), 0);
        interval_at(Instant::now() + ms(5), HOUR).tick().await;
        assert_eq!(waker.wakes(), woken, "woken after it was ready");
    });
}

/// The new deadline lies before one that has already fired.
#[test]
fn no_waker_is_kept_after_a_reset_into_the_past() {
    on_current_thread(async {
        let waker = CountingWaker::new();
        let mut interval = far_interval();
        start_waiting(&mut interval, &waker);
        let past = Instant::now() + ms(1);
        interval_at(past + ms(2), HOUR).tick().await;
        interval.reset_at(past);
        assert!(poll_tick(&mut interval, &waker).is_ready());
        wakes_before_ready(&waker).await;
        assert_eq!(waker.clones(), 0);
    });
}

#[test]
fn no_waker_is_kept_before_the_first_pending_poll() {
    on_current_thread(async {
        let waker = CountingWaker::new();
        let mut cx = Context::from_waker(&waker);
        let past = pin!(sleep_until(Instant::now()));
        assert!(past.poll(&mut cx).is_ready());
        let value = pin!(timeout(HOUR, ready(7)));
        assert_eq!(value.poll(&mut cx), Poll::Ready(Ok(7)));
        assert_eq!(waker.clones(), 0);
    });
}

#[test]
fn dropped_interval_drops_its_waker() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        let mut interval = far_interval();
        start_waiting(&mut interval, &waker);
        drop(interval);
        assert_eq!((waker.clones(), waker.wakes()), (0, 0));
    });
}

#[test]
fn dropped_sleep_drops_its_waker() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        let mut sleeping = Box::pin(sleep(HOUR));
        let mut cx = Context::from_waker(&waker);
        assert!(sleeping.as_mut().poll(&mut cx).is_pending());
        assert_eq!(waker.clones(), 1);
        drop(sleeping);
        assert_eq!(waker.clones(), 0);
    });
}

/// An interval needs no `Pin`.
#[test]
fn waiting_interval_may_be_moved() {
    on_every_runtime(async || {
        let waker = CountingWaker::new();
        let mut intervals = Vec::new();
        for n in 0..100 {
            let mut interval = far_interval();
            start_waiting(&mut interval, &waker);
            interval.reset_after(ms(n % 7));
            intervals.push(interval);
        }
        yield_until(|| waker.wakes() == 100).await;
        for mut interval in intervals {
            Pin::new(&mut interval).tick().await;
        }
    });
}

/// A task may be polled for another reason than its timer.
#[test]
fn repeated_poll_with_the_same_waker_clones_no_waker() {
    on_current_thread(async {
        let mut interval = far_interval();
        let clones = || CLONES.load(Ordering::SeqCst);
        let before = clones();
        start_waiting(&mut interval, &CloneCountingWaker::waker());
        assert_eq!(clones(), before + 1);
        for _ in 0..100 {
            start_waiting(&mut interval, &CloneCountingWaker::waker());
        }
        assert_eq!(clones(), before + 1);
        // Another waker replaces the clone.
        start_waiting(&mut interval, Waker::noop());
        start_waiting(&mut interval, &CloneCountingWaker::waker());
        assert_eq!(clones(), before + 2);
    });
}

/// How often a [`CloneCountingWaker`] was cloned.
static CLONES: AtomicUsize = AtomicUsize::new(0);

/// A waker that does nothing and counts its clones, dropped ones included.
struct CloneCountingWaker;

impl CloneCountingWaker {
    const TABLE: RawWakerVTable = RawWakerVTable::new(Self::clone, Self::nop, Self::nop, Self::nop);

    fn raw() -> RawWaker {
        RawWaker::new(ptr::null(), &Self::TABLE)
    }

    fn waker() -> Waker {
        // SAFETY: no function of the table reads the pointer, and any thread may call them.
        unsafe { Waker::from_raw(Self::raw()) }
    }

    fn clone(_: *const ()) -> RawWaker {
        CLONES.fetch_add(1, Ordering::SeqCst);
        Self::raw()
    }

    fn nop(_: *const ()) {}
}

/// A combinator may poll each of its futures with the same waker, which wakes the future that was polled
/// last. Only its clones differ.
#[test]
fn waker_whose_meaning_has_changed_is_cloned_again() {
    on_current_thread(async {
        let targets = [(); 2].map(|()| Arc::new(CountingWaker::new()));
        let shared: &SharedWaker =
            Box::leak(Box::new(SharedWaker(Mutex::new(Arc::clone(&targets[0])))));
        // SAFETY: the value behind the pointer is never freed, and any thread may use it. The clones are
        // wakers of the standard library.
        let waker = unsafe {
            Waker::from_raw(RawWaker::new(
                ptr::from_ref(shared).cast(),
                &SharedWaker::TABLE,
            ))
        };
        let mut interval = interval_at(Instant::now() + ms(20), ms(20));
        for target in &targets {
            *shared.0.lock().unwrap() = Arc::clone(target);
            for _ in 0..100 {
                start_waiting(&mut interval, &waker);
            }
        }
        yield_until(|| targets[1].wakes() > 0).await;
        assert_eq!(targets[0].wakes(), 0);
    });
}

/// The waker that a clone wakes. The waker of the combinator is a pointer to it.
struct SharedWaker(Mutex<Arc<CountingWaker>>);

impl SharedWaker {
    const TABLE: RawWakerVTable = RawWakerVTable::new(Self::clone, Self::nop, Self::nop, Self::nop);

    fn clone(shared: *const ()) -> RawWaker {
        // SAFETY: the pointer was created from a reference to a value that is never freed.
        let shared = unsafe { &*shared.cast::<Self>() };
        let waker = Waker::clone(&shared.0.lock().unwrap());
        let raw = RawWaker::new(waker.data(), waker.vtable());
        std::mem::forget(waker);
        raw
    }

    fn nop(_: *const ()) {}
}
