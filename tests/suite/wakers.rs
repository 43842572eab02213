//! Which waker is woken, when it is let go of, and that any may do what it likes.

use std::future::poll_fn;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::Duration;

use crate::support::{Count, Watchdog, current_thread, ms, on_every_runtime, panic_of};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, interval, interval_at};

const HOUR: Duration = Duration::from_secs(3600);

/// Does something once when it is woken, and something once when the last of it is dropped.
struct Act {
    on_wake: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    on_drop: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Act {
    fn on_wake(act: impl FnOnce() + Send + 'static) -> Waker {
        Waker::from(Arc::new(Self {
            on_wake: Mutex::new(Some(Box::new(act))),
            on_drop: Mutex::new(None),
        }))
    }

    fn on_drop(act: impl FnOnce() + Send + 'static) -> Waker {
        Waker::from(Arc::new(Self {
            on_wake: Mutex::new(None),
            on_drop: Mutex::new(Some(Box::new(act))),
        }))
    }
}

impl Wake for Act {
    fn wake(self: Arc<Self>) {
        let act = self.on_wake.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
    }
}

impl Drop for Act {
    fn drop(&mut self) {
        if let Some(act) = self.on_drop.get_mut().unwrap().take() {
            act();
        }
    }
}

/// One whose first tick no test lives to see, unless it is reset.
fn far_interval() -> OsInterval {
    interval_at(Instant::now() + HOUR, HOUR)
}

fn poll(interval: &mut OsInterval, waker: &Waker) -> Poll<Instant> {
    interval.poll_tick(&mut Context::from_waker(waker))
}

fn wait(interval: &mut OsInterval, waker: &Waker) {
    assert!(poll(interval, waker).is_pending());
}

/// Lets the runtime run until `done`.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn only_the_latest_waker_is_woken() {
    on_every_runtime("only_the_latest_waker_is_woken", || async {
        let (first, latest) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut interval = far_interval();
        wait(&mut interval, &Waker::from(Arc::clone(&first)));
        wait(&mut interval, &Waker::from(Arc::clone(&latest)));
        assert_eq!(Arc::strong_count(&first), 1, "the earlier one is let go of");
        interval.reset_after(ms(1));
        until(|| latest.get() == 1).await;
        assert_eq!(first.get(), 0);
        // And so is the one that was woken, once its `wake`, on another thread perhaps, returns.
        until(|| Arc::strong_count(&latest) == 1).await;
    });
}

/// How often the waker that is counted was woken before a poll was ready: never, but on Windows by
/// another thread, which may only now be done with it.
async fn woken_meanwhile(count: &Arc<Count>) -> usize {
    if cfg!(not(threadpool)) {
        return 0;
    }
    until(|| Arc::strong_count(count) == 2).await;
    count.get()
}

#[test]
fn no_waker_is_kept_after_ready() {
    let _watchdog = Watchdog::new("no_waker_is_kept_after_ready");
    // On one thread: where the runtime's own reactor fires, it cannot, and wake, before the poll
    // finds the tick due.
    current_thread().block_on(async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut interval = far_interval();
        wait(&mut interval, &waker);
        interval.reset_immediately();
        assert!(poll(&mut interval, &waker).is_ready());
        let woken = woken_meanwhile(&count).await;
        assert_eq!(Arc::strong_count(&count), 2, "`count` and `waker`");
        interval_at(Instant::now() + ms(5), HOUR).tick().await;
        assert_eq!(count.get(), woken, "nor woken after it");
    });
}

/// Also of one that is put in for a moment before which all has been taken out.
#[test]
fn no_waker_is_kept_after_a_reset_into_the_past() {
    let _watchdog = Watchdog::new("no_waker_is_kept_after_a_reset_into_the_past");
    current_thread().block_on(async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut interval = far_interval();
        wait(&mut interval, &waker);
        let past = Instant::now() + ms(1);
        interval_at(past + ms(2), HOUR).tick().await;
        interval.reset_at(past);
        assert!(poll(&mut interval, &waker).is_ready());
        woken_meanwhile(&count).await;
        assert_eq!(Arc::strong_count(&count), 2, "`count` and `waker`");
    });
}

/// One that waits looks at the clock once in a few polls; but at once for another deadline.
#[test]
fn a_reset_into_the_past_is_ready_at_the_next_poll() {
    let _watchdog = Watchdog::new("a_reset_into_the_past_is_ready_at_the_next_poll");
    current_thread().block_on(async {
        for polls in 1..=40 {
            let mut interval = far_interval();
            for _ in 0..polls {
                wait(&mut interval, Waker::noop());
            }
            interval.reset_immediately();
            assert!(poll(&mut interval, Waker::noop()).is_ready(), "{polls}");
        }
    });
}

