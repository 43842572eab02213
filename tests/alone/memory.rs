//! What a waiting timer costs in memory, and that it gives it back.
#![cfg(all(timerfd, not(feature = "test-util")))]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::alone;
use crate::support::{Watchdog, current_thread, ms};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, Sleep, interval, interval_at, sleep_until};

const HOUR: Duration = Duration::from_secs(3600);

fn waiting(start: Instant) -> OsInterval {
    let mut interval = interval_at(start, HOUR);
    let polled = interval.poll_tick(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    interval
}

/// Also just after a container has grown, when half of it is empty.
#[test]
fn at_most_128_bytes_of_heap_each() {
    let _alone = alone();
    let _watchdog = Watchdog::new("at_most_128_bytes_of_heap_each");
    for count in [1_000_u32, 10_000, 65_536, 65_537, 100_000] {
        let runtime = current_thread();
        let _context = runtime.enter();
        let start = Instant::now() + HOUR;
        // The first of a runtime makes its driver.
        let first = waiting(start);
        let mut intervals = Vec::with_capacity(count as usize);
        let held = allocation_counter::measure(|| {
            for n in 0..count {
                intervals.push(waiting(start + Duration::from_micros(n.into())));
            }
        });
        let each = held.bytes_current / i64::from(count);
        println!("{count} intervals: {each} bytes of heap each");
        assert!(each <= 128, "{each} bytes for each of {count}");

        let after = allocation_counter::measure(move || drop((intervals, first)));
        let left = held.bytes_current + after.bytes_current;
        assert!(left <= 0, "{left} bytes are left");
    }
}

type Sleeps = Vec<Pin<Box<Sleep>>>;

/// So many that end one after the other, an hour after `start`, and have not been polled.
fn sleeps(count: u32, start: Instant) -> Sleeps {
    let ends = (0..count).map(|n| start + HOUR + Duration::from_micros(n.into()));
    ends.map(|end| Box::pin(sleep_until(end))).collect()
}

fn arm(sleeps: &mut Sleeps) {
    let cx = &mut Context::from_waker(Waker::noop());
    for sleep in sleeps {
        assert!(sleep.as_mut().poll(cx).is_pending());
    }
}

/// Besides the timers themselves, which are wherever their owners keep them.
#[test]
fn at_most_64_bytes_of_the_driver_each() {
    const COUNT: u32 = 100_000;
    let _alone = alone();
    let _watchdog = Watchdog::new("at_most_64_bytes_of_the_driver_each");
    let runtime = current_thread();
    let _context = runtime.enter();
    let start = Instant::now();
    let _first = waiting(start + HOUR);
    let mut sleeps = sleeps(COUNT, start);
    let held = allocation_counter::measure(|| arm(&mut sleeps)).bytes_current;
    let each = held / i64::from(COUNT);
    println!("{COUNT} sleeps: {each} bytes of the driver each");
    assert!((1..=64).contains(&each), "{each} bytes");
}

/// Whether what waits on came first or in the midst of it.
#[test]
fn a_spike_leaves_nothing_behind() {
    const HALF: u32 = 500_000;
    let _alone = alone();
    let _watchdog = Watchdog::new("a_spike_leaves_nothing_behind");
    let runtime = current_thread();
    runtime.block_on(async {
        let mut first = interval(ms(1));
        first.tick().await;
        first.tick().await;
        let mut later = None;
        let mut most = 0;
        let left = allocation_counter::measure(|| {
            let start = Instant::now();
            let held = allocation_counter::measure(|| {
                let mut spike = [sleeps(HALF, start), sleeps(HALF, start)];
                arm(&mut spike[0]);
                later = Some(waiting(start + HOUR));
                arm(&mut spike[1]);
                spike.reverse();
                drop(spike);
            });
            most = held.bytes_max;
        });
        let left = left.bytes_current;
        println!("of {most} bytes {left} are left");
        assert!(most > 100 << 20, "what it held: {most}");
        assert!(left <= 4 << 20, "{left} bytes are left");
        first.tick().await;
        drop(later);
    });
}

/// Nothing but the wakers, which are the task's.
#[test]
fn a_tick_allocates_nothing() {
    let _alone = alone();
    let _watchdog = Watchdog::new("a_tick_allocates_nothing");
    let runtime = current_thread();
    let mut interval = {
        let _context = runtime.enter();
        tokio_osinterval::interval(Duration::from_micros(200))
    };
    let mut run = |ticks: u32| {
        runtime.block_on(async {
            for _ in 0..ticks {
                interval.tick().await;
            }
        });
    };
    run(10);
    // What the first missed tick or a crowded run queue allocates is not the ticks': hence one of
    // some attempts.
    let mut as_many = || {
        let few = allocation_counter::measure(|| run(10)).count_total;
        let many = allocation_counter::measure(|| run(210)).count_total;
        println!("allocations: {few} for ten ticks, {many} for two hundred more");
        many == few
    };
    assert!((0..10).any(|_| as_many()));
}

/// Of which there are as many as timers, wherever their owners keep them.
#[test]
fn the_timers_themselves_are_small() {
    let [interval, sleep] = [size_of::<OsInterval>(), size_of::<Sleep>()];
    println!("an interval is {interval} bytes itself, a sleep {sleep}");
    assert!(interval <= 104 && sleep <= 80);
}
