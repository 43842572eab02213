//! Timers leave time for other tasks, however short their period.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{current_thread, ms, multi_thread, on_current_thread, on_runtimes, poll_once};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::coop::{consume_budget, has_budget_remaining};
use tokio::task::yield_now;
use tokio_osinterval::{PeriodicInterval, interval, timeout};

const NANOSECOND: Duration = Duration::from_nanos(1);

#[test]
fn nanosecond_interval_starves_no_task() {
    on_runtimes([current_thread(), multi_thread(1)], async || {
        let ticks = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ticks);
        let greedy = tokio::spawn(async move {
            let mut interval = interval(NANOSECOND);
            loop {
                interval.tick().await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The task is ready at first, and then waits for the reactor.
        let (mut near, mut far) = tcp_pair().await;
        let other = tokio::spawn(async move {
            for _ in 0..1000 {
                yield_now().await;
            }
            for byte in 0..100 {
                near.write_u8(byte).await.unwrap();
                assert_eq!(far.read_u8().await.unwrap(), byte);
            }
        });
        other.await.unwrap();
        let ticks = ticks.load(Ordering::Relaxed);
        assert!(ticks > 1000, "{ticks} ticks meanwhile");
        greedy.abort();
    });
}

#[test]
fn nanosecond_periodic_interval_starves_no_task() {
    on_current_thread(async {
        let greedy = tokio::spawn(async {
            let mut interval = PeriodicInterval::new(NANOSECOND).unwrap();
            loop {
                interval.tick().await.unwrap();
            }
        });
        for _ in 0..1000 {
            yield_now().await;
        }
        greedy.abort();
    });
}

/// A task that takes ticks must yield after as many as of any other operation that costs one unit of the budget.
#[test]
fn due_tick_consumes_budget() {
    on_current_thread(async {
        let mut interval = interval(NANOSECOND);
        let ticks = times_in_one_poll(async || {
            interval.tick().await;
        })
        .await;
        let budget = times_in_one_poll(consume_budget).await;
        assert_eq!(ticks, budget);
    });
}

/// The first timer of a runtime, which creates the driver, may be created by a task without a budget.
#[test]
fn timer_created_without_budget_ticks() {
    on_runtimes([current_thread(), multi_thread(1)], async || {
        let mut created = None;
        times_in_one_poll(async || {
            if !has_budget_remaining() {
                created.get_or_insert_with(|| interval(ms(1)));
            }
            consume_budget().await;
        })
        .await;
        let mut interval = created.expect("the budget is finite");
        for _ in 0..5 {
            interval.tick().await;
        }
    });
}

/// The future uses up the budget at every poll and is never ready.
#[test]
fn timeout_elapses_around_a_future_that_uses_up_the_budget() {
    on_runtimes([current_thread(), multi_thread(1)], async || {
        let greedy = async {
            loop {
                consume_budget().await;
            }
        };
        assert!(timeout(ms(5), greedy).await.is_err());
    });
}

/// Returns how often one poll can complete `consume` before it returns `Pending`.
async fn times_in_one_poll(mut consume: impl AsyncFnMut()) -> usize {
    let mut times = 0;
    {
        let mut endless = pin!(async {
            loop {
                consume().await;
                times += 1;
            }
        });
        yield_now().await;
        let _: std::task::Poll<()> = poll_once(&mut endless).await;
    }
    times
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}
