//! Timers leave time for others, however short their period.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Watchdog, current_thread, multi_thread};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_osinterval::interval;

#[test]
fn a_nanosecond_interval_starves_nobody() {
    let _watchdog = Watchdog::new("a_nanosecond_interval_starves_nobody");
    for runtime in [current_thread(), multi_thread(1)] {
        runtime.block_on(async {
            let ticks = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&ticks);
            let greedy = tokio::spawn(async move {
                let mut interval = interval(Duration::from_nanos(1));
                loop {
                    interval.tick().await;
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
            // A task that is ready, and one that is only when the reactor says so.
            let (mut near, mut far) = tcp_pair().await;
            let beside = tokio::spawn(async move {
                for _ in 0..1000 {
                    tokio::task::yield_now().await;
                }
                for byte in 0..100 {
                    near.write_u8(byte).await.unwrap();
                    assert_eq!(far.read_u8().await.unwrap(), byte);
                }
            });
            beside.await.unwrap();
            assert!(
                ticks.load(Ordering::Relaxed) > 1000,
                "it did tick meanwhile"
            );
            greedy.abort();
        });
    }
}

/// As often as whatever else costs one unit of the budget, and then the task must yield.
#[test]
fn a_tick_already_due_takes_part_in_the_budget() {
    let _watchdog = Watchdog::new("a_tick_already_due_takes_part_in_the_budget");
    current_thread().block_on(async {
        let mut interval = interval(Duration::from_nanos(1));
        let ticks = times_in_one_poll(async || {
            interval.tick().await;
        })
        .await;
        let budget = times_in_one_poll(tokio::task::coop::consume_budget).await;
        assert_eq!(ticks, budget);
    });
}

/// The first timer of a runtime, and with it the driver, may be made by a task that has no budget
/// left.
#[test]
fn a_timer_made_with_a_spent_budget_ticks() {
    let _watchdog = Watchdog::new("a_timer_made_with_a_spent_budget_ticks");
    for runtime in [current_thread(), multi_thread(1)] {
        runtime.block_on(async {
            let mut made = None;
            times_in_one_poll(async || {
                if !tokio::task::coop::has_budget_remaining() {
                    made.get_or_insert_with(|| interval(Duration::from_millis(1)));
                }
                tokio::task::coop::consume_budget().await;
            })
            .await;
            let mut interval = made.expect("the budget is finite");
            for _ in 0..5 {
                interval.tick().await;
            }
        });
    }
}

async fn times_in_one_poll(mut consume: impl AsyncFnMut()) -> usize {
    let mut times = 0;
    {
        let mut endless = std::pin::pin!(async {
            loop {
                consume().await;
                times += 1;
            }
        });
        tokio::task::yield_now().await;
        std::future::poll_fn(|cx| {
            let _: std::task::Poll<()> = endless.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
    }
    times
}

async fn tcp_pair() -> (tokio::net::TcpStream, tokio::net::TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}