/// A task that is polled for another reason than its timer has nothing to tell it.
#[test]
fn a_poll_that_changes_nothing_clones_no_waker() {
    let _watchdog = Watchdog::new("a_poll_that_changes_nothing_clones_no_waker");
    current_thread().block_on(async {
        let mut interval = far_interval();
        let clones = || CLONES.load(Ordering::SeqCst);
        let before = clones();
        wait(&mut interval, &Cloned::waker());
        assert_eq!(clones(), before + 1);
        for _ in 0..100 {
            wait(&mut interval, &Cloned::waker());
        }
        assert_eq!(clones(), before + 1);
        // After another one it is taken again.
        wait(&mut interval, Waker::noop());
        wait(&mut interval, &Cloned::waker());
        assert_eq!(clones(), before + 2);
    });
}

/// How often one of [`Cloned`] was.
static CLONES: AtomicUsize = AtomicUsize::new(0);

/// A waker that wakes nobody and counts its clones, which the standard library's do not tell.
struct Cloned;

impl Cloned {
    const TABLE: RawWakerVTable = RawWakerVTable::new(Self::clone, Self::nop, Self::nop, Self::nop);

    fn raw() -> RawWaker {
        RawWaker::new(ptr::null(), &Self::TABLE)
    }

    fn waker() -> Waker {
        // SAFETY: no function of it looks at the pointer, and any thread may call them.
        unsafe { Waker::from_raw(Self::raw()) }
    }

    fn clone(_: *const ()) -> RawWaker {
        CLONES.fetch_add(1, Ordering::SeqCst);
        Self::raw()
    }

    fn nop(_: *const ()) {}
}

/// A combinator may lend each of its futures the same waker, which wakes whoever was polled last: only its
/// clones are told apart.
#[test]
fn a_waker_that_means_another_than_before_is_taken() {
    let _watchdog = Watchdog::new("a_waker_that_means_another_than_before_is_taken");
    current_thread().block_on(async {
        let counts = [(); 2].map(|()| Arc::new(Count::default()));
        let lent: &Lent = Box::leak(Box::new(Lent(Mutex::new(Arc::clone(&counts[0])))));
        // SAFETY: the value behind the pointer lives on, and any thread may use it; the clones are wakers of
        // the standard library's.
        let waker =
            unsafe { Waker::from_raw(RawWaker::new(ptr::from_ref(lent).cast(), &Lent::TABLE)) };
        let cx = &mut Context::from_waker(&waker);
        let mut interval = interval_at(Instant::now() + ms(20), ms(20));
        for count in &counts {
            *lent.0.lock().unwrap() = Arc::clone(count);
            for _ in 0..100 {
                assert!(interval.poll_tick(cx).is_pending());
            }
        }
        while counts[1].get() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counts[0].get(), 0);
    });
}

/// Whom its waker wakes, which is no more than a pointer to this.
struct Lent(Mutex<Arc<Count>>);

impl Lent {
    const TABLE: RawWakerVTable = RawWakerVTable::new(Self::clone, Self::nop, Self::nop, Self::nop);

    fn clone(lent: *const ()) -> RawWaker {
        // SAFETY: it was made of a reference that lives on.
        let lent = unsafe { &*lent.cast::<Self>() };
        let waker = Waker::from(Arc::clone(&lent.0.lock().unwrap()));
        let raw = RawWaker::new(waker.data(), waker.vtable());
        std::mem::forget(waker);
        raw
    }

    fn nop(_: *const ()) {}
}

/// While tasks keep the thread, nobody asks the reactor. Whoever then asks the clock fires what is overdue.
#[cfg(all(descriptor, not(feature = "test-util")))]
#[test]
fn who_passes_by_fires_an_overdue_driver() {
    let _watchdog = Watchdog::new("who_passes_by_fires_an_overdue_driver");
    current_thread().block_on(async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        // One that is overdue, and has not been told so.
        let overdue = || {
            let before = count.get();
            loop {
                let deadline = Instant::now() + ms(5);
                let mut interval = interval_at(deadline, HOUR);
                // This thread may be preempted until it has passed.
                if poll(&mut interval, &waker).is_pending() {
                    std::thread::sleep(ms(10));
                    assert_eq!(count.get(), before);
                    return (interval, before);
                }
            }
        };

        // One that has to wait; that waits already; and that is ready.
        for way in 0..3 {
            let mut other = far_interval();
            if way != 0 {
                wait(&mut other, Waker::noop());
            }
            let (mut interval, before) = overdue();
            if way == 2 {
                other.reset_immediately();
                assert!(poll(&mut other, Waker::noop()).is_ready());
            } else {
                wait(&mut other, Waker::noop());
            }
            assert_eq!(count.get(), before + 1, "{way}");
            assert!(poll(&mut interval, &waker).is_ready());
        }

        // But not a drop, which may be anywhere; nor a reset.
        let mut other = far_interval();
        wait(&mut other, Waker::noop());
        let (mut interval, before) = overdue();
        other.reset_at(Instant::now() + 2 * HOUR);
        drop(other);
        assert_eq!(count.get(), before);
        wait(&mut far_interval(), Waker::noop());
        assert_eq!(count.get(), before + 1);
        assert!(poll(&mut interval, &waker).is_ready());
    });
}

