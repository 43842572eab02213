//! A waiting timer takes little memory, and returns it.
#![cfg(all(timerfd, production))]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::alone;
use crate::support::{HOUR, current_thread, ms, start_waiting};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, Sleep, interval, interval_at, sleep_until};

fn waiting_interval(start: Instant) -> OsInterval {
    let mut interval = interval_at(start, HOUR);
    start_waiting(&mut interval, Waker::noop());
    interval
}

/// The counts include some at which a container has just grown, and half of it is empty.
#[test]
fn interval_takes_at_most_128_bytes_of_heap() {
    let _alone = alone();
    for count in [1_000_u32, 10_000, 65_536, 65_537, 100_000] {
        let runtime = current_thread();
        let _context = runtime.enter();
        let start = Instant::now() + HOUR;
        // The first timer of a runtime creates the driver.
        let first = waiting_interval(start);
        let mut intervals = Vec::with_capacity(count as usize);
        let held = allocation_counter::measure(|| {
            for n in 0..count {
                intervals.push(waiting_interval(start + Duration::from_micros(n.into())));
            }
        });
        let each = held.bytes_current / i64::from(count);
        println!("{count} intervals: {each} bytes of heap each");
        assert!(each <= 128, "{each} bytes for each of {count}");

        let dropped = allocation_counter::measure(move || drop((intervals, first)));
        let left = held.bytes_current + dropped.bytes_current;
        assert!(left <= 0, "{left} bytes are left");
    }
}

type Sleeps = Vec<Pin<Box<Sleep>>>;

/// Creates sleeps that end one after the other, from an hour after `start` on. They do not wait yet.
fn sleeps(count: u32, start: Instant) -> Sleeps {
    let ends = (0..count).map(|n| start + HOUR + Duration::from_micros(n.into()));
    ends.map(|end| Box::pin(sleep_until(end))).collect()
}

fn start_all(sleeps: &mut Sleeps) {
    let cx = &mut Context::from_waker(Waker::noop());
    for sleep in sleeps {
        assert!(sleep.as_mut().poll(cx).is_pending());
    }
}

/// The sleeps themselves are not counted.
#[test]
fn sleep_takes_at_most_64_bytes_of_the_driver() {
    const COUNT: u32 = 100_000;
    let _alone = alone();
    let runtime = current_thread();
    let _context = runtime.enter();
    let start = Instant::now();
    let _first = waiting_interval(start + HOUR);
    let mut sleeps = sleeps(COUNT, start);
    let held = allocation_counter::measure(|| start_all(&mut sleeps)).bytes_current;
    let each = held / i64::from(COUNT);
    println!("{COUNT} sleeps: {each} bytes of the driver each");
    assert!((1..=64).contains(&each), "{each} bytes");
}

/// Two timers outlive the spike: one that was created before it, and one that was created during it.
#[test]
fn spike_of_sleeps_returns_its_memory() {
    const HALF: u32 = 500_000;
    let _alone = alone();
    let runtime = current_thread();
    runtime.block_on(async {
        let mut before = interval(ms(1));
        before.tick().await;
        before.tick().await;
        let mut during = None;
        let mut most = 0;
        let left = allocation_counter::measure(|| {
            let start = Instant::now();
            let held = allocation_counter::measure(|| {
                let mut spike = [sleeps(HALF, start), sleeps(HALF, start)];
                start_all(&mut spike[0]);
                during = Some(waiting_interval(start + HOUR));
                start_all(&mut spike[1]);
                spike.reverse();
                drop(spike);
            });
            most = held.bytes_max;
        });
        let left = left.bytes_current;
        println!("of {most} bytes {left} are left");
        assert!(most > 100 << 20, "the spike took {most} bytes");
        assert!(left <= 4 << 20, "{left} bytes are left");
        before.tick().await;
        drop(during);
    });
}

#[test]
fn timers_are_small() {
    let [interval, sleep] = [size_of::<OsInterval>(), size_of::<Sleep>()];
    println!("an interval has {interval} bytes, a sleep {sleep}");
    assert!(interval <= 104 && sleep <= 80);
}
