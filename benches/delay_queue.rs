//! `DelayQueue` beside tokio-util's.
//!
//! `cargo bench --features full --bench delay_queue`. What it takes to insert a value and to remove it, and
//! to insert one and have it expire, while others wait; and how late values are that expire 50 µs one
//! after the other, beside a lone sleep. The contenders take turns, round by round; the median of the
//! rounds counts.

mod support;

use std::future::poll_fn;
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use support::{Numbers, compare, each, median};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop::unconstrained;
use tokio_osinterval::{Precision, delay_queue as ours, sleep_until};
use tokio_util::time::delay_queue as theirs;

const ROUNDS: usize = 15;
/// So many are inserted and removed, or expire, beside those that wait.
const BATCH: usize = 1_000;
const HOUR: u64 = 3_600_000_000;

trait Queue {
    type Key;
    fn new() -> Self;
    fn insert(&mut self, value: usize, timeout: Duration) -> Self::Key;
    fn remove(&mut self, key: &Self::Key);
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>>;
}

impl Queue for ours::DelayQueue<usize> {
    type Key = ours::Key;
    fn new() -> Self {
        Self::new()
    }
    fn insert(&mut self, value: usize, timeout: Duration) -> Self::Key {
        self.insert(value, timeout)
    }
    fn remove(&mut self, key: &Self::Key) {
        black_box(self.remove(key));
    }
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        self.poll_expired(cx)
            .map(|value| value.map(ours::Expired::into_inner))
    }
}

