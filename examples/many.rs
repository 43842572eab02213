//! Runs ten thousand intervals on two kernel timers.
//!
//! ```text
//! cargo run --release --example many -- [INTERVALS] [PERIOD] [DURATION]
//! ```

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use support::{Arguments, Lateness};
use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio_osinterval::OsInterval;

/// Each interval has a task of some hundred bytes.
const MAX_INTERVALS: u32 = 10_000_000;

fn main() {
    let mut arguments = Arguments::new(
        "Ten thousand intervals on two kernel timers.",
        "many [INTERVALS] [PERIOD] [DURATION]",
    );
    let intervals = arguments.count("INTERVALS", 10_000);
    let period = arguments.duration("PERIOD", Duration::from_millis(100));
    let duration = arguments.duration("DURATION", Duration::from_secs(3));
    arguments.finish();
    let Some(intervals) = u32::try_from(intervals)
        .ok()
        .filter(|n| *n <= MAX_INTERVALS)
    else {
        support::fail(&format!("INTERVALS must be at most {MAX_INTERVALS}"));
    };
    if let Err(error) = run(intervals, period, duration) {
        support::fail(&format!("no timer: {error}"));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(intervals: u32, period: Duration, duration: Duration) -> std::io::Result<()> {
    let descriptors_before = descriptors();
    let ticks = Rc::new(Cell::new(0_u64));
    let lateness = Rc::new(RefCell::new(Lateness::new()));
    let tasks = LocalSet::new();
    // The starts are spread over a period, and lie after the creation of all intervals.
    let start = Instant::now() + Duration::from_millis(100) + period;
    let end = start + duration;
    for n in 0..intervals {
        let mut interval = OsInterval::builder(period)
            .start(start + period * n / intervals)
            .build()?;
        let (ticks, lateness) = (Rc::clone(&ticks), Rc::clone(&lateness));
        tasks.spawn_local(async move {
            loop {
                let deadline = interval.tick().await;
                if deadline >= end {
                    break;
                }
                ticks.set(ticks.get() + 1);
                lateness.borrow_mut().record(deadline.elapsed());
            }
        });
    }
    // Other code of this process may have closed some.
    let descriptors =
        descriptors_before.and_then(|before| Some(descriptors()?.saturating_sub(before)));
    tasks.await;

    println!("{intervals} intervals of {period:?}, spread over it, for {duration:?}");
    match descriptors {
        Some(descriptors) => println!("descriptors for all of them: {descriptors}"),
        None => println!("descriptors for all of them: unknown on this system"),
    }
    #[allow(clippy::cast_precision_loss, reason = "it is for display only")]
    let rate = ticks.get() as f64 / duration.as_secs_f64();
    println!("ticks: {}, {rate:.0} a second", ticks.get());
    println!("late: {}", lateness.borrow());
    Ok(())
}

/// Returns the number of open descriptors, or `None` where the system does not tell it.
fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/dev/fd").ok()?.count())
}
