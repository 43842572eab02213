//! Sleeps that are armed and cancelled on all workers at once, and on another worker than made them.
//!
//! `cargo bench --features full --bench contend`; with `RUSTFLAGS='--cfg tokio_unstable'` tokio's
//! alternative timer is a contender, too. Each worker has a task of its own, which is always ready, so
//! that none has a reason to take another's. 1,000 sleeps wait meanwhile: for an hour, so that each that
//! is armed is the earliest, or for half a minute, so that none is. The contenders take turns, round by
//! round; the medians of the rounds count. In parentheses: the first column over this one, which is the
//! scaling where columns are numbers of workers. 1 is perfect, and what is no timer shows how much of that
//! the machine grants.

mod exchange;
mod support;

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use exchange::{Where, dropping};
use support::{Start, each, median, second_poll};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 21;
/// How long each is measured.
const ROUND: Duration = Duration::from_millis(40);
const WORKERS: [usize; 4] = [1, 2, 4, 8];
/// So many in one poll of a task: few enough for its cooperative budget.
const BATCH: u64 = 16;
const WAITING: u64 = 1000;
const MINUTE: Duration = Duration::from_secs(60);
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

fn builder(workers: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    builder
}

fn multi_thread(workers: usize) -> Runtime {
    builder(workers).build().unwrap()
}

#[cfg(tokio_unstable)]
fn alternative(workers: usize) -> Runtime {
    builder(workers).enable_alt_timer().build().unwrap()
}

/// Those that wait all the while.
fn crowd<S: Future>(
    runtime: &Runtime,
    wait: Duration,
    sleep: impl Fn(Duration) -> S,
) -> Vec<Pin<Box<S>>> {
    let _context = runtime.enter();
    let waiting = (0..WAITING).map(|n| {
        let mut waits = Box::pin(sleep(wait + Duration::from_millis(n * 7919 % 10_007)));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(cx).is_pending());
        waits
    });
    waiting.collect()
}

/// What it takes a worker, beside so long a wait of others, to arm and cancel a sleep, in nanoseconds.
fn arming<S: Future<Output = ()>>(
    runtime: &Runtime,
    workers: usize,
    wait: Duration,
    sleep: impl Fn(Duration) -> S + Copy + Send + Sync + 'static,
) -> f64 {
    let waiting = crowd(runtime, wait, sleep);
    let start = Start::new(workers);
    let tasks = (0..workers).map(|_| {
        let start = start.clone();
        runtime.spawn(async move {
            start.wait().await;
            let began = Instant::now();
            let mut count = 0;
            while began.elapsed() < ROUND {
                poll_fn(|cx| {
                    for n in count..count + BATCH {
                        let mut sleep = pin!(sleep(MINUTE + Duration::from_nanos(n)));
                        assert!(sleep.as_mut().poll(cx).is_pending());
                    }
                    Poll::Ready(())
                })
                .await;
                count += BATCH;
                second_poll().await;
            }
            (began.elapsed(), count)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut sum = (Duration::ZERO, 0);
    for task in tasks {
        let (took, count) = runtime.block_on(task).unwrap();
        sum = (sum.0 + took, sum.1 + usize::try_from(count).unwrap());
    }
    drop(waiting);
    each(sum.0, sum.1)
}

/// As large as a sleep, and waits for nothing: what the memory and the exchange take.
fn no_timer(_: Duration) -> impl Future<Output = ()> + Send {
    const SIZE: usize = size_of::<tokio::time::Sleep>();
    async {
        let ballast = [0_u8; SIZE];
        pending::<()>().await;
        std::hint::black_box(ballast);
    }
}

struct Contender {
    name: &'static str,
    arming: fn(workers: usize, wait: Duration) -> f64,
    dropping: fn(Where) -> f64,
}

macro_rules! contender {
    ($name:expr, $runtime:path, $sleep:path) => {
        Contender {
            name: $name,
            arming: |workers, wait| arming(&$runtime(workers), workers, wait, $sleep),
            dropping: |place| dropping(&$runtime(2), place, $sleep),
        }
    };
}

const CONTENDERS: &[Contender] = &[
    contender!("tokio", multi_thread, tokio::time::sleep),
    #[cfg(tokio_unstable)]
    contender!("tokio, alternative", alternative, tokio::time::sleep),
    contender!("tokio-osinterval", multi_thread, tokio_osinterval::sleep),
    contender!("no timer", multi_thread, no_timer),
];

/// The medians of each contender's columns.
fn rounds(columns: usize, measure: impl Fn(&Contender, usize) -> f64) {
    let mut samples = vec![vec![Vec::new(); columns]; CONTENDERS.len()];
    for _ in 0..ROUNDS {
        for column in 0..columns {
            for (samples, contender) in samples.iter_mut().zip(CONTENDERS) {
                samples[column].push(measure(contender, column));
            }
        }
    }
    for (own, contender) in samples.into_iter().zip(CONTENDERS) {
        print!("{:22}", contender.name);
        let medians: Vec<f64> = own.into_iter().map(median).collect();
        for value in &medians {
            print!(" {value:10.1} ({:4.2})", medians[0] / value);
        }
        println!();
    }
}

fn main() {
    let filter = support::argument(0);
    let chosen = |name: &str| filter.as_ref().is_none_or(|filter| name.contains(filter));
    let cores = available_parallelism().unwrap().get();
    let workers: Vec<usize> = WORKERS.into_iter().filter(|n| *n <= cores).collect();
    for (name, wait) in [
        ("arm and cancel the earliest sleep", HOUR),
        ("arm and cancel a later sleep", HALF_A_MINUTE),
    ] {
        if chosen(name) {
            println!("{name}, ns each per worker; medians of {ROUNDS} rounds");
            print!("{:22}", "workers");
            for n in &workers {
                print!(" {n:10}       ");
            }
            println!();
            rounds(workers.len(), |contender, column| {
                (contender.arming)(workers[column], wait)
            });
        }
    }
    let name = "make, arm and drop boxed sleeps";
    if chosen(name) {
        println!("{name}, 64 at a time, on two workers, ns each; medians of {ROUNDS} rounds");
        println!("{:22} {:>10}        {:>10}", "dropped", "here", "there");
        let places = [Where::Here, Where::There];
        rounds(places.len(), |contender, column| {
            (contender.dropping)(places[column])
        });
    }
}
