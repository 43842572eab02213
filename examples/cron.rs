//! Runs work that sometimes overruns its period, on a kernel timer that counts its expirations. So the loop
//! knows how many periods it has missed.
//!
//! ```text
//! cargo run --release --example cron -- [PERIOD] [ROUNDS]
//! ```

mod support;

use std::time::Duration;

use support::Arguments;
use tokio::time::{Instant, sleep};
use tokio_osinterval::PeriodicInterval;

fn main() {
    let mut arguments = Arguments::new(
        "Work that sometimes overruns its period, on a kernel timer that counts missed periods.",
        "cron [PERIOD] [ROUNDS]",
    );
    let period = arguments.duration("PERIOD", Duration::from_millis(50));
    let rounds = arguments.count("ROUNDS", 20);
    arguments.finish();
    if let Err(error) = run(period, rounds) {
        support::fail(&format!("no timer: {error}"));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(period: Duration, rounds: u64) -> std::io::Result<()> {
    let mut interval = PeriodicInterval::new(period)?;
    let start = Instant::now();
    let mut expirations = 0;
    for round in 1..=rounds {
        let since_last = interval.tick().await?;
        expirations += since_last;
        match since_last - 1 {
            0 => println!("round {round:>3}: in time"),
            missed => println!("round {round:>3}: {missed} missed, the work took too long"),
        }
        // Each fifth round takes three and a half periods.
        sleep(if round % 5 == 0 {
            period * 7 / 2
        } else {
            period / 4
        })
        .await;
    }
    println!(
        "{rounds} rounds, {expirations} periods in {:?}: {} missed, none uncounted",
        start.elapsed(),
        expirations - rounds,
    );
    Ok(())
}