#[test]
fn dropping_a_timer_lets_go_of_its_waker() {
    on_every_runtime("dropping_a_timer_lets_go_of_its_waker", || async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut interval = far_interval();
        wait(&mut interval, &waker);
        drop(interval);
        assert_eq!(Arc::strong_count(&count), 2, "`count` and `waker`");
        assert_eq!(count.get(), 0);
    });
}

#[test]
fn a_timer_is_dropped_from_a_wake() {
    on_every_runtime("a_timer_is_dropped_from_a_wake", || async {
        let (done, is_done) = oneshot::channel();
        // One that is due together with the waker's own, one that is not, and one that is made.
        let (mut due, mut waiting) = (far_interval(), far_interval());
        wait(&mut due, Waker::noop());
        wait(&mut waiting, Waker::noop());
        due.reset_immediately();
        let handle = tokio::runtime::Handle::current();
        let waker = Act::on_wake(move || {
            drop(due);
            drop(waiting);
            let _context = handle.enter();
            wait(&mut far_interval(), Waker::noop());
            done.send(()).unwrap();
        });
        let mut trigger = far_interval();
        wait(&mut trigger, &waker);
        drop(waker);
        trigger.reset_immediately();
        is_done.await.unwrap();
    });
}

#[test]
fn a_timer_is_dropped_from_a_wakers_drop() {
    on_every_runtime("a_timer_is_dropped_from_a_wakers_drop", || async {
        // The waker is let go of by: a poll with another one, `Ready`, a drop of its timer.
        for way in 0..3 {
            let dropped = Arc::new(AtomicBool::new(false));
            let mut inner = far_interval();
            wait(&mut inner, Waker::noop());
            let waker = Act::on_drop({
                let dropped = Arc::clone(&dropped);
                move || {
                    drop(inner);
                    dropped.store(true, Ordering::SeqCst);
                }
            });
            let mut outer = far_interval();
            wait(&mut outer, &waker);
            drop(waker);
            match way {
                0 => {
                    let _ = poll(&mut outer, Waker::noop());
                }
                1 => {
                    outer.reset_immediately();
                    assert!(poll(&mut outer, Waker::noop()).is_ready());
                }
                _ => drop(outer),
            }
            until(|| dropped.load(Ordering::SeqCst)).await;
        }
    });
}

#[test]
#[cfg_attr(
    all(threadpool, not(feature = "test-util")),
    ignore = "no timer needs its runtime there: see tests/alone/windows.rs"
)]
fn shutdown_drops_a_timer_from_a_waker() {
    let _watchdog = Watchdog::new("shutdown_drops_a_timer_from_a_waker");
    for on in [
        Act::on_wake as fn(Box<dyn FnOnce() + Send>) -> Waker,
        Act::on_drop,
    ] {
        let runtime = current_thread();
        let dropped = Arc::new(AtomicBool::new(false));
        let mut outer = runtime.block_on(async {
            let mut inner = far_interval();
            wait(&mut inner, Waker::noop());
            let flag = Arc::clone(&dropped);
            let waker = on(Box::new(move || {
                drop(inner);
                flag.store(true, Ordering::SeqCst);
            }));
            let mut outer = far_interval();
            wait(&mut outer, &waker);
            outer
        });
        drop(runtime);
        assert!(dropped.load(Ordering::SeqCst));
        outer.reset_immediately();
        assert!(poll(&mut outer, Waker::noop()).is_ready());
    }
}

#[test]
fn a_waker_that_panics_keeps_no_other_from_being_woken() {
    let _watchdog = Watchdog::new("a_waker_that_panics_keeps_no_other_from_being_woken");
    let runtime = current_thread();
    let count = Arc::new(Count::default());
    let others = Waker::from(Arc::clone(&count));
    let mut intervals: Vec<_> = {
        let _context = runtime.enter();
        (0..100).map(|_| far_interval()).collect()
    };
    for (n, interval) in intervals.iter_mut().enumerate() {
        if n == 40 {
            wait(interval, &Act::on_wake(|| panic!("a waker's own")));
        } else {
            wait(interval, &others);
        }
        interval.reset_immediately();
    }
    // The hook is told, the reactor is not: a current-thread runtime would not survive it.
    let outcome = panic_of(|| runtime.block_on(until(|| count.get() == 99)));
    assert_eq!(outcome, None);
    drop(intervals);

    // And the driver serves on.
    runtime.block_on(async {
        let mut interval = interval(ms(1));
        for _ in 0..3 {
            interval.tick().await;
        }
    });
}

