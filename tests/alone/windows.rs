//! Windows: callbacks of the process's thread pool, which nobody waits for, while their timers come
//! and go.
#![cfg(windows)]

use std::pin::pin;
use std::process::{Command, exit};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::alone;
use crate::support::{Watchdog, current_thread, ms, multi_thread, open_descriptors, us};
use tokio::runtime::Runtime;
use tokio_osinterval::{OsInterval, interval_at};

const HOUR: Duration = Duration::from_secs(3600);

/// How many more handles there may be than before: the pool's threads, and those of the tests that
/// wait for their turn, come and go.
const SOME: usize = 24;

fn handles() -> usize {
    let handles = open_descriptors().unwrap();
    assert!(handles > 0, "the system does not tell");
    handles
}

#[track_caller]
fn assert_no_more_than(before: usize) {
    let now = handles();
    println!("handles: {before} before, {now} now");
    assert!(now <= before + SOME, "{now} handles, {before} before");
}

/// Numbers that are spread evenly enough.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn due_in(after: Duration) -> OsInterval {
    interval_at(tokio::time::Instant::now() + after, HOUR)
}

fn poll(interval: &mut OsInterval, waker: &Waker) -> Poll<tokio::time::Instant> {
    interval.poll_tick(&mut Context::from_waker(waker))
}

/// By std's clock, which counts what `QueryPerformanceCounter` does, from one unit of the kernel's,
/// 100 ns, on.
#[test]
fn never_early_on_every_sample() {
    let _alone = alone();
    let _watchdog = Watchdog::new("never_early_on_every_sample");
    let mut random = Random(1);
    for runtime in [current_thread(), multi_thread(2)] {
        runtime.block_on(async {
            for most in [100, 1_000, 100_000, 3_000_000] {
                for _ in 0..200 {
                    let after = Duration::from_nanos(random.below(most));
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
fn a_thousand_intervals_on_one_timer() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_thousand_intervals_on_one_timer");
    current_thread().block_on(async {
        let mut first = due_in(ms(1));
        first.tick().await;
        let before = handles();
        let mut intervals: Vec<_> = (0..1_000).map(|n| due_in(ms(500) + us(10 * n))).collect();
        for interval in &mut intervals {
            assert!(poll(interval, Waker::noop()).is_pending());
        }
        assert_no_more_than(before);
        for mut interval in intervals {
            interval.tick().await;
        }
    });
}

#[test]
fn runtimes_come_and_go_and_leave_no_handle() {
    let _alone = alone();
    let _watchdog = Watchdog::new("runtimes_come_and_go_and_leave_no_handle");
    let one = |runtime: Runtime| {
        runtime.block_on(async {
            let mut interval = due_in(us(100));
            // In a task that is never finished, too.
            tokio::spawn(async { due_in(HOUR).tick().await });
            interval.tick().await;
        });
    };
    (0..10).for_each(|_| one(multi_thread(2)));
    let before = handles();
    for _ in 0..100 {
        one(current_thread());
        one(multi_thread(2));
    }
    assert_no_more_than(before);
}

/// Tells when its `wake` has begun, and has it last for a while.
#[derive(Default)]
struct Slow(AtomicBool);

impl Wake for Slow {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        while begun.elapsed() < us(20) {}
    }
}

/// What is dropped just while its callback may be on its way or running: made due in up to 500 µs,
/// and dropped at a random moment about then or, every other time, when its wake-up has begun.
fn drop_in_time<T>(make: impl Fn(Duration) -> T + Sync, poll: impl Fn(&mut T, &Waker) + Sync) {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 10_000;

    let runtime = multi_thread(1);
    let while_woken = AtomicU64::new(0);
    let rounds = |thread: u64, rounds: u64| {
        let _context = runtime.enter();
        let mut random = Random(thread + 1);
        for round in 0..rounds {
            let slow = Arc::new(Slow::default());
            let after = us(random.below(500));
            // The kernel's unit may be a millisecond.
            let end = Instant::now() + after + us(random.below(1_000));
            let mut timer = make(after);
            poll(&mut timer, &Waker::from(Arc::clone(&slow)));
            if round % 2 == 0 {
                while !slow.0.load(Ordering::SeqCst) && Instant::now() < end + ms(5) {
                    thread::yield_now();
                }
            } else {
                while Instant::now() < end {
                    thread::yield_now();
                }
            }
            let in_wake = slow.0.load(Ordering::SeqCst) && Arc::strong_count(&slow) > 1;
            while_woken.fetch_add(in_wake.into(), Ordering::Relaxed);
            drop(timer);
        }
    };
    rounds(THREADS, 100);
    let before = handles();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || rounds(thread, ROUNDS / THREADS));
        }
    });
    println!("{ROUNDS} rounds, {while_woken:?} dropped during the wake-up");
    assert!(while_woken.into_inner() > 0, "none was dropped in time");
    assert_no_more_than(before);
    // And those that are left work.
    runtime.block_on(async { due_in(ms(1)).tick().await });
}

