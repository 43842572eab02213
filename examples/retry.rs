//! Retries an operation with backon on this crate's sleeps, and prints the pauses and how late each attempt is.
//!
//! ```text
//! cargo run --release --example retry -- [FAILURES] [FIRST_PAUSE]
//! cargo run --release --example retry -- 6 500us
//! ```

mod support;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use support::{Arguments, Lateness};
use tokio::time::Instant;

/// Each pause is twice as long as the one before.
const MAX_FAILURES: u64 = 12;
const MAX_FIRST_PAUSE: Duration = Duration::from_secs(10);

fn main() {
    let mut arguments = Arguments::new(
        "An operation that fails a few times, retried by backon on this crate's sleeps.",
        "retry [FAILURES] [FIRST_PAUSE]",
    );
    let failures = arguments.count("FAILURES", 6);
    let pause = arguments.duration("FIRST_PAUSE", Duration::from_millis(1));
    arguments.finish();
    if failures > MAX_FAILURES {
        support::fail(&format!("FAILURES must be at most {MAX_FAILURES}"));
    }
    if pause > MAX_FIRST_PAUSE {
        support::fail(&format!("FIRST_PAUSE must be at most {MAX_FIRST_PAUSE:?}"));
    }
    if let Err(error) = run(failures, pause) {
        support::fail(&error.to_string());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(failures: u64, pause: Duration) -> Result<(), Refused> {
    let server = FlakyServer::new(failures);
    let policy = ExponentialBuilder::new()
        .with_min_delay(pause)
        .with_factor(2.0)
        .without_max_delay()
        .without_max_times();
    let attempt = (async || server.call())
        .retry(policy)
        // backon takes any function that returns a sleep.
        .sleep(tokio_osinterval::sleep)
        .notify(|error, pause| {
            println!("{error}; again in {pause:?}");
            server.due.set(Some(Instant::now() + pause));
        })
        .await?;
    println!("attempt {attempt} was accepted");
    println!("attempts late: {}", server.lateness.borrow());
    Ok(())
}

/// Refuses some calls, and accepts the next one.
struct FlakyServer {
    failures: u64,
    calls: Cell<u64>,
    due: Cell<Option<Instant>>,
    lateness: RefCell<Lateness>,
}

impl FlakyServer {
    fn new(failures: u64) -> Self {
        Self {
            failures,
            calls: Cell::new(0),
            due: Cell::new(None),
            lateness: RefCell::new(Lateness::new()),
        }
    }

    fn call(&self) -> Result<u64, Refused> {
        if let Some(due) = self.due.take() {
            self.lateness.borrow_mut().record(due.elapsed());
        }
        let call = self.calls.get() + 1;
        self.calls.set(call);
        if call > self.failures {
            Ok(call)
        } else {
            Err(Refused(call))
        }
    }
}

#[derive(Debug)]
struct Refused(u64);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {} was refused", self.0)
    }
}
