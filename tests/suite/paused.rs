//! Timers follow tokio's paused clock, whenever it is paused, moved or resumed.
#![cfg(feature = "test-util")]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{Count, Watchdog, current_thread, ms, poll_once, us};
use tokio::sync::oneshot;
use tokio::time::{Instant, advance, pause, resume};
use tokio_osinterval::{MissedTickBehavior, OsInterval, Precision, interval, interval_at};

#[tokio::test(start_paused = true)]
async fn auto_advance_reaches_the_next_tick() {
    let _watchdog = Watchdog::new("auto_advance_reaches_the_next_tick");
    let real = std::time::Instant::now();
    let start = Instant::now();
    let mut interval = interval(Duration::from_secs(3600));
    for k in 0..1000 {
        assert_eq!(interval.tick().await, start + Duration::from_secs(3600) * k);
        assert_eq!(Instant::now(), start + Duration::from_secs(3600) * k);
    }
    assert!(real.elapsed() < Duration::from_secs(3600));
}

#[tokio::test(start_paused = true)]
async fn auto_advance_keeps_the_order_of_timers() {
    let _watchdog = Watchdog::new("auto_advance_keeps_the_order_of_timers");
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
async fn auto_advance_does_not_stop_at_a_dropped_timer() {
    let _watchdog = Watchdog::new("auto_advance_does_not_stop_at_a_dropped_timer");
    let start = Instant::now();
    for dropped in 0..2 {
        let mut gone = interval_at(start + ms(50), ms(50));
        let polled = gone.poll_tick(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        if dropped == 0 {
            drop(gone);
        } else {
            gone.reset_at(start + Duration::from_secs(7200));
            // Still registered, but an hour later than what follows.
            interval_at(start + Duration::from_secs(3600), ms(1))
                .tick()
                .await;
            assert_eq!(Instant::now(), start + Duration::from_secs(3600));
            return;
        }
        // Nothing is left to jump to: the clock stands still while this thread is waited for.
        let (sender, receiver) = oneshot::channel();
        std::thread::spawn(move || {
            std::thread::sleep(ms(100));
            sender.send(()).unwrap();
        });
        receiver.await.unwrap();
        assert_eq!(Instant::now(), start);
    }
}

#[tokio::test(start_paused = true)]
async fn advance_makes_due() {
    let _watchdog = Watchdog::new("advance_makes_due");
    let start = Instant::now();
    let mut interval = interval_at(start + ms(10), ms(10));
    let woken = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&woken));
    let cx = &mut Context::from_waker(&waker);
    assert!(interval.poll_tick(cx).is_pending());
    advance(ms(9)).await;
    assert_eq!(woken.get(), 0);
    assert!(interval.poll_tick(cx).is_pending());
    advance(ms(1)).await;
    tokio::task::yield_now().await;
    assert_eq!(woken.get(), 1);
    assert_eq!(interval.poll_tick(cx), Poll::Ready(start + ms(10)));
}

