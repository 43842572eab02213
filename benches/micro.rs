//! What the single operations cost, beside those of the peers.
//!
//! `cargo bench --features full --bench micro`, and the name of a piece of work to run that alone.

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use support::{Contender, compare, each};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::Instant as TokioInstant;

const ROUNDS: usize = 21;
const HOUR: Duration = Duration::from_secs(3600);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// In a task, where it has a cooperative budget.
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
        // The first of a runtime makes its driver.
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

fn main() {
    let work: [(&str, &[Contender]); 6] = [
        (
            "create, arm and drop an interval",
            &[
                ("tokio-osinterval", || {
                    create_arm_drop!(tokio_osinterval::time, 20_000)
                }),
                ("tokio", || create_arm_drop!(tokio::time, 20_000)),
                #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
                ("tokio-osinterval 1.0.0", || create_arm_drop!(seed, 2_000)),
            ],
        ),
        (
            "a tick already due",
            &[
                ("tokio-osinterval", || due_tick!(tokio_osinterval::time)),
                ("tokio", || due_tick!(tokio::time)),
                #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
                ("tokio-osinterval 1.0.0", || due_tick!(seed)),
            ],
        ),
        (
            "reset a sleep that is waited for",
            &[
                ("tokio-osinterval", || reset!(tokio_osinterval::time)),
                ("tokio", || reset!(tokio::time)),
            ],
        ),
        (
            "timeout(yield_now)",
            &[
                ("tokio-osinterval", || {
                    timeout_yield!(tokio_osinterval::time, &current_thread())
                }),
                ("tokio", || timeout_yield!(tokio::time, &current_thread())),
                ("without tokio's time driver", || {
                    let mut builder = Builder::new_current_thread();
                    let runtime = builder.enable_io().build().unwrap();
                    timeout_yield!(tokio_osinterval::time, &runtime)
                }),
                ("no timeout", || {
                    const COUNT: usize = 50_000;
                    each(
                        in_a_task(&current_thread(), async {
                            for _ in 0..COUNT {
                                yield_now().await;
                            }
                        }),
                        COUNT,
                    )
                }),
            ],
        ),
        (
            "4 threads make, arm, reset and drop sleeps of one runtime",
            &[
                ("tokio-osinterval", || hammer!(tokio_osinterval::time)),
                ("tokio", || hammer!(tokio::time)),
            ],
        ),
        (
            "the clock is read",
            &[("Instant::now", || {
                const COUNT: usize = 1_000_000;
                let began = Instant::now();
                for _ in 0..COUNT {
                    std::hint::black_box(TokioInstant::now());
                }
                each(began.elapsed(), COUNT)
            })],
        ),
    ];
    let filter = support::argument(0);
    for (name, contenders) in work {
        if filter.as_ref().is_none_or(|filter| name.contains(filter)) {
            compare(name, "ns", ROUNDS, contenders);
        }
    }
}
