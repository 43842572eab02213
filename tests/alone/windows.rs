//! On Windows a timer's callback runs on a thread of the process's pool, at any time while timers come and go.
#![cfg(windows)]

use std::mem::ManuallyDrop;
use std::pin::pin;
use std::process::{Command, exit};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::alone;
use crate::support::{
    HOUR, Watchdog, current_thread, ms, multi_thread, open_descriptors, poll_tick, start_waiting,
    us,
};
use fastrand::Rng;
use tokio::runtime::Runtime;
use tokio_osinterval::{OsInterval, PeriodicInterval, interval_at};

/// How many more handles than before are allowed. The threads of the pool, and those of tests that wait for
/// their turn, come and go.
const MORE_HANDLES: usize = 24;

fn handles() -> usize {
    let handles = open_descriptors().unwrap();
    assert!(handles > 0, "the system lists no handle");
    handles
}

#[track_caller]
fn assert_no_handle_left(before: usize) {
    let now = handles();
    println!("handles: {before} before, {now} now");
    assert!(
        now <= before + MORE_HANDLES,
        "{now} handles, {before} before"
    );
}

fn due_in(after: Duration) -> OsInterval {
    interval_at(tokio::time::Instant::now() + after, HOUR)
}

fn poll_periodic(interval: &mut PeriodicInterval, waker: &Waker) -> bool {
    let polled = interval.poll_tick(&mut Context::from_waker(waker));
    polled.is_ready()
}

/// The standard library's clock reads `QueryPerformanceCounter`, as the backend does. Waits begin at 100 ns,
/// the unit of the kernel.
#[test]
fn no_tick_is_early_by_the_performance_counter() {
    let _alone = alone();
    let mut rng = Rng::with_seed(1);
    for runtime in [current_thread(), multi_thread(2)] {
        runtime.block_on(async {
            for most in [100, 1_000, 100_000, 3_000_000] {
                for _ in 0..200 {
                    let after = Duration::from_nanos(rng.u64(..most));
                    let before = Instant::now();
                    let mut interval = due_in(after);
                    let deadline = interval.tick().await.into_std();
                    let now = Instant::now();
                    assert!(now >= deadline, "{:?} early", deadline - now);
                    assert!(now >= before + after);
                }
            }
        });
    }
}

#[test]
fn thousand_intervals_share_one_kernel_timer() {
    let _alone = alone();
    current_thread().block_on(async {
        let mut first = due_in(ms(1));
        first.tick().await;
        let before = handles();
        let mut intervals: Vec<_> = (0..1_000).map(|n| due_in(ms(500) + us(10 * n))).collect();
        for interval in &mut intervals {
            start_waiting(interval, Waker::noop());
        }
        assert_no_handle_left(before);
        for mut interval in intervals {
            interval.tick().await;
        }
    });
}

#[test]
fn runtimes_leave_no_handle_open() {
    let _alone = alone();
    let run = |runtime: Runtime| {
        runtime.block_on(async {
            let mut interval = due_in(us(100));
            // The runtime drops this task while it waits.
            tokio::spawn(async { due_in(HOUR).tick().await });
            interval.tick().await;
        });
    };
    (0..10).for_each(|_| run(multi_thread(2)));
    let before = handles();
    for _ in 0..100 {
        run(current_thread());
        run(multi_thread(2));
    }
    assert_no_handle_left(before);
}

/// Sets its flag when its `wake` begins, and makes it last for a while.
#[derive(Default)]
struct SlowWaker(AtomicBool);

impl Wake for SlowWaker {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        while begun.elapsed() < us(20) {}
    }
}

