//! Sleeps that are armed and canceled on all workers at once, and on a different worker than the one that
//! created them.
//!
//! `cargo bench --features full --bench contend`. With `RUSTFLAGS='--cfg tokio_unstable'` tokio's alternative
//! timer is a contender, too.
//!
//! Each worker has a task of its own, which is always ready, so no worker has a reason to steal another's.
//! Meanwhile 1,000 sleeps wait: for an hour, so that each newly armed sleep is the earliest, or for half a
//! minute, so that none is. The contenders take turns, round by round; the medians of the rounds count.
//!
//! In parentheses is the first column divided by this one. If the columns are numbers of workers, this is the
//! scaling, and 1 is perfect. The contender without a timer shows how much scaling the machine allows.

mod exchange;
mod support;

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use exchange::{Where, dropping};
use support::{Start, Table, each, longest, median, number, second_poll};
use tokio::runtime::{Builder, Runtime};

/// Length of a measurement.
const ROUND: Duration = Duration::from_millis(40);
const WORKERS: [usize; 4] = [1, 2, 4, 8];
/// Number of sleeps in one poll of a task, within its cooperative budget.
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

/// Creates the sleeps that wait throughout.
fn waiting_sleeps<S: Future>(
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

/// Returns the time in nanoseconds to arm and cancel a sleep on a worker while others wait.
fn arming<S: Future<Output = ()>>(
    runtime: &Runtime,
    workers: usize,
    wait: Duration,
    sleep: impl Fn(Duration) -> S + Copy + Send + Sync + 'static,
) -> f64 {
    let waiting = waiting_sleeps(runtime, wait, sleep);
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

/// A future as large as a sleep that waits for nothing: shows the cost of memory and of the exchange.
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
    contender!("here", multi_thread, tokio_osinterval::sleep),
    contender!("tokio", multi_thread, tokio::time::sleep),
    #[cfg(tokio_unstable)]
    contender!("tokio, alternative", alternative, tokio::time::sleep),
    contender!("no timer", multi_thread, no_timer),
];

/// The header for [`CONTENDERS`].
const HEADER: &str = if cfg!(tokio_unstable) {
    "| | here | tokio | tokio, alternative | no timer |"
} else {
    "| | here | tokio | no timer |"
};

/// A row of the table: its name, the number of figures in a cell, and its measurements.
struct Row<'a> {
    name: String,
    figures: usize,
    measure: &'a dyn Fn(&Contender, usize) -> f64,
}

impl Row<'_> {
    /// Prints the row and returns its ratios.
    fn print(&self, table: &Table, rounds: usize) -> String {
        let mut samples = vec![vec![Vec::new(); self.figures]; CONTENDERS.len()];
        for _ in 0..rounds {
            for figure in 0..self.figures {
                for (samples, contender) in samples.iter_mut().zip(CONTENDERS) {
                    samples[figure].push((self.measure)(contender, figure));
                }
            }
        }
        let medians = samples.into_iter();
        let medians = medians.map(|own| own.into_iter().map(median).collect::<Vec<_>>());
        let medians: Vec<_> = medians.collect();
        let cell = |own: &Vec<f64>| {
            let figures: Vec<_> = own.iter().map(|value| number(*value, 0)).collect();
            figures.join(" / ")
        };
        let mut row = vec![self.name.clone()];
        row.extend(medians.iter().map(cell));
        table.row(&row);
        let ratios = medians.iter().zip(CONTENDERS).map(|(own, contender)| {
            let ratios: Vec<_> = own
                .iter()
                .map(|value| format!("{:.2}", own[0] / value))
                .collect();
            format!("{} {}", contender.name, ratios.join(", "))
        });
        format!("{}: {}", self.name, ratios.collect::<Vec<_>>().join("; "))
    }
}

fn main() {
    let rounds = support::rounds(21);
    let cores = available_parallelism().unwrap().get();
    let workers: Vec<usize> = WORKERS.into_iter().filter(|n| *n <= cores).collect();
    let on = workers.iter().map(|n| match n {
        1 => "one worker".to_owned(),
        2 => "two".to_owned(),
        n => n.to_string(),
    });
    let on = on.collect::<Vec<_>>().join(", ");
    let arming = |wait| {
        let workers = &workers;
        move |contender: &Contender, figure: usize| (contender.arming)(workers[figure], wait)
    };
    let rows = [
        Row {
            name: format!("it would be the first; {on}"),
            figures: workers.len(),
            measure: &arming(HOUR),
        },
        Row {
            name: format!("it would not; {on}"),
            figures: workers.len(),
            measure: &arming(HALF_A_MINUTE),
        },
        Row {
            name: "made and dropped on two workers; dropped on the other one".to_owned(),
            figures: 2,
            measure: &|contender, figure| (contender.dropping)([Where::Here, Where::There][figure]),
        },
    ];
    println!(
        "a sleep beside {WAITING} that wait, ns each per worker; medians of {rounds} rounds\n"
    );
    let table = Table::begin(
        HEADER,
        &[longest(rows.iter().map(|row| row.name.as_str()))],
        13,
    );
    let chosen = rows.iter().filter(|row| support::is_chosen(&row.name));
    let ratios: Vec<_> = chosen.map(|row| row.print(&table, rounds)).collect();
    println!("\n{}", ratios.join("\n"));
}
