//! Two workers that make batches of sleeps, and drop their own or those of the other.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::support::{Start, each, second_poll};
use crate::{HALF_A_MINUTE, MINUTE, ROUND, crowd};

/// So many at once: no more than the cooperative budget of one poll.
const BATCH: u64 = 64;
/// So many more than it has taken may a worker have made.
const AHEAD: usize = 512;

#[derive(Clone, Copy)]
pub(crate) enum Where {
    /// On the worker that made them.
    Here,
    There,
}

type Batch<S> = Vec<Pin<Box<S>>>;

/// What a worker has to give, and where it takes from.
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

/// What it takes a worker to make, arm and drop a sleep, in nanoseconds.
pub(crate) fn dropping<S: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    place: Where,
    sleep: impl Fn(Duration) -> S + Copy + Send + Sync + 'static,
) -> f64 {
    let waiting = crowd(runtime, HALF_A_MINUTE, sleep);
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

/// Until it is over, or the other has ended. How many it has dropped, and how long it worked: a turn in
/// which there was nothing to do but wait for the other is not counted. What the runtime does between
/// two turns is, since a timer may leave work for then.
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
            // If the other has ended, what it has sent is still to be taken.
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
