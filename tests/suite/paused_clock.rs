//! Timers follow tokio's clock when it is paused, moved or resumed.
#![cfg(feature = "test-util")]

use std::task::{Poll, Waker};
use std::time::Duration;

use crate::support::{
    CountingWaker, HOUR, Watchdog, ms, multi_thread, on_current_thread, paused, poll_once,
    poll_tick, start_waiting, us,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, advance, pause, resume};
use tokio_osinterval::{
    MissedTickBehavior, OsInterval, PeriodicInterval, Precision, interval, interval_at,
};

#[tokio::test(start_paused = true)]
async fn auto_advance_jumps_to_the_next_tick() {
    let _watchdog = Watchdog::new();
    let real = std::time::Instant::now();
    let start = Instant::now();
    let mut interval = interval(HOUR);
    for k in 0..1000 {
        assert_eq!(interval.tick().await, start + HOUR * k);
        assert_eq!(Instant::now(), start + HOUR * k);
    }
    assert!(real.elapsed() < HOUR);
}

#[tokio::test(start_paused = true)]
async fn auto_advance_keeps_the_order_of_timers() {
    let _watchdog = Watchdog::new();
    let start = Instant::now();
    let mut slow = interval_at(start + ms(70), ms(70));
    let mut fast = interval_at(start + ms(30), ms(30));
    let mut seen = Vec::new();
    for _ in 0..5 {
        tokio::select! {
            at = slow.tick() => seen.push(("slow", at - start)),
            at = fast.tick() => seen.push(("fast", at - start)),
        }
    }
    let expected = [
        ("fast", ms(30)),
        ("fast", ms(60)),
        ("slow", ms(70)),
        ("fast", ms(90)),
        ("fast", ms(120)),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn auto_advance_does_not_stop_at_a_dropped_or_reset_timer() {
    let _watchdog = Watchdog::new();
    let start = Instant::now();
    let waiting_interval = || {
        let mut interval = interval_at(start + ms(50), ms(50));
        start_waiting(&mut interval, Waker::noop());
        interval
    };

    drop(waiting_interval());
    // There is no timer to jump to, so the clock stands still while this task waits for a thread.
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(ms(100));
        sender.send(()).unwrap();
    });
    receiver.await.unwrap();
    assert_eq!(Instant::now(), start);

    let mut reset = waiting_interval();
    reset.reset_at(start + 2 * HOUR);
    interval_at(start + HOUR, ms(1)).tick().await;
    assert_eq!(Instant::now(), start + HOUR);
}

#[tokio::test(start_paused = true)]
async fn advance_fires_what_becomes_due() {
    let _watchdog = Watchdog::new();
    let start = Instant::now();
    let mut interval = interval_at(start + ms(10), ms(10));
    let waker = CountingWaker::new();
    start_waiting(&mut interval, &waker);
    advance(ms(9)).await;
    assert_eq!(waker.wakes(), 0);
    start_waiting(&mut interval, &waker);
    advance(ms(1)).await;
    tokio::task::yield_now().await;
    assert_eq!(waker.wakes(), 1);
    let polled = poll_tick(&mut interval, &waker);
    assert_eq!(polled, Poll::Ready(start + ms(10)));
}

#[test]
fn clock_may_be_paused_and_resumed_while_a_task_waits() {
    on_current_thread(async {
        let mut interval = interval(ms(300));
        let first = interval.tick().await;
        assert!(poll_once(interval.tick()).await.is_pending());
        pause();
        std::thread::sleep(ms(400));
        // The tick is due by the real clock, but not by tokio's.
        assert!(poll_once(interval.tick()).await.is_pending());
        resume();
        // The clock continues from where it stood.
        assert_eq!(interval.tick().await, first + ms(300));
        assert!(Instant::now() >= first + ms(300));
        pause();
        advance(Duration::from_secs(60)).await;
        assert_eq!(interval.tick().await, first + ms(600));
        resume();
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        interval.tick().await;
        let next = interval.tick().await;
        assert!(next > first + Duration::from_secs(60));
        assert!(Instant::now() >= next);
    });
}

/// The kernel's timer cannot be paused, so it is early again and again while the clock stands still.
#[test]
#[cfg(timerfd)]
fn kernel_timer_takes_little_processor_time_while_the_clock_stands_still() {
    on_current_thread(async {
        pause();
        let start = Instant::now();
        let mut interval = interval_at(start + us(1), ms(1));
        // A blocking task keeps the clock from jumping.
        let blocking = tokio::task::spawn_blocking(|| std::thread::sleep(ms(200)));
        let tick = tokio::spawn(async move { interval.tick().await });
        let cpu_before = cpu_time();
        blocking.await.unwrap();
        let cpu = cpu_time().checked_sub(cpu_before).unwrap();
        assert_eq!(tick.await.unwrap(), start + us(1));
        assert!(cpu < ms(100), "{cpu:?} of processor time in 200 ms");
    });
}

/// Returns the processor time of this thread.
#[cfg(timerfd)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

/// A spin that waited for a paused clock would never end.
#[tokio::test(start_paused = true)]
async fn spin_ends_while_the_clock_stands_still() {
    let _watchdog = Watchdog::new();
    let start = Instant::now();
    let builder = OsInterval::builder(us(700)).precision(Precision::Spin);
    let mut interval = builder.build().unwrap();
    for k in 0..100 {
        assert_eq!(interval.tick().await, start + us(700) * k);
    }
}

#[test]
fn interval_follows_the_clock_of_its_own_runtime() {
    let _watchdog = Watchdog::new();
    let running = multi_thread(1);
    let (mut interval, start) = running.block_on(async {
        let start = Instant::now();
        (interval_at(start + ms(300), ms(300)), start)
    });
    paused().block_on(async {
        // This clock only jumps. The clock of the interval's runtime runs.
        advance(HOUR).await;
        assert!(poll_once(interval.tick()).await.is_pending());
        let keeps_from_jumping = tokio::task::spawn_blocking(|| std::thread::sleep(ms(400)));
        assert_eq!(interval.tick().await, start + ms(300));
        keeps_from_jumping.await.unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn periodic_interval_follows_a_paused_clock() {
    let _watchdog = Watchdog::new();
    let start = Instant::now();
    let mut interval = PeriodicInterval::new(HOUR).unwrap();
    assert_eq!(interval.tick().await.unwrap(), 1);
    assert_eq!(Instant::now(), start + HOUR);
    advance(HOUR * 5).await;
    assert_eq!(interval.tick().await.unwrap(), 5);
}
