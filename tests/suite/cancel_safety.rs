//! A tick whose future is dropped is not lost.

use std::sync::Arc;

use crate::support::{ms, on_current_thread, on_every_runtime, us};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, timeout};
use tokio_osinterval::{PeriodicInterval, interval_at};

#[test]
fn select_loses_no_tick() {
    on_every_runtime(async || {
        let start = Instant::now();
        let period = us(1700);
        let mut interval = interval_at(start, period);
        // The other branches are an interval out of step and a channel that is often ready first.
        let mut other = interval_at(start, us(300));
        let (sender, mut receiver) = mpsc::channel(1);
        let flood = tokio::spawn(async move {
            while sender.send(()).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let mut expected = start;
        let mut canceled = 0_u32;
        while expected < start + period * 40 || canceled < 100 {
            tokio::select! {
                tick = interval.tick() => {
                    assert_eq!(tick, expected);
                    expected += period;
                }
                _ = other.tick() => canceled += 1,
                Some(()) = receiver.recv() => canceled += 1,
            }
        }
        flood.abort();
    });
}

#[test]
fn aborted_task_loses_no_tick() {
    on_current_thread(async {
        let start = Instant::now();
        let interval = Arc::new(Mutex::new(interval_at(start, ms(2))));
        let mut expected = start;
        for _ in 0..50 {
            let tick = tokio::spawn({
                let interval = interval.clone();
                async move { interval.lock().await.tick().await }
            });
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            tick.abort();
            if let Ok(tick) = tick.await {
                assert_eq!(tick, expected);
                expected += ms(2);
            }
            assert_eq!(interval.lock().await.tick().await, expected);
            expected += ms(2);
        }
    });
}

#[test]
fn timeout_around_a_tick_loses_no_tick() {
    on_every_runtime(async || {
        let start = Instant::now() + ms(3);
        let mut interval = interval_at(start, ms(5));
        let mut expected = start;
        let mut timeouts = 0_u32;
        while expected < start + ms(60) || timeouts == 0 {
            match timeout(ms(1), interval.tick()).await {
                Ok(tick) => {
                    assert_eq!(tick, expected);
                    expected += ms(5);
                }
                Err(_elapsed) => timeouts += 1,
            }
        }
    });
}

#[test]
fn timeout_around_a_periodic_tick_loses_no_expiration() {
    on_every_runtime(async || {
        let mut interval = PeriodicInterval::new(ms(2)).unwrap();
        let created = Instant::now();
        let mut total = 0;
        while created.elapsed() < ms(60) {
            if let Ok(count) = timeout(us(500), interval.tick()).await {
                total += count.unwrap();
            }
        }
        let least = created.elapsed().as_nanos() / ms(2).as_nanos();
        total += interval.tick().await.unwrap();
        assert!(u128::from(total) >= least, "{total} of {least}");
    });
}