#[test]
fn intervals_are_dropped_during_the_callback() {
    let _alone = alone();
    let _watchdog = Watchdog::new("intervals_are_dropped_during_the_callback");
    drop_in_time(due_in, |interval, waker| {
        let _ = poll(interval, waker);
    });
}

/// A kernel's timer each, which goes with it.
#[test]
fn periodic_intervals_are_dropped_during_the_callback() {
    let _alone = alone();
    let _watchdog = Watchdog::new("periodic_intervals_are_dropped_during_the_callback");
    let make = |after| tokio_osinterval::PeriodicInterval::new(after + us(1)).unwrap();
    drop_in_time(make, |interval, waker| {
        let _ = interval.poll_tick(&mut Context::from_waker(waker));
    });
}

/// Drops what it holds, on the thread that wakes it: unless that is put there just now, perhaps by
/// the same thread, since a poll that finds its timer due after all may wake.
struct Holder<T> {
    held: Mutex<Option<T>>,
    dropped: AtomicBool,
    too_soon: AtomicBool,
    woken: AtomicBool,
}

impl<T: Send + 'static> Wake for Holder<T> {
    fn wake(self: Arc<Self>) {
        if let Ok(mut held) = self.held.try_lock() {
            let timer = held.take();
            drop(held);
            self.dropped.store(timer.is_some(), Ordering::SeqCst);
            drop(timer);
        } else {
            self.too_soon.store(true, Ordering::SeqCst);
        }
        self.woken.store(true, Ordering::SeqCst);
    }
}

fn drop_from_the_callback<T: Send + 'static>(
    make: impl Fn() -> T,
    poll: impl Fn(&mut T, &Waker) -> bool,
) {
    const ROUNDS: usize = 500;

    let runtime = multi_thread(1);
    let _context = runtime.enter();
    let before = handles();
    let mut dropped = 0;
    for _ in 0..ROUNDS {
        let holder = Arc::new(Holder {
            held: Mutex::new(None),
            dropped: AtomicBool::new(false),
            too_soon: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&holder));
        let mut held = holder.held.lock().unwrap();
        let pending = poll(held.insert(make()), &waker);
        drop(held);
        while pending && !holder.woken.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let is_dropped = holder.dropped.load(Ordering::SeqCst);
        assert!(is_dropped || !pending || holder.too_soon.load(Ordering::SeqCst));
        dropped += usize::from(is_dropped);
    }
    println!("{ROUNDS} rounds, {dropped} dropped from the callback");
    assert!(dropped > 0, "none was dropped from the callback");
    assert_no_more_than(before);
}

#[test]
fn timers_are_dropped_from_the_callback() {
    let _alone = alone();
    let _watchdog = Watchdog::new("timers_are_dropped_from_the_callback");
    drop_from_the_callback(
        || due_in(us(200)),
        |interval, waker| poll(interval, waker).is_pending(),
    );
    drop_from_the_callback(
        || tokio_osinterval::PeriodicInterval::new(us(200)).unwrap(),
        |interval, waker| {
            let polled = interval.poll_tick(&mut Context::from_waker(waker));
            polled.is_pending()
        },
    );
}

