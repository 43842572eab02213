//! Runs an interval, and prints how late each tick is.
//!
//! ```text
//! cargo run --release --example heartbeat -- [PERIOD] [TICKS]
//! cargo run --release --example heartbeat -- 1ms 2000
//! ```
//!
//! It prints each of up to 100 ticks, and a summary.

mod support;

use std::time::Duration;

use support::{Arguments, Lateness};
use tokio::time::Instant;
use tokio_osinterval::{MissedTickBehavior, OsInterval};

/// More ticks are not printed one by one.
const MAX_PRINTED: u64 = 100;

fn main() {
    let mut arguments = Arguments::new(
        "An interval, and how late each of its ticks is.",
        "heartbeat [PERIOD] [TICKS]",
    );
    let period = arguments.duration("PERIOD", Duration::from_millis(100));
    let ticks = arguments.count("TICKS", 20);
    arguments.finish();
    if let Err(error) = run(period, ticks) {
        support::fail(&format!("no timer: {error}"));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(period: Duration, ticks: u64) -> std::io::Result<()> {
    let mut interval = OsInterval::builder(period)
        .missed_tick_behavior(MissedTickBehavior::Skip)
        .build()?;
    println!("an interval of {period:?}, {ticks} ticks");

    let mut lateness = Lateness::new();
    let mut start = None;
    for tick in 1..=ticks {
        let deadline = interval.tick().await;
        let late = Instant::now() - deadline;
        lateness.record(late);
        if ticks <= MAX_PRINTED {
            let since_start = deadline - *start.get_or_insert(deadline);
            let missed = interval.missed_ticks();
            println!(
                "tick {tick:>3}: deadline {since_start:>10?}, late {late:>10?}, missed {missed}"
            );
        }
    }
    println!("late: {lateness}; missed: {}", interval.missed_ticks());
    Ok(())
}
