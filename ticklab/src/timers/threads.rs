//! Timers that take a thread for each interval.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::Course;
use super::course::Consumer;
use crate::choice::{Kind, Missed};
use crate::sys::Wait;

/// Enough for a loop around a sleep, and small enough for ten thousand threads.
const STACK: usize = 128 * 1024;

/// Runs each interval in a thread of its own.
pub fn run(kind: Kind, course: &Course) -> io::Result<()> {
    course.mark_timer_creation();
    thread::scope(|scope| {
        let mut intervals = Vec::new();
        for (index, start) in course.starts.iter().enumerate() {
            let (plan, consumer) = (&course.plan, course.consumer(index));
            let body = move || tick(waiting(kind)?, *start, plan.period, plan.missed, consumer);
            let builder = thread::Builder::new().name(kind.name()).stack_size(STACK);
            let spawned = builder.spawn_scoped(scope, body);
            // The threads that have started end at once.
            intervals.push(spawned.inspect_err(|_| course.stop.store(true, Ordering::Relaxed))?);
        }
        for interval in intervals {
            interval
                .join()
                .map_err(|_| io::Error::other("panicked"))??;
        }
        Ok(())
    })
}

fn waiting(kind: Kind) -> io::Result<Wait> {
    match kind {
        Kind::Thread => Ok(Box::new(|deadline| {
            thread::sleep(deadline.saturating_duration_since(Instant::now()));
            Ok(())
        })),
        Kind::SpinSleep => {
            let sleeper = spin_sleep::SpinSleeper::default();
            Ok(Box::new(move |deadline| {
                sleeper.sleep_until(deadline);
                Ok(())
            }))
        }
        Kind::Floor(floor) => floor.waiting(),
        other => unreachable!("{other:?} has tasks"),
    }
}

fn tick(
    mut wait: Wait,
    start: Instant,
    period: Duration,
    missed: Missed,
    mut consumer: Consumer,
) -> io::Result<()> {
    let mut deadline = start;
    loop {
        // A thread that wakes early sleeps again, as any user's code would.
        while Instant::now() < deadline {
            wait(deadline)?;
        }
        // As in tokio: what the consumer misses is known at its next tick.
        let now = Instant::now();
        if !consumer.tick(deadline) {
            return Ok(());
        }
        deadline = next(deadline, now, period, missed);
    }
}

/// Returns the next deadline. A tick is missed when the one after it is due.
fn next(deadline: Instant, now: Instant, period: Duration, missed: Missed) -> Instant {
    let next = deadline + period;
    if now < next {
        return next;
    }
    match missed {
        Missed::Burst => next,
        Missed::Delay => now + period,
        Missed::Skip => {
            let passed = (now - next).as_nanos() / period.as_nanos();
            next + period * (u32::try_from(passed).unwrap_or(u32::MAX - 1) + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_deadline_follows_the_missed_behaviour() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let next = |now, missed| next(ms(0), ms(now), Duration::from_millis(10), missed);
        for missed in [Missed::Burst, Missed::Delay, Missed::Skip] {
            assert_eq!(next(9, missed), ms(10));
        }
        assert_eq!(next(25, Missed::Burst), ms(10));
        assert_eq!(next(25, Missed::Delay), ms(35));
        assert_eq!(next(25, Missed::Skip), ms(30));
        assert_eq!(next(20, Missed::Skip), ms(30));
    }
}
