//! `timeout_repeating` yields an error at each tick until the next item.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::{check_latest_waker, collect_impatiently, slow_stream, strict_stream};
use crate::support::{HOUR, ms, on_current_thread, on_every_runtime, task, us};
use futures::channel::mpsc::unbounded;
use futures::stream::{self, FusedStream, Stream, StreamExt};
use tokio::time::Instant;
use tokio_osinterval::{OsInterval, StreamTimeExt, interval, interval_at, sleep};

/// Creates an interval whose first tick is a period away.
fn ticks_every(period: Duration) -> OsInterval {
    interval_at(Instant::now() + period, period)
}

#[test]
fn no_repeated_timeout_is_early() {
    on_every_runtime(async || {
        for period in [us(100), us(700), ms(2)] {
            let (sender, receiver) = unbounded();
            let mut began = Instant::now();
            let mut limited = pin!(receiver.timeout_repeating(ticks_every(period)));
            for n in 0..3 {
                for tick in 1..=4 {
                    assert!(limited.next().await.unwrap().is_err());
                    assert!(began.elapsed() >= period * tick);
                }
                // The item resets the interval.
                began = Instant::now();
                sender.unbounded_send(n).unwrap();
                assert_eq!(limited.next().await, Some(Ok(n)));
            }
        }
    });
}

#[test]
fn ready_item_wins_over_a_due_tick_and_resets_the_interval() {
    on_current_thread(async {
        // The first tick of this interval is due at once.
        let (sender, receiver) = unbounded();
        let mut limited = task::spawn(receiver.timeout_repeating(interval(HOUR)));
        sender.unbounded_send(7).unwrap();
        assert_eq!(limited.next_now(), Some(Ok(7)));
        assert!(limited.poll_next().is_pending());

        let (sender, receiver) = unbounded();
        let mut limited = task::spawn(receiver.timeout_repeating(interval(us(1))));
        for n in 0..3 {
            sender.unbounded_send(n).unwrap();
            sleep(us(10)).await;
            assert_eq!(limited.next_now(), Some(Ok(n)));
            sleep(us(10)).await;
            assert!(limited.next_now().unwrap().is_err());
        }
        // The end wins over a due tick as well.
        drop(sender);
        assert_eq!(limited.next_now(), None);
    });
}

#[test]
fn repeated_timeout_wakes_only_the_latest_waker() {
    on_current_thread(async {
        let limited = stream::pending::<()>().timeout_repeating(ticks_every(ms(600)));
        check_latest_waker(pin!(limited)).await;
    });
}

#[test]
fn canceled_wait_with_repeated_timeouts_loses_no_item() {
    on_every_runtime(async || {
        let limited = pin!(slow_stream().timeout_repeating(ticks_every(HOUR)));
        assert_eq!(collect_impatiently(limited).await, [Ok(0), Ok(1), Ok(2)]);
        // If each cancellation restarted the wait, there would be no tick.
        let silent = stream::pending::<()>().timeout_repeating(ticks_every(ms(2)));
        let items = collect_impatiently(pin!(silent.take(3))).await;
        assert_eq!(items.len(), 3);
    });
}

#[test]
fn ended_stream_with_repeated_timeouts_is_fused_and_dropped() {
    on_current_thread(async {
        let (inner, alive) = strict_stream(1);
        let mut limited = pin!(inner.timeout_repeating(interval(us(1))));
        assert_eq!(limited.size_hint(), (1, None));
        assert_eq!(limited.next().await, Some(Ok(0)));
        assert_eq!(limited.size_hint(), (0, None));
        assert!(!limited.is_terminated());
        for _ in 0..3 {
            assert_eq!(limited.next().await, None);
            assert!(limited.is_terminated());
            assert_eq!(limited.size_hint(), (0, Some(0)));
            sleep(us(10)).await;
        }
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}