impl Queue for theirs::DelayQueue<usize> {
    type Key = theirs::Key;
    fn new() -> Self {
        Self::new()
    }
    fn insert(&mut self, value: usize, timeout: Duration) -> Self::Key {
        self.insert(value, timeout)
    }
    fn remove(&mut self, key: &Self::Key) {
        black_box(self.remove(key));
    }
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        self.poll_expired(cx)
            .map(|value| value.map(theirs::Expired::into_inner))
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// In which so many wait for one to two hours.
fn waiting<Q: Queue>(count: usize, numbers: &mut Numbers) -> Q {
    let mut queue = Q::new();
    for value in 0..count {
        queue.insert(value, far(numbers));
    }
    queue
}

fn far(numbers: &mut Numbers) -> Duration {
    Duration::from_micros(HOUR + numbers.below(HOUR))
}

/// Has the queue wait for its first deadline, as a task does between two of them.
async fn wait<Q: Queue>(queue: &mut Q) {
    let pending = poll_fn(|cx| Poll::Ready(queue.poll(cx).is_pending()));
    assert!(pending.await, "nothing is due yet");
}

/// Nanoseconds for each value.
fn insert_and_remove<Q: Queue, const WAITING: usize>() -> f64 {
    const TIMES: usize = 20;
    let mut numbers = Numbers::new(42);
    runtime().block_on(unconstrained(async {
        let mut queue: Q = waiting(WAITING, &mut numbers);
        wait(&mut queue).await;
        let timeouts: Vec<_> = (0..BATCH).map(|_| far(&mut numbers)).collect();
        let mut order: Vec<_> = (0..BATCH).collect();
        numbers.shuffle(&mut order);
        let mut keys = Vec::with_capacity(BATCH);
        let began = Instant::now();
        for _ in 0..TIMES {
            keys.clear();
            for timeout in &timeouts {
                keys.push(queue.insert(0, *timeout));
            }
            for key in &order {
                queue.remove(&keys[*key]);
            }
        }
        each(began.elapsed(), TIMES * BATCH)
    }))
}

/// Nanoseconds for each of those that are removed, in no order, and replaced.
fn replace<Q: Queue, const WAITING: usize>() -> f64 {
    const TIMES: usize = 20;
    let mut numbers = Numbers::new(42);
    runtime().block_on(unconstrained(async {
        let mut queue = Q::new();
        let mut keys: Vec<_> = (0..WAITING)
            .map(|value| queue.insert(value, far(&mut numbers)))
            .collect();
        wait(&mut queue).await;
        let mut any = || usize::try_from(numbers.below(WAITING as u64)).unwrap();
        let replaced = (0..TIMES * BATCH).map(|_| any()).collect::<Vec<_>>();
        let timeouts = replaced.iter().map(|_| far(&mut numbers));
        let timeouts = timeouts.collect::<Vec<_>>();
        let began = Instant::now();
        for (key, timeout) in replaced.into_iter().zip(timeouts) {
            queue.remove(&keys[key]);
            keys[key] = queue.insert(key, timeout);
        }
        each(began.elapsed(), TIMES * BATCH)
    }))
}

/// Nanoseconds for each value, without the time until they are due.
fn insert_and_expire<Q: Queue, const WAITING: usize>() -> f64 {
    const TIMES: usize = 5;
    let mut numbers = Numbers::new(42);
    runtime().block_on(unconstrained(async {
        let mut queue: Q = waiting(WAITING, &mut numbers);
        wait(&mut queue).await;
        let mut took = Duration::ZERO;
        for _ in 0..TIMES {
            let timeouts: Vec<_> = (0..BATCH)
                .map(|_| Duration::from_micros(numbers.below(1_000)))
                .collect();
            let began = Instant::now();
            for timeout in timeouts {
                queue.insert(0, timeout);
            }
            took += began.elapsed();
            std::thread::sleep(Duration::from_millis(3));
            let began = Instant::now();
            for _ in 0..BATCH {
                black_box(poll_fn(|cx| queue.poll(cx)).await);
            }
            took += began.elapsed();
        }
        each(took, TIMES * BATCH)
    }))
}

const APART: Duration = Duration::from_micros(50);
const VALUES: u32 = 1_000;

/// The lateness at the median, in microseconds.
fn lateness(late: &[Duration]) -> f64 {
    median(late.iter().map(|late| late.as_secs_f64() * 1e6).collect())
}

fn late_in_ours_with(precision: Precision) -> f64 {
    runtime().block_on(async {
        let mut queue = ours::DelayQueue::new().with_precision(precision);
        let start = tokio::time::Instant::now() + Duration::from_millis(1);
        for n in 0..VALUES {
            queue.insert_at(n, start + APART * n);
        }
        let mut late = Vec::new();
        while let Some(expired) = poll_fn(|cx| queue.poll_expired(cx)).await {
            late.push(expired.deadline().elapsed());
        }
        lateness(&late)
    })
}

fn late_in_ours() -> f64 {
    late_in_ours_with(Precision::Kernel)
}

fn late_in_ours_that_spins() -> f64 {
    late_in_ours_with(Precision::Spin)
}

fn late_in_theirs() -> f64 {
    runtime().block_on(async {
        let mut queue = theirs::DelayQueue::new();
        let start = tokio::time::Instant::now() + Duration::from_millis(1);
        for n in 0..VALUES {
            let deadline = start + APART * n;
            // It rounds the one that it tells.
            queue.insert_at(deadline, deadline);
        }
        let mut late = Vec::new();
        while let Some(expired) = poll_fn(|cx| queue.poll_expired(cx)).await {
            late.push(expired.get_ref().elapsed());
        }
        lateness(&late)
    })
}

fn late_sleep() -> f64 {
    runtime().block_on(async {
        let mut late = Vec::new();
        let mut deadline = tokio::time::Instant::now() + Duration::from_millis(1);
        for _ in 0..VALUES {
            sleep_until(deadline).await;
            late.push(deadline.elapsed());
            deadline += APART;
        }
        lateness(&late)
    })
}

fn beside<const WAITING: usize>() {
    type Ours = ours::DelayQueue<usize>;
    type Theirs = theirs::DelayQueue<usize>;
    compare(
        &format!("insert and remove, {WAITING} waiting"),
        "ns",
        ROUNDS,
        &[
            ("tokio-osinterval", insert_and_remove::<Ours, WAITING>),
            ("tokio-util", insert_and_remove::<Theirs, WAITING>),
        ],
    );
    compare(
        &format!("remove any and insert another, {WAITING} waiting"),
        "ns",
        ROUNDS,
        &[
            ("tokio-osinterval", replace::<Ours, WAITING>),
            ("tokio-util", replace::<Theirs, WAITING>),
        ],
    );
    compare(
        &format!("insert and expire, {WAITING} waiting"),
        "ns",
        ROUNDS,
        &[
            ("tokio-osinterval", insert_and_expire::<Ours, WAITING>),
            ("tokio-util", insert_and_expire::<Theirs, WAITING>),
        ],
    );
}

fn main() {
    beside::<1>();
    beside::<1_000>();
    beside::<100_000>();
    compare(
        "lateness of values 50 µs apart, at the median",
        "µs",
        ROUNDS,
        &[
            ("tokio-osinterval", late_in_ours),
            ("the same, spins", late_in_ours_that_spins),
            ("a lone sleep", late_sleep),
            ("tokio-util", late_in_theirs),
        ],
    );
}