/// Drops timers around the time of their callback.
///
/// Each is due within 500 µs. Half of them are dropped when their wake-up has begun, the others at a random
/// time about the deadline.
fn drop_during_the_callback<T>(
    create: impl Fn(Duration) -> T + Sync,
    poll: impl Fn(&mut T, &Waker) + Sync,
) {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 10_000;

    let runtime = multi_thread(1);
    let dropped_while_waking = AtomicU64::new(0);
    let run = |thread: u64, rounds: u64| {
        let _context = runtime.enter();
        let mut rng = Rng::with_seed(thread + 1);
        for round in 0..rounds {
            let waker = Arc::new(SlowWaker::default());
            let after = us(rng.u64(..500));
            // The kernel may count in milliseconds.
            let end = Instant::now() + after + us(rng.u64(..1_000));
            let mut timer = create(after);
            poll(&mut timer, &Waker::from(Arc::clone(&waker)));
            if round % 2 == 0 {
                while !waker.0.load(Ordering::SeqCst) && Instant::now() < end + ms(5) {
                    thread::yield_now();
                }
            } else {
                while Instant::now() < end {
                    thread::yield_now();
                }
            }
            let is_waking = waker.0.load(Ordering::SeqCst) && Arc::strong_count(&waker) > 1;
            dropped_while_waking.fetch_add(is_waking.into(), Ordering::Relaxed);
            drop(timer);
        }
    };
    run(THREADS, 100);
    let before = handles();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || run(thread, ROUNDS / THREADS));
        }
    });
    println!("{ROUNDS} rounds, {dropped_while_waking:?} dropped during the wake-up");
    assert!(
        dropped_while_waking.into_inner() > 0,
        "none was dropped in time"
    );
    assert_no_handle_left(before);
    // Further timers work.
    runtime.block_on(async { due_in(ms(1)).tick().await });
}

#[test]
fn interval_may_be_dropped_during_its_callback() {
    let _alone = alone();
    drop_during_the_callback(due_in, |interval, waker| {
        let _ = poll_tick(interval, waker);
    });
}

/// Each has a kernel timer, which is closed with it.
#[test]
fn periodic_interval_may_be_dropped_during_its_callback() {
    let _alone = alone();
    let create = |after| PeriodicInterval::new(after + us(1)).unwrap();
    drop_during_the_callback(create, |interval, waker| {
        let _ = poll_periodic(interval, waker);
    });
}

/// Holds a timer, and drops it on the thread that wakes it. It cannot do so while the timer is stored,
/// perhaps by the same thread: a poll that finds its timer due may wake.
struct TimerHolder<T> {
    timer: Mutex<Option<T>>,
    dropped: AtomicBool,
    was_locked: AtomicBool,
    woken: AtomicBool,
}

impl<T: Send + 'static> Wake for TimerHolder<T> {
    fn wake(self: Arc<Self>) {
        if let Ok(mut held) = self.timer.try_lock() {
            let timer = held.take();
            drop(held);
            self.dropped.store(timer.is_some(), Ordering::SeqCst);
            drop(timer);
        } else {
            self.was_locked.store(true, Ordering::SeqCst);
        }
        self.woken.store(true, Ordering::SeqCst);
    }
}

/// Drops each timer from its own callback. `poll` returns `true` if the timer is ready.
fn drop_from_the_callback<T: Send + 'static>(
    create: impl Fn() -> T,
    poll: impl Fn(&mut T, &Waker) -> bool,
) {
    const ROUNDS: usize = 500;

    let runtime = multi_thread(1);
    let _context = runtime.enter();
    let before = handles();
    let mut dropped = 0;
    for _ in 0..ROUNDS {
        let holder = Arc::new(TimerHolder {
            timer: Mutex::new(None),
            dropped: AtomicBool::new(false),
            was_locked: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&holder));
        let mut timer = holder.timer.lock().unwrap();
        let ready = poll(timer.insert(create()), &waker);
        drop(timer);
        while !ready && !holder.woken.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let is_dropped = holder.dropped.load(Ordering::SeqCst);
        assert!(is_dropped || ready || holder.was_locked.load(Ordering::SeqCst));
        dropped += usize::from(is_dropped);
    }
    println!("{ROUNDS} rounds, {dropped} dropped from the callback");
    assert!(dropped > 0, "none was dropped from the callback");
    assert_no_handle_left(before);
}

#[test]
fn timer_may_be_dropped_from_its_callback() {
    let _alone = alone();
    drop_from_the_callback(
        || due_in(us(200)),
        |interval, waker| poll_tick(interval, waker).is_ready(),
    );
    drop_from_the_callback(|| PeriodicInterval::new(us(200)).unwrap(), poll_periodic);
}