/// Before their timers and after them, some of which are about to expire.
#[test]
fn runtimes_end_while_timers_are_armed() {
    let _alone = alone();
    let _watchdog = Watchdog::new("runtimes_end_while_timers_are_armed");
    let mut random = Random(7);
    let mut round = |n: usize| {
        let runtime = if n % 2 == 0 {
            current_thread()
        } else {
            multi_thread(2)
        };
        let waker = Waker::from(Arc::new(Slow::default()));
        let timers = runtime.block_on(async {
            let mut intervals: Vec<_> = (0..10).map(|_| due_in(us(random.below(1_500)))).collect();
            for interval in &mut intervals {
                let _ = poll(interval, &waker);
            }
            tokio::spawn(async { due_in(us(300)).tick().await });
            let mut periodic =
                tokio_osinterval::PeriodicInterval::new(us(100 + random.below(500))).unwrap();
            let _ = periodic.poll_tick(&mut Context::from_waker(&waker));
            (intervals, periodic)
        });
        thread::sleep(us(random.below(1_500)));
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
    assert_no_more_than(before);
}

/// Timers of a runtime that has ended go on, since it is not the runtime that hears of their expiry.
#[test]
#[cfg_attr(
    feature = "test-util",
    ignore = "they follow the clock of their runtime"
)]
#[cfg_attr(not(threadpool), ignore = "they are the runtime's own")]
fn they_outlive_their_runtime() {
    let _alone = alone();
    let _watchdog = Watchdog::new("they_outlive_their_runtime");
    // Nor does that need any driver.
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let waits = {
        let _context = runtime.enter();
        (
            due_in(HOUR),
            tokio_osinterval::sleep(ms(5)),
            tokio_osinterval::PeriodicInterval::new(ms(5)).unwrap(),
        )
    };
    runtime.block_on(async { due_in(ms(1)).tick().await });
    let mut interval = waits.0;
    assert!(poll(&mut interval, Waker::noop()).is_pending());
    drop(runtime);
    futures::executor::block_on(async {
        for _ in 0..3 {
            interval.reset_after(ms(1));
            interval.tick().await;
        }
        pin!(waits.1).await;
        {
            let mut periodic = waits.2;
            for _ in 0..3 {
                assert!(periodic.tick().await.unwrap() >= 1);
            }
        }
    });
}

/// What a child process is told in its environment.
const HOW: &str = "TOKIO_OSINTERVAL_TEST_EXIT";

/// Threads, tasks and callbacks go on as the process ends.
#[test]
fn a_process_ends_while_timers_are_armed() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_process_ends_while_timers_are_armed");
    for (how, code) in [("return", 0), ("exit", 7), ("callback", 8)] {
        for round in 0..8 {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args([
                "--exact",
                "windows::the_child_that_ends",
                "--ignored",
                "--quiet",
            ]);
            let output = child.env(HOW, how).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{how}, {round}: {text}");
        }
    }
}

/// Ends the process from its `wake`.
struct Exit;

impl Wake for Exit {
    fn wake(self: Arc<Self>) {
        exit(8);
    }
}

#[test]
#[ignore = "for a_process_ends_while_timers_are_armed"]
fn the_child_that_ends() {
    // Neither is dropped: there would be nothing left to end with.
    let _watchdog = std::mem::ManuallyDrop::new(Watchdog::new("the_child_that_ends"));
    let runtime = std::mem::ManuallyDrop::new(multi_thread(2));
    for n in 0..100 {
        runtime.spawn(async move {
            let mut interval = interval_at(tokio::time::Instant::now(), us(200 + n));
            loop {
                interval.tick().await;
            }
        });
        if n < 10 {
            runtime.spawn(async move {
                let mut interval = tokio_osinterval::PeriodicInterval::new(us(300 + n)).unwrap();
                loop {
                    interval.tick().await.unwrap();
                }
            });
        }
    }
    thread::sleep(ms(20));
    match std::env::var(HOW).as_deref() {
        Ok("exit") => exit(7),
        Ok("callback") => {
            let _context = runtime.enter();
            let mut interval = due_in(ms(1));
            let waker = Waker::from(Arc::new(Exit));
            if poll(&mut interval, &waker).is_ready() {
                exit(8);
            }
            thread::sleep(HOUR);
        }
        // The harness returns from `main`.
        _ => {}
    }
}