#[test]
fn a_waker_whose_drop_panics_harms_nobody_else() {
    let _watchdog = Watchdog::new("a_waker_whose_drop_panics_harms_nobody_else");
    let runtime = current_thread();
    runtime.block_on(async {
        let mut other = tokio::spawn(async {
            let mut interval = interval(ms(1));
            for _ in 0..20 {
                interval.tick().await;
            }
        });
        let dropped = || Act::on_drop(|| panic!("a waker's own"));

        // As another takes its place: whoever polls is told.
        let mut timer = far_interval();
        wait(&mut timer, &dropped());
        let panic = panic_of(|| wait(&mut timer, Waker::noop()));
        assert_eq!(panic.expect("no panic").0, "a waker's own");
        timer.reset_after(ms(1));
        timer.tick().await;

        // With its timer.
        let mut timer = far_interval();
        wait(&mut timer, &dropped());
        let panic = panic_of(|| drop(timer));
        assert_eq!(panic.expect("no panic").0, "a waker's own");

        // After its wake: the reactor must not be told.
        let mut timer = far_interval();
        let was_dropped = Arc::new(AtomicBool::new(false));
        let waker = Act::on_drop({
            let was_dropped = Arc::clone(&was_dropped);
            move || {
                was_dropped.store(true, Ordering::SeqCst);
                panic!("a waker's own");
            }
        });
        wait(&mut timer, &waker);
        drop(waker);
        timer.reset_after(ms(1));
        until(|| was_dropped.load(Ordering::SeqCst)).await;
        assert!(poll(&mut timer, Waker::noop()).is_ready());

        (&mut other).await.unwrap();
    });
}

/// A task waits in `tick` while another hand resets its interval.
fn reset_wakes(name: &'static str, reset: impl Fn(&mut OsInterval) + Copy + Send + 'static) {
    on_every_runtime(name, || async move {
        let interval = Arc::new(Mutex::new(interval_at(Instant::now() + HOUR, ms(2))));
        let tick = tokio::spawn({
            let interval = Arc::clone(&interval);
            poll_fn(move |cx| interval.lock().unwrap().poll_tick(cx))
        });
        interval_at(Instant::now() + ms(2), HOUR).tick().await;
        assert!(!tick.is_finished());
        // Later, while it waits: it must wait on, not be lost.
        interval.lock().unwrap().reset_at(Instant::now() + 2 * HOUR);
        tokio::task::yield_now().await;
        assert!(!tick.is_finished());
        reset(&mut interval.lock().unwrap());
        tick.await.unwrap();
    });
}

#[test]
fn reset_wakes_a_waiting_task() {
    reset_wakes("reset_wakes_a_waiting_task", OsInterval::reset);
}

#[test]
fn reset_immediately_wakes_a_waiting_task() {
    reset_wakes(
        "reset_immediately_wakes_a_waiting_task",
        OsInterval::reset_immediately,
    );
}

#[test]
fn reset_after_wakes_a_waiting_task() {
    reset_wakes("reset_after_wakes_a_waiting_task", |interval| {
        interval.reset_after(ms(1));
    });
}

#[test]
fn reset_at_wakes_a_waiting_task() {
    reset_wakes("reset_at_wakes_a_waiting_task", |interval| {
        interval.reset_at(Instant::now() + ms(1));
    });
}

#[test]
fn reset_at_the_past_wakes_a_waiting_task() {
    reset_wakes("reset_at_the_past_wakes_a_waiting_task", |interval| {
        interval.reset_at(Instant::now().checked_sub(ms(1)).unwrap());
    });
}

/// `Pin` is not needed anywhere: an interval may be kept and moved as one likes.
#[test]
fn a_waiting_interval_may_be_moved() {
    on_every_runtime("a_waiting_interval_may_be_moved", || async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut intervals = Vec::new();
        for n in 0..100 {
            let mut interval = far_interval();
            wait(&mut interval, &waker);
            interval.reset_after(ms(n % 7));
            intervals.push(interval);
        }
        until(|| count.get() == 100).await;
        for mut interval in intervals {
            Pin::new(&mut interval).tick().await;
        }
    });
}
