//! Runs a control loop at 1 kHz. When its work takes too long, the loop continues with the next multiple of
//! the period and reports the missed ticks.
//!
//! ```text
//! cargo run --release --example control_loop -- [PERIOD] [CYCLES]
//! cargo run --release --example control_loop -- 1ms 2000
//! ```

mod support;

use std::time::{Duration, Instant};

use support::{Arguments, Lateness};
use tokio::runtime::{Builder, Runtime};
use tokio_osinterval::{MissedTickBehavior, OsInterval};

/// One cycle in this many overruns.
const OVERRUN: u64 = 250;

fn main() {
    let mut arguments = Arguments::new(
        "A control loop that skips ticks when its work takes too long.",
        "control_loop [PERIOD] [CYCLES]",
    );
    let period = arguments.duration("PERIOD", Duration::from_millis(1));
    let cycles = arguments.count("CYCLES", 2000);
    arguments.finish();
    let runtime = runtime().unwrap_or_else(|error| support::fail(&format!("no runtime: {error}")));
    if let Err(error) = runtime.block_on(run(period, cycles)) {
        support::fail(&format!("no timer: {error}"));
    }
}

/// Builds a runtime that asks its reactor after each poll.
///
/// By default, tokio asks after 61 polls while tasks wake each other, and the loop would be late by as many.
/// The price is a system call per poll. A loop that is the only task does not need this.
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(1)
        .build()
}

async fn run(period: Duration, cycles: u64) -> std::io::Result<()> {
    let mut interval = OsInterval::builder(period)
        .missed_tick_behavior(MissedTickBehavior::Skip)
        .build()?;
    let mut lateness = Lateness::new();
    let mut reported = 0;
    for cycle in 1..=cycles {
        let deadline = interval.tick().await;
        let late = deadline.elapsed();
        let missed = interval.missed_ticks();
        if missed > reported {
            println!(
                "cycle {cycle:>5}: late by {late:?}, {} missed",
                missed - reported
            );
            reported = missed;
        }
        lateness.record(late);
        work(period, cycle % OVERRUN == 0);
    }
    println!("late: {lateness}; missed: {reported}");
    Ok(())
}

/// Works for a tenth of the period, or for two and a half periods.
fn work(period: Duration, overruns: bool) {
    let duration = if overruns {
        period * 5 / 2
    } else {
        period / 10
    };
    let began = Instant::now();
    while began.elapsed() < duration {
        std::hint::spin_loop();
    }
}