#[test]
fn pause_and_resume_while_waiting() {
    let _watchdog = Watchdog::new("pause_and_resume_while_waiting");
    current_thread().block_on(async {
        // Made, and waited for, while the clock runs.
        let mut interval = interval(ms(300));
        let first = interval.tick().await;
        assert!(poll_once(&mut Box::pin(interval.tick())).await.is_pending());
        pause();
        std::thread::sleep(ms(400));
        // By the real clock it is due, by tokio's it is not.
        assert!(poll_once(&mut Box::pin(interval.tick())).await.is_pending());
        resume();
        // The clock goes on from where it stood.
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

#[test]
#[cfg(timerfd)]
fn a_clock_that_stands_still_does_not_spin() {
    let _watchdog = Watchdog::new("a_clock_that_stands_still_does_not_spin");
    current_thread().block_on(async {
        pause();
        let start = Instant::now();
        let mut interval = interval_at(start + us(1), ms(1));
        // A blocking task keeps the clock from jumping. Meanwhile the kernel's timer, which cannot
        // be paused, is early all the time.
        let blocking = tokio::task::spawn_blocking(|| std::thread::sleep(ms(200)));
        let tick = tokio::spawn(async move { interval.tick().await });
        let cpu_before = cpu_time();
        blocking.await.unwrap();
        let cpu = cpu_time().checked_sub(cpu_before).unwrap();
        assert_eq!(tick.await.unwrap(), start + us(1));
        assert!(cpu < ms(100), "{cpu:?} of processor time in 200 ms");
    });
}

/// This thread's processor time.
#[cfg(timerfd)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

#[tokio::test(start_paused = true)]
async fn skip_counts_what_it_passes_over() {
    let _watchdog = Watchdog::new("skip_counts_what_it_passes_over");
    for behavior in [MissedTickBehavior::Skip, MissedTickBehavior::Delay] {
        for period in [ms(1), ms(8)] {
            let start = Instant::now();
            let mut interval = interval_at(start, period);
            interval.set_missed_tick_behavior(behavior);
            interval.tick().await;
            assert_eq!(interval.missed_ticks(), 0);
            advance(period * 4 + period / 2).await;
            assert_eq!(interval.tick().await, start + period);
            // Those of 2, 3 and 4 periods.
            assert_eq!(interval.missed_ticks(), 3);
            let next = interval.tick().await;
            assert_eq!(interval.missed_ticks(), 3);
            match behavior {
                MissedTickBehavior::Skip => assert_eq!(next, start + period * 5),
                _ => assert_eq!(next, start + period * 5 + period / 2),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn late_below_the_threshold_skips_nothing() {
    let _watchdog = Watchdog::new("late_below_the_threshold_skips_nothing");
    for (period, late) in [
        (ms(1), us(1000)),
        (ms(4), ms(4)),
        (ms(8), ms(5)),
        (ms(300), ms(5)),
    ] {
        let start = Instant::now();
        let mut interval = interval_at(start, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        advance(late).await;
        for k in 0..20 {
            assert_eq!(interval.tick().await, start + period * k);
            let next_late = start + period * (k + 1) + late;
            advance(next_late - Instant::now()).await;
        }
        assert_eq!(interval.missed_ticks(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn burst_counts_nothing() {
    let _watchdog = Watchdog::new("burst_counts_nothing");
    let start = Instant::now();
    let mut interval = interval_at(start, ms(1));
    advance(ms(100)).await;
    for k in 0..100 {
        assert_eq!(interval.tick().await, start + ms(k));
    }
    assert_eq!(interval.missed_ticks(), 0);
}

#[test]
fn the_clock_is_that_of_the_runtime_it_was_made_on() {
    let _watchdog = Watchdog::new("the_clock_is_that_of_the_runtime_it_was_made_on");
    let real = crate::support::multi_thread(1);
    let paused = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let (mut interval, start) = real.block_on(async {
        let start = Instant::now();
        (interval_at(start + ms(300), ms(300)), start)
    });
    paused.block_on(async {
        // This clock stands still, unless it jumps; that of the interval's own runtime goes on.
        advance(Duration::from_secs(3600)).await;
        assert!(poll_once(&mut Box::pin(interval.tick())).await.is_pending());
        let keeps_from_jumping = tokio::task::spawn_blocking(|| std::thread::sleep(ms(400)));
        assert_eq!(interval.tick().await, start + ms(300));
        keeps_from_jumping.await.unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn periodic_follows_the_paused_clock() {
    let _watchdog = Watchdog::new("periodic_follows_the_paused_clock");
    let start = Instant::now();
    let mut interval = tokio_osinterval::PeriodicInterval::new(Duration::from_secs(3600)).unwrap();
    assert_eq!(interval.tick().await.unwrap(), 1);
    assert_eq!(Instant::now(), start + Duration::from_secs(3600));
    advance(Duration::from_secs(3600 * 5)).await;
    assert_eq!(interval.tick().await.unwrap(), 5);
}

/// A paused clock could be looked at for ever.
#[tokio::test(start_paused = true)]
async fn spinning_ends_while_the_clock_stands_still() {
    let _watchdog = Watchdog::new("spinning_ends_while_the_clock_stands_still");
    let start = Instant::now();
    let builder = OsInterval::builder(us(700)).precision(Precision::Spin);
    let mut interval = builder.build().unwrap();
    for k in 0..100 {
        assert_eq!(interval.tick().await, start + us(700) * k);
    }
}
