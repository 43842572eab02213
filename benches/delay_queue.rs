//! `DelayQueue` compared with tokio-util's.
//!
//! `cargo bench --features full --bench delay_queue`. Measures inserting and removing a value, and inserting
//! a value that expires, while other values wait. Also measures the lateness of values that expire 50 µs
//! apart, compared with a lone sleep. The contenders take turns, round by round; the median of the rounds
//! counts.

mod support;

use std::future::poll_fn;
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use support::{Contender, Numbers, Table, each, longest, median, number};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop::unconstrained;
use tokio_osinterval::{Precision, delay_queue as ours, sleep_until};
use tokio_util::time::delay_queue as theirs;

/// Number of values that are inserted and removed, or expire, beside the waiting ones.
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

/// Returns a queue in which `count` values wait for one to two hours.
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

/// Polls the queue until it waits for its first deadline, as a task does between two of them.
async fn wait<Q: Queue>(queue: &mut Q) {
    let pending = poll_fn(|cx| Poll::Ready(queue.poll(cx).is_pending()));
    assert!(pending.await, "nothing is due yet");
}

/// Returns nanoseconds per value.
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

/// Returns nanoseconds per value that is removed, in random order, and replaced.
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

/// Returns nanoseconds per value, without the time until the values are due.
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

/// Returns the median lateness in microseconds.
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
            // The queue rounds the deadline that it reports.
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

struct Work {
    name: &'static str,
    /// With 1, 1,000 and 100,000 waiting values.
    ours: [Contender; 3],
    theirs: [Contender; 3],
}

macro_rules! work {
    ($name:expr, $work:ident) => {
        Work {
            name: $name,
            ours: [
                $work::<Ours, 1>,
                $work::<Ours, 1_000>,
                $work::<Ours, 100_000>,
            ],
            theirs: [
                $work::<Theirs, 1>,
                $work::<Theirs, 1_000>,
                $work::<Theirs, 100_000>,
            ],
        }
    };
}

type Ours = ours::DelayQueue<usize>;
type Theirs = theirs::DelayQueue<usize>;

const WORK: [Work; 3] = [
    work!("insert and remove", insert_and_remove),
    work!("remove any of those that wait, and insert another", replace),
    work!("insert and expire", insert_and_expire),
];

fn main() {
    let rounds = support::rounds(15);
    println!("ns each, beside 1 / 1,000 / 100,000 that wait; medians of {rounds} rounds\n");
    let table = Table::begin(
        "| | here | tokio-util |",
        &[longest(WORK.iter().map(|work| work.name))],
        15,
    );
    let mut ratios = Vec::new();
    for Work { name, ours, theirs } in WORK {
        let samples = support::turns(rounds, &[ours, theirs].concat());
        let (ours, theirs) = samples.split_at(ours.len());
        let cell = |samples: &[Vec<f64>]| {
            let medians = samples
                .iter()
                .map(|samples| number(median(samples.clone()), 0));
            medians.collect::<Vec<_>>().join(" / ")
        };
        table.row(&[name.to_owned(), cell(ours), cell(theirs)]);
        let own = ours.iter().zip(theirs);
        let own = own.map(|(ours, theirs)| format!("{:.2}", support::ratio(ours, theirs)));
        let own: Vec<_> = own.collect();
        ratios.push(format!("{name}: here / tokio-util {}", own.join(", ")));
    }
    println!("\n{}", ratios.join("\n"));
    let contenders: [Contender; 4] = [
        late_in_ours,
        late_in_ours_that_spins,
        late_sleep,
        late_in_theirs,
    ];
    let late = support::turns(rounds, &contenders).into_iter();
    let late: Vec<_> = late.map(|samples| number(median(samples), 2)).collect();
    println!(
        "values 50 µs apart are late by {} µs at the median, by {} with `Precision::Spin`, as a lone sleep is by {}, \
         and tokio-util's by {}",
        late[0], late[1], late[2], late[3],
    );
}
