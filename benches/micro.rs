//! The cost of single operations, compared with the peers.
//!
//! `cargo bench --features full --bench micro`. An argument selects one operation by name.

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use support::{Contender, Table, each, longest, median, number, or_none};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::Instant as TokioInstant;

const HOUR: Duration = Duration::from_secs(3600);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a future in a task, where it has a cooperative budget.
fn in_a_task<F: Future<Output = ()> + Send + 'static>(runtime: &Runtime, work: F) -> Duration {
    runtime.block_on(async {
        let timed = tokio::spawn(async {
            let began = Instant::now();
            work.await;
            began.elapsed()
        });
        timed.await.unwrap()
    })
}

macro_rules! create_arm_drop {
    ($time:path, $count:expr) => {{
        use $time as time;
        let runtime = current_thread();
        let _context = runtime.enter();
        let waker = Waker::noop();
        let one = |n: usize| {
            let start = TokioInstant::now() + HOUR + Duration::from_nanos(n as u64);
            let mut interval = time::interval_at(start, HOUR);
            assert!(
                interval
                    .poll_tick(&mut Context::from_waker(waker))
                    .is_pending()
            );
        };
        // The runtime's first timer creates its driver.
        one(0);
        let began = Instant::now();
        (0..$count).for_each(one);
        each(began.elapsed(), $count)
    }};
}

macro_rules! due_tick {
    ($time:path) => {{
        use $time as time;
        const COUNT: usize = 200_000;
        let took = in_a_task(&current_thread(), async {
            let mut interval = time::interval(Duration::from_nanos(1));
            for _ in 0..COUNT {
                interval.tick().await;
            }
        });
        each(took, COUNT)
    }};
}

macro_rules! reset {
    ($time:path) => {{
        use $time as time;
        const COUNT: usize = 100_000;
        let runtime = current_thread();
        let _context = runtime.enter();
        let mut sleep = pin!(time::sleep(HOUR));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        let deadline = sleep.deadline();
        let began = Instant::now();
        for n in 0..COUNT {
            sleep
                .as_mut()
                .reset(deadline + Duration::from_millis(n as u64));
        }
        each(began.elapsed(), COUNT)
    }};
}

macro_rules! timeout_yield {
    ($time:path, $runtime:expr) => {{
        use $time as time;
        const COUNT: usize = 50_000;
        let took = in_a_task($runtime, async {
            for _ in 0..COUNT {
                time::timeout(HOUR, yield_now()).await.unwrap();
            }
        });
        each(took, COUNT)
    }};
}

macro_rules! hammer {
    ($time:path) => {{
        use $time as time;
        const THREADS: usize = 4;
        const COUNT: usize = 20_000;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let barrier = Barrier::new(THREADS);
        let took: Vec<Duration> = std::thread::scope(|scope| {
            let threads = [(); THREADS].map(|()| {
                scope.spawn(|| {
                    let _context = runtime.enter();
                    let mut cx = Context::from_waker(Waker::noop());
                    barrier.wait();
                    let began = Instant::now();
                    for n in 0..COUNT {
                        let mut sleep = pin!(time::sleep(HOUR + Duration::from_micros(n as u64)));
                        assert!(sleep.as_mut().poll(&mut cx).is_pending());
                        let deadline = sleep.deadline();
                        sleep.as_mut().reset(deadline + Duration::from_secs(1));
                    }
                    began.elapsed()
                })
            });
            threads.map(|thread| thread.join().unwrap()).into()
        });
        each(took.into_iter().max().unwrap(), THREADS * COUNT)
    }};
}

struct Work {
    name: &'static str,
    /// The contenders, in the order of the table's columns.
    contenders: [Option<Contender>; 4],
}

macro_rules! of_seed {
    ($work:expr) => {{
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        let of_seed: Option<Contender> = Some(|| $work);
        #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
        let of_seed: Option<Contender> = None;
        of_seed
    }};
}

const HEADER: &str = "| | here | tokio | 1.0.0 | no timer |";

const WORK: &[Work] = &[
    Work {
        name: "make, arm and drop an interval",
        contenders: [
            Some(|| create_arm_drop!(tokio_osinterval::time, 20_000)),
            Some(|| create_arm_drop!(tokio::time, 20_000)),
            of_seed!(create_arm_drop!(seed, 2_000)),
            None,
        ],
    },
    Work {
        name: "a tick that is due already",
        contenders: [
            Some(|| due_tick!(tokio_osinterval::time)),
            Some(|| due_tick!(tokio::time)),
            of_seed!(due_tick!(seed)),
            None,
        ],
    },
    Work {
        name: "reset a sleep that is waited for",
        contenders: [
            Some(|| reset!(tokio_osinterval::time)),
            Some(|| reset!(tokio::time)),
            None,
            None,
        ],
    },
    Work {
        name: "`timeout(1 h, yield_now())`",
        contenders: [
            Some(|| timeout_yield!(tokio_osinterval::time, &current_thread())),
            Some(|| timeout_yield!(tokio::time, &current_thread())),
            None,
            Some(|| {
                const COUNT: usize = 50_000;
                let took = in_a_task(&current_thread(), async {
                    for _ in 0..COUNT {
                        yield_now().await;
                    }
                });
                each(took, COUNT)
            }),
        ],
    },
    Work {
        name: "the same, without tokio's time driver",
        contenders: [
            Some(|| {
                let mut builder = Builder::new_current_thread();
                let runtime = builder.enable_io().build().unwrap();
                timeout_yield!(tokio_osinterval::time, &runtime)
            }),
            None,
            None,
            None,
        ],
    },
    Work {
        name: "make, arm, reset and drop a sleep, 4 threads at once",
        contenders: [
            Some(|| hammer!(tokio_osinterval::time)),
            Some(|| hammer!(tokio::time)),
            None,
            None,
        ],
    },
    Work {
        name: "read the clock",
        contenders: [
            None,
            None,
            None,
            Some(|| {
                const COUNT: usize = 1_000_000;
                let began = Instant::now();
                for _ in 0..COUNT {
                    std::hint::black_box(TokioInstant::now());
                }
                each(began.elapsed(), COUNT)
            }),
        ],
    },
];

fn main() {
    let rounds = support::rounds(21);
    println!("ns each; medians of {rounds} rounds\n");
    let table = Table::begin(HEADER, &[longest(WORK.iter().map(|work| work.name))], 6);
    let mut ratios = Vec::new();
    for work in WORK.iter().filter(|work| support::is_chosen(work.name)) {
        let contenders: Vec<Contender> = work.contenders.into_iter().flatten().collect();
        let samples = support::turns(rounds, &contenders);
        let mut left = samples.iter();
        let mut row = vec![work.name.to_owned()];
        row.extend(work.contenders.map(|contender| {
            let samples = contender.and_then(|_| left.next());
            or_none(samples.map(|samples| number(median(samples.clone()), 0)))
        }));
        table.row(&row);
        if let [Some(_), Some(_), ..] = work.contenders {
            let ratio = support::ratio(&samples[0], &samples[1]);
            ratios.push(format!("{}: here / tokio {ratio:.2}", work.name));
        }
    }
    println!("\n{}", ratios.join("\n"));
}
