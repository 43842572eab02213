//! Counts system calls per tick with strace(1).
//!
//! Tracing slows a process down, so ticklab traces a separate process and ignores its lateness. That process
//! runs twice, with different numbers of ticks. The difference of the counts excludes start-up and shutdown.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{interrupt, phases};
use crate::args::TickArgs;
use crate::choice::Kind;
use crate::plan::Plan;
use crate::report::Timer;
use crate::sys;
use crate::timers::{self, Course};

/// Long enough between two ticks for a traced process, and short enough for a quick result.
const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(20);
/// The length of the first run, unless it has too few ticks. The second run is three times as long.
const SHORT: Duration = Duration::from_millis(200);
const MIN_TICKS: u32 = 3;

/// Returns the approximate length for one timer.
pub fn length(plan: &Plan) -> Duration {
    4 * few(plan) * period(plan)
}

/// Adds the counts to the timers' totals. If strace cannot count them, they stay absent and ticklab prints
/// the reason.
pub fn count(plan: &Plan, timers: &mut [Timer]) {
    for timer in timers {
        let Some(total) = &mut timer.total else {
            continue;
        };
        if interrupt::is_requested() {
            return;
        }
        match per_tick(plan, &timer.name) {
            Ok(calls) => total.syscalls_per_tick = calls,
            // A Ctrl-C at the terminal also went to strace.
            Err(_) if interrupt::is_requested() => return,
            Err(error) => {
                eprintln!("cannot count system calls: strace: {error}");
                return;
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
fn per_tick(plan: &Plan, timer: &str) -> io::Result<Option<f64>> {
    let few = few(plan);
    let (long, short) = (calls(plan, timer, 3 * few)?, calls(plan, timer, few)?);
    let calls = long.calls.saturating_sub(short.calls);
    let ticks = long.ticks.saturating_sub(short.ticks);
    Ok((ticks > 0).then(|| calls as f64 / ticks as f64))
}

/// The counts of a traced process.
struct Counted {
    calls: u64,
    /// Ticks that were served. If the consumer falls behind, they are fewer than the deadlines.
    ticks: u64,
}

fn few(plan: &Plan) -> u32 {
    let few = SHORT.as_nanos() / period(plan).as_nanos();
    u32::try_from(few).unwrap_or(u32::MAX).max(MIN_TICKS)
}

fn period(plan: &Plan) -> Duration {
    plan.period.clamp(SHORTEST, LONGEST)
}

/// Traces a process with this number of ticks for each interval.
fn calls(plan: &Plan, timer: &str, ticks: u32) -> io::Result<Counted> {
    let period = period(plan);
    let settings = plan.settings();
    let nanos = |time: Duration| format!("{}ns", time.as_nanos());
    let counted = tempfile::NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command
        .args(["-f", "-c", "-o"])
        .arg(counted.path())
        .arg(env::current_exe()?);
    command.args(["tick", "--only", timer, "--rounds", "1", "--warm-up", "0s"]);
    command.args([
        "--period",
        &nanos(period),
        "--duration",
        &nanos(period * ticks),
    ]);
    command.args([
        "--intervals",
        &settings.intervals.to_string(),
        "--runtime",
        &settings.runtime,
        "--event-interval",
        &settings.event_interval.to_string(),
    ]);
    command.args([
        "--tolerance",
        &nanos(plan.tolerance),
        "--missed",
        &settings.missed,
    ]);
    command.args([
        "--work",
        &nanos(plan.work),
        "--seed",
        &settings.seed.to_string(),
    ]);
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("failed").to_owned();
        return Err(io::Error::other(said));
    }
    let ticks = String::from_utf8_lossy(&output.stdout).trim().parse();
    Ok(Counted {
        calls: sum(&std::fs::read_to_string(counted.path())?),
        ticks: ticks.map_err(io::Error::other)?,
    })
}

/// Sums the calls in the table of `strace -c`: share, seconds, each, calls, and the name at the end.
fn sum(table: &str) -> u64 {
    let calls = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (name, calls) = (words.last()?, words.get(3)?);
        (*name != "total").then(|| calls.parse::<u64>().ok())?
    };
    table.lines().filter_map(calls).sum()
}

/// Runs in the traced process: lets one timer tick, and prints the number of ticks.
///
/// # Errors
///
/// Returns an error if the timer cannot run.
pub fn tick(mut args: TickArgs) -> Result<u8> {
    sys::unblock_signals()?;
    let kind = Kind::named(&args.only).ok_or_else(|| anyhow::anyhow!("no timer {}", args.only))?;
    args.run.timers = vec![kind];
    let plan = Plan::new(&args.run)?;
    let mut phases = phases(&plan, &mut fastrand::Rng::with_seed(plan.seed));
    if kind.is_floor() {
        phases.truncate(1);
    }
    let (origin, (batches, _received)) = (Instant::now() + plan.period, channel());
    let course = Course {
        starts: phases.iter().map(|phase| origin + *phase).collect(),
        origin,
        until: origin + plan.round,
        lingers: None,
        stop: Arc::default(),
        tally: Arc::default(),
        batches,
        descriptors_before: OnceLock::new(),
        plan,
    };
    timers::run(kind, &course)?;
    writeln!(io::stdout(), "{}", course.tally.served())?;
    Ok(crate::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_table() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 62.11    0.000536           2       201           epoll_wait
 37.89    0.000327           1       200         1 timerfd_settime
  0.00    0.000000           0         2           close
------ ----------- ----------- --------- --------- ----------------
100.00    0.000863           2       403         1 total
";
        assert_eq!(sum(table), 403);
        assert_eq!(sum(""), 0);
    }
}