/// Runtimes are dropped before their timers and after them. Some timers are about to expire.
#[test]
fn runtime_may_end_while_timers_are_armed() {
    let _alone = alone();
    let mut rng = Rng::with_seed(7);
    let mut round = |n: usize| {
        let runtime = if n % 2 == 0 {
            current_thread()
        } else {
            multi_thread(2)
        };
        let waker = Waker::from(Arc::new(SlowWaker::default()));
        let timers = runtime.block_on(async {
            let mut intervals: Vec<_> = (0..10).map(|_| due_in(us(rng.u64(..1_500)))).collect();
            for interval in &mut intervals {
                let _ = poll_tick(interval, &waker);
            }
            tokio::spawn(async { due_in(us(300)).tick().await });
            let mut periodic = PeriodicInterval::new(us(rng.u64(100..600))).unwrap();
            let _ = poll_periodic(&mut periodic, &waker);
            (intervals, periodic)
        });
        thread::sleep(us(rng.u64(..1_500)));
        if n % 4 < 2 {
            drop(runtime);
            drop(timers);
        } else {
            drop(timers);
            drop(runtime);
        }
    };
    (0..20).for_each(&mut round);
    let before = handles();
    (0..400).for_each(round);
    assert_no_handle_left(before);
}

/// The callbacks do not need the runtime, nor any driver of it.
#[test]
#[cfg_attr(not(process_wide_driver), ignore = "timers belong to their runtime")]
fn timers_outlive_their_runtime() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (mut interval, sleep, mut periodic) = {
        let _context = runtime.enter();
        (
            due_in(HOUR),
            tokio_osinterval::sleep(ms(5)),
            PeriodicInterval::new(ms(5)).unwrap(),
        )
    };
    runtime.block_on(async { due_in(ms(1)).tick().await });
    start_waiting(&mut interval, Waker::noop());
    drop(runtime);
    futures::executor::block_on(async {
        for _ in 0..3 {
            interval.reset_after(ms(1));
            interval.tick().await;
        }
        pin!(sleep).await;
        for _ in 0..3 {
            assert!(periodic.tick().await.unwrap() >= 1);
        }
    });
}

/// The environment variable that tells a child process how to end.
const HOW_TO_END: &str = "TOKIO_OSINTERVAL_TEST_EXIT";

/// Threads, tasks and callbacks still run when the process ends.
#[test]
fn process_may_end_while_timers_are_armed() {
    let _alone = alone();
    for (how, code) in [("return", 0), ("exit", 7), ("callback", 8)] {
        for round in 0..8 {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args([
                "--exact",
                "windows::child_process_that_ends",
                "--ignored",
                "--quiet",
            ]);
            let output = child.env(HOW_TO_END, how).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{how}, {round}: {text}");
        }
    }
}

/// Ends the process from its `wake`.
struct ExitWaker;

impl Wake for ExitWaker {
    fn wake(self: Arc<Self>) {
        exit(8);
    }
}

#[test]
#[ignore = "for process_may_end_while_timers_are_armed"]
fn child_process_that_ends() {
    // A drop would stop the threads, and the process must end while they run.
    let _watchdog = ManuallyDrop::new(Watchdog::new());
    let runtime = ManuallyDrop::new(multi_thread(2));
    for n in 0..100 {
        runtime.spawn(async move {
            let mut interval = interval_at(tokio::time::Instant::now(), us(200 + n));
            loop {
                interval.tick().await;
            }
        });
        if n < 10 {
            runtime.spawn(async move {
                let mut interval = PeriodicInterval::new(us(300 + n)).unwrap();
                loop {
                    interval.tick().await.unwrap();
                }
            });
        }
    }
    thread::sleep(ms(20));
    match std::env::var(HOW_TO_END).as_deref() {
        Ok("exit") => exit(7),
        Ok("callback") => {
            let _context = runtime.enter();
            let mut interval = due_in(ms(1));
            let waker = Waker::from(Arc::new(ExitWaker));
            if poll_tick(&mut interval, &waker).is_ready() {
                exit(8);
            }
            thread::sleep(HOUR);
        }
        // The test harness returns from `main`.
        _ => {}
    }
}
