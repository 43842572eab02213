//! The same operations on tokio's `Interval` and on ours, side by side under one paused clock, give
//! the same results.
//!
//! For periods of 5 ms and more: below, the threshold of a missed tick is a documented difference.
//! In whole milliseconds: tokio knows no others.
#![cfg(all(feature = "test-util", feature = "interval"))]

mod support;

use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use support::{Watchdog, ms};
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_osinterval::interval_at;
use tokio_test::task;

#[derive(Debug, Clone)]
enum Op {
    /// Polls for a tick, once.
    Poll,
    /// Waits for a tick; the clock jumps there.
    Tick,
    Advance(u64),
    Reset,
    ResetImmediately,
    ResetAfter(u64),
    /// Relative to now, either way.
    ResetAt(i64),
    SetBehavior(MissedTickBehavior),
}

fn op() -> impl Strategy<Value = Op> {
    use MissedTickBehavior::{Burst, Delay, Skip};
    prop_oneof![
        8 => Just(Op::Poll),
        3 => Just(Op::Tick),
        6 => (0_u64..60).prop_map(Op::Advance),
        1 => (0_u64..3_000).prop_map(Op::Advance),
        1 => Just(Op::Reset),
        1 => Just(Op::ResetImmediately),
        1 => (0_u64..100).prop_map(Op::ResetAfter),
        1 => (-100_i64..100).prop_map(Op::ResetAt),
        1 => prop_oneof![Just(Burst), Just(Delay), Just(Skip)].prop_map(Op::SetBehavior),
    ]
}

/// Calls the same method on both.
macro_rules! both {
    ($ours:ident, $theirs:ident, $($call:tt)*) => {
        ($ours.$($call)*, $theirs.$($call)*)
    };
}

async fn same_results(start: u64, period: u64, ops: Vec<Op>) {
    // Room for instants before now.
    time::advance(Duration::from_secs(1)).await;
    let origin = Instant::now();
    let mut ours = task::spawn(interval_at(origin + ms(start), ms(period)));
    let mut theirs = task::spawn(time::interval_at(origin + ms(start), ms(period)));

    for (n, op) in ops.into_iter().enumerate() {
        match op {
            Op::Poll => {
                let ours = ours.enter(|cx, mut interval| interval.poll_tick(cx));
                let theirs = theirs.enter(|cx, mut interval| interval.poll_tick(cx));
                assert_eq!(ours, theirs, "operation {n}");
            }
            Op::Tick => {
                let (first, second) = tokio::join!(ours.tick(), theirs.tick());
                assert_eq!(first, second, "operation {n}");
            }
            Op::Advance(by) => {
                time::advance(ms(by)).await;
                // Until tokio's wheel has turned, too.
                for _ in 0..2 {
                    tokio::task::yield_now().await;
                }
            }
            Op::Reset => {
                let _ = both!(ours, theirs, reset());
            }
            Op::ResetImmediately => {
                let _ = both!(ours, theirs, reset_immediately());
            }
            Op::ResetAfter(after) => {
                let _ = both!(ours, theirs, reset_after(ms(after)));
            }
            Op::ResetAt(offset) => {
                let distance = ms(offset.unsigned_abs());
                let at = if offset < 0 {
                    Instant::now() - distance
                } else {
                    Instant::now() + distance
                };
                let _ = both!(ours, theirs, reset_at(at));
            }
            Op::SetBehavior(behavior) => {
                {
                    let _ = both!(ours, theirs, set_missed_tick_behavior(behavior));
                };
            }
        }
        let (ours, theirs) = both!(ours, theirs, missed_tick_behavior());
        assert_eq!(ours, theirs);
    }
    // Whoever waits is woken by the time that both are due.
    let ours_waits = ours
        .enter(|cx, mut interval| interval.poll_tick(cx))
        .is_pending();
    let theirs_waits = theirs
        .enter(|cx, mut interval| interval.poll_tick(cx))
        .is_pending();
    assert_eq!(ours_waits, theirs_waits);
    if ours_waits {
        time::sleep(ms(4_000) + ms(period)).await;
        assert!(ours.is_woken() && theirs.is_woken());
        let ours = ours.enter(|cx, mut interval| interval.poll_tick(cx));
        let theirs = theirs.enter(|cx, mut interval| interval.poll_tick(cx));
        assert!(matches!(ours, Poll::Ready(_)));
        assert_eq!(ours, theirs);
    }
}

#[test]
fn same_operations_same_results() {
    let _watchdog = Watchdog::new("same_operations_same_results");
    let config = ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let programs = (0_u64..50, 5_u64..200, prop::collection::vec(op(), 1..60));
    proptest!(config, |((start, period, ops) in programs)| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(same_results(start, period, ops));
    });
}
