//! Runtimes for tests, and a limit for how long a test may take.

use std::io::Write;
use std::panic::Location;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// No healthy test takes as long.
const LIMIT: Duration = Duration::from_secs(120);

/// Aborts the process with a message if it is not dropped in time. A hang is then a failure, even a hang that
/// holds a lock or spins.
pub(crate) struct Watchdog {
    _test_runs: Sender<()>,
}

impl Watchdog {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let place = Location::caller();
        let (test_runs, test_ends) = channel::<()>();
        std::thread::spawn(move || {
            if test_ends.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                let message =
                    format!("the test at {place} hangs: it is not done after {LIMIT:?}\n");
                // The test harness would capture `eprintln!`, and lose the message.
                let _ = std::io::stderr().write_all(message.as_bytes());
                std::process::abort();
            }
        });
        Self {
            _test_runs: test_runs,
        }
    }
}

/// Creates a current-thread runtime with the drivers that any backend needs.
pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Creates a multi-thread runtime with the drivers that any backend needs.
pub(crate) fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap()
}

/// Creates a current-thread runtime whose clock is paused.
#[cfg(feature = "test-util")]
pub(crate) fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

/// Runs `test` on a current-thread runtime, under a watchdog.
#[track_caller]
pub(crate) fn on_current_thread<F: Future>(test: F) -> F::Output {
    let _watchdog = Watchdog::new();
    current_thread().block_on(test)
}

/// Runs `test` on each of the `runtimes`, under a watchdog.
#[track_caller]
pub(crate) fn on_runtimes<const N: usize>(runtimes: [Runtime; N], test: impl AsyncFn()) {
    let _watchdog = Watchdog::new();
    for runtime in runtimes {
        runtime.block_on(test());
    }
}

/// Runs `test` on each kind of runtime, under a watchdog.
#[track_caller]
pub(crate) fn on_every_runtime(test: impl AsyncFn()) {
    on_runtimes([current_thread(), multi_thread(1), multi_thread(4)], test);
}
