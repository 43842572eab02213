//! Two workers create batches of sleeps, and drop their own or the other's.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::support::{Start, each, second_poll};
use crate::{HALF_A_MINUTE, MINUTE, ROUND, waiting_sleeps};

/// Size of a batch, within the cooperative budget of one poll.
const BATCH: u64 = 64;
/// How many sleeps a worker may create beyond those that it has received.
const AHEAD: usize = 512;

#[derive(Clone, Copy)]
pub(crate) enum Where {
    /// On the worker that created them.
    Here,
    There,
}

type Batch<S> = Vec<Pin<Box<S>>>;

/// What a worker sends, and where it receives.
struct Hands<S> {
    gives: Sender<Batch<S>>,
    takes: Receiver<Batch<S>>,
}

fn pair<S>(place: Where) -> [Hands<S>; 2] {
    let [(first, second), (third, fourth)] = [channel(), channel()];
    let (gives, others) = match place {
        Where::Here => (first, third),
        Where::There => (third, first),
    };
    [(gives, second), (others, fourth)].map(|(gives, takes)| Hands { gives, takes })
}

/// Returns the time in nanoseconds to create, arm and drop a sleep on a worker.
pub(crate) fn dropping<S: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    place: Where,
    sleep: impl Fn(Duration) -> S + Copy + Send + Sync + 'static,
) -> f64 {
    let waiting = waiting_sleeps(runtime, HALF_A_MINUTE, sleep);
    let start = Start::new(2);
    let tasks = pair(place).map(|hands| {
        let start = start.clone();
        runtime.spawn(async move {
            start.wait().await;
            exchange(hands, sleep).await
        })
    });
    let mut sum = (Duration::ZERO, 0);
    for task in tasks {
        let (took, dropped) = runtime.block_on(task).unwrap();
        sum = (sum.0 + took, sum.1 + dropped);
    }
    drop(waiting);
    each(sum.0, sum.1)
}

/// Runs until the time is over or the other worker has ended. Returns how many sleeps were dropped and how
/// long the worker was busy. Polls that only wait for the other worker do not count. The runtime's work
/// between two polls does count, because a timer may defer work to it.
async fn exchange<S: Future<Output = ()>>(
    hands: Hands<S>,
    sleep: impl Fn(Duration) -> S + Sync,
) -> (Duration, usize) {
    let began = Instant::now();
    let (mut made, mut dropped) = (0, 0);
    let mut worked = Duration::ZERO;
    let mut turn = began;
    while turn - began < ROUND {
        let before = (made, dropped);
        if made < dropped + AHEAD {
            let batch: Batch<S> = poll_fn(|cx| {
                let made = (0..BATCH).map(|n| {
                    let mut sleep = Box::pin(sleep(MINUTE + Duration::from_nanos(n)));
                    assert!(sleep.as_mut().poll(cx).is_pending());
                    sleep
                });
                Poll::Ready(made.collect())
            })
            .await;
            made += batch.len();
            // If the other worker has ended, its last batches must still be received.
            drop(hands.gives.send(batch));
        }
        match hands.takes.try_recv() {
            Ok(batch) => {
                dropped += batch.len();
                drop(batch);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break,
        }
        second_poll().await;
        let now = Instant::now();
        if (made, dropped) != before {
            worked += now - turn;
        }
        turn = now;
    }
    (worked, dropped)
}
