//! One timer's turn in one round. The timer ticks on a thread of its own. This thread collects the ticks a
//! few times a second and records them.

use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::interrupt;
use super::measured::Measured;
use super::usage::{Reading, Window};
use crate::measure::Round;
use crate::plan::Plan;
use crate::timers::{self, Course, Tally};
use crate::units::in_nanos;

/// How often to collect ticks.
const COLLECT_INTERVAL: Duration = Duration::from_millis(100);
/// How often to check for the end when the turn is due to end.
const END_CHECK_INTERVAL: Duration = Duration::from_millis(5);
/// A timer that has not ended this long after its time never will.
const END_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an interrupted timer may take to notice.
const STOP_TIMEOUT: Duration = Duration::from_millis(200);

/// A timer ticks for one more period, so that its cost can be read before it ends. If that would make the run
/// much longer, the cost is read before the last tick.
const LONGEST_LINGER: Duration = Duration::from_millis(100);

/// Returns the approximate length of a turn.
pub fn length(plan: &Plan) -> Duration {
    // On average the timer continues for half a period.
    let ended = linger(plan).unwrap_or_default() / 4 + END_CHECK_INTERVAL;
    set_up_time(plan) + plan.warm_up + plan.round + ended
}

/// Returns the upper limit: the reader may be late as well.
fn linger(plan: &Plan) -> Option<Duration> {
    (plan.period <= LONGEST_LINGER).then(|| 2 * plan.period + END_CHECK_INTERVAL)
}

/// Returns the time to set the timers up.
fn set_up_time(plan: &Plan) -> Duration {
    Duration::from_millis(20) + Duration::from_micros(20) * plan.intervals
}

/// Runs a round and adds it to `measured`. Calls `show` now and then with the lateness of the rounds before
/// and of this one so far.
pub fn take(
    plan: &Plan,
    phases: &[Duration],
    begun: Instant,
    measured: &mut Measured,
    show: impl Fn(&Histogram<u64>, &Histogram<u64>),
) {
    let kind = measured.kind;
    let phases = if kind.is_floor() {
        &phases[..1]
    } else {
        phases
    };
    let first = Instant::now() + set_up_time(plan);
    let origin = first + plan.warm_up;
    let until = origin + plan.round;
    let stop = Arc::new(AtomicBool::new(false));
    let tally = Arc::<Tally>::default();
    let (batches, received) = channel();
    let course = Arc::new(Course {
        plan: plan.clone(),
        starts: phases.iter().map(|phase| first + *phase).collect(),
        origin,
        until,
        lingers: linger(plan).map(|longest| until + longest),
        stop: Arc::clone(&stop),
        tally: Arc::clone(&tally),
        batches,
        descriptors_before: OnceLock::new(),
    });
    let timer = {
        let course = Arc::clone(&course);
        thread::spawn(move || timers::run(kind, &course))
    };
    let ended = || timer.is_finished();

    sleep_until(origin, &ended);
    let mut window = Window::default();
    let mut read = || window.read(phases.len(), &tally, Reading::now);
    read();
    let firsts = phases.iter().map(|phase| in_nanos(*phase));
    let mut round = Round::new(in_nanos(plan.period), firsts);
    let since_begun = in_nanos(origin.saturating_duration_since(begun));
    let timeline = &mut measured.timeline;
    let mut served = |served| timeline.record(since_begun, served);
    let mut receive = |round: &mut Round| {
        for batch in received.try_iter() {
            for tick in batch.ticks {
                round.tick(batch.interval, tick, &mut served);
            }
            if let Some(moment) = batch.ended {
                round.ended(batch.interval, moment);
            }
        }
    };
    let descriptors = course.descriptors().filter(|_| !ended());
    let mut give_up = until + END_TIMEOUT;
    while !ended() && Instant::now() < give_up {
        sleep_until((Instant::now() + COLLECT_INTERVAL).min(until), &ended);
        read();
        if Instant::now() >= until {
            tally.mark_cost_read();
            thread::sleep(END_CHECK_INTERVAL);
        }
        receive(&mut round);
        show(&measured.total.lateness, round.lateness());
        if interrupt::is_requested() && !stop.swap(true, Ordering::Relaxed) {
            give_up = Instant::now() + STOP_TIMEOUT;
        }
    }
    // With a load, the timer's cost cannot be told apart.
    let loaded = plan.load > 0 || plan.load_threads > 0;
    round.cost(window.cost().filter(|_| !loaded), descriptors);
    let now = Instant::now();
    receive(&mut round);
    stop.store(true, Ordering::Relaxed);
    measured.failure = match (ended(), interrupt::is_requested()) {
        (true, _) => failure(timer),
        (false, true) => None,
        (false, false) => Some(format!("did not end within {END_TIMEOUT:?} of its time")),
    };
    // A deadline shortly before an interruption or a failure was not the timer's to serve.
    let cut_short = interrupt::is_requested() || (measured.failure.is_some() && now < until);
    let until = match now.checked_sub(plan.period) {
        Some(before) if cut_short => until.min(before),
        _ => until,
    };
    let since = |moment: Instant| in_nanos(moment.saturating_duration_since(origin));
    let round = round.end(since(until), since(now), served);
    measured.add(&round);
}

fn sleep_until(moment: Instant, ended: &impl Fn() -> bool) {
    while !ended() && !interrupt::is_requested() {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(COLLECT_INTERVAL));
    }
}

fn failure(timer: JoinHandle<io::Result<()>>) -> Option<String> {
    match timer.join() {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(panic) => Some(message(&*panic)),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("panicked")
        .to_owned()
}
