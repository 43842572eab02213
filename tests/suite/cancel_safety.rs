//! Dropping `tick()` loses nothing.

use std::time::Duration;

use crate::support::{current_thread, ms, on_every_runtime, us};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_osinterval::interval_at;

#[test]
fn select_loses_no_tick() {
    on_every_runtime("select_loses_no_tick", || async {
        let start = Instant::now();
        let period = us(1700);
        let mut ours = interval_at(start, period);
        // Two that are not in step, and a channel that is often ready first.
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
                tick = ours.tick() => {
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
fn an_aborted_task_loses_no_tick() {
    let _watchdog = crate::support::Watchdog::new("an_aborted_task_loses_no_tick");
    current_thread().block_on(async {
        let start = Instant::now();
        let interval = std::sync::Arc::new(tokio::sync::Mutex::new(interval_at(start, ms(2))));
        let mut expected = start;
        for _ in 0..50 {
            let waits = tokio::spawn({
                let interval = interval.clone();
                async move { interval.lock().await.tick().await }
            });
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            waits.abort();
            if let Ok(tick) = waits.await {
                assert_eq!(tick, expected);
                expected += ms(2);
            }
            assert_eq!(interval.lock().await.tick().await, expected);
            expected += ms(2);
        }
    });
}

#[test]
fn a_timeout_around_a_tick_loses_no_tick() {
    on_every_runtime("a_timeout_around_a_tick_loses_no_tick", || async {
        let start = Instant::now() + ms(3);
        let mut interval = interval_at(start, ms(5));
        let mut expected = start;
        let mut timeouts = 0_u32;
        while expected < start + ms(60) || timeouts == 0 {
            match tokio::time::timeout(Duration::from_millis(1), interval.tick()).await {
                Ok(tick) => {
                    assert_eq!(tick, expected);
                    expected += ms(5);
                }
                Err(_elapsed) => timeouts += 1,
            }
        }
    });
}
