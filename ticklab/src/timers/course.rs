//! The course of a timer's turn: its start, its end, and the channel for its ticks.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::Tally;
use crate::measure::Tick;
use crate::plan::Plan;
use crate::sys;
use crate::units::in_nanos;

/// A timer's turn.
#[derive(Debug)]
pub struct Course {
    /// The plan of the run.
    pub plan: Plan,
    /// First deadline of each interval. With a warm-up it lies before `origin`.
    pub starts: Vec<Instant>,
    /// Start of the measuring.
    pub origin: Instant,
    /// End of the measuring, exclusive.
    pub until: Instant,
    /// The latest end of the additional ticks, if the timer ticks on so that its cost can be read before it
    /// ends.
    pub lingers: Option<Instant>,
    /// Ends the turn early.
    pub stop: Arc<AtomicBool>,
    /// Progress of the intervals.
    pub tally: Arc<Tally>,
    /// The channel for ticks.
    pub batches: Sender<Batch>,
    /// Descriptors that were open just before the timers were created.
    pub descriptors_before: OnceLock<Option<u64>>,
}

/// Some ticks of one interval.
#[derive(Debug)]
pub struct Batch {
    /// The interval.
    pub interval: usize,
    /// The ticks in order.
    pub ticks: Vec<Tick>,
    /// When the interval ended, in nanoseconds since the round began, if these are its last ticks.
    pub ended: Option<u64>,
}

/// Ticks are sent in batches, so that sending does not distort the measurement, but soon enough to show
/// progress.
const BATCH: usize = 64;
const SEND_INTERVAL: Duration = Duration::from_millis(50);

impl Course {
    /// Marks the point after which every new descriptor belongs to the timers.
    pub fn mark_timer_creation(&self) {
        self.descriptors_before.get_or_init(sys::open_descriptors);
    }

    /// Returns the number of descriptors that the timers opened, if it is known.
    pub fn descriptors(&self) -> Option<u64> {
        let before = (*self.descriptors_before.get()?)?;
        sys::open_descriptors()?.checked_sub(before)
    }

    /// Creates the consumer of an interval's ticks.
    pub fn consumer(&self, interval: usize) -> Consumer {
        Consumer {
            interval,
            ticks: Vec::new(),
            // The number of ticks until the next batch is sent.
            room: (SEND_INTERVAL.as_nanos() / self.plan.period.as_nanos()).clamp(1, BATCH as u128)
                as usize,
            started: false,
            closed: false,
            ended: self.origin,
            sent: self.origin,
            origin: self.origin,
            until: self.until,
            lingers: self.lingers,
            period: self.plan.period,
            work: self.plan.work,
            stop: Arc::clone(&self.stop),
            tally: Arc::clone(&self.tally),
            batches: self.batches.clone(),
        }
    }
}

/// The consumer of an interval's ticks.
#[derive(Debug)]
pub struct Consumer {
    interval: usize,
    ticks: Vec<Tick>,
    room: usize,
    started: bool,
    /// `true` when all measured ticks have been sent.
    closed: bool,
    ended: Instant,
    sent: Instant,
    origin: Instant,
    until: Instant,
    lingers: Option<Instant>,
    period: Duration,
    work: Duration,
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
    batches: Sender<Batch>,
}

impl Consumer {
    /// Records a tick for `deadline`, seen now. Returns `true` if another tick follows.
    pub fn tick(&mut self, deadline: Instant) -> bool {
        let now = Instant::now();
        if !self.closed && deadline >= self.origin && deadline < self.until {
            self.ticks.push(Tick {
                deadline: self.since(deadline),
                seen: self.since(now),
                early: now < deadline,
            });
            if self.ticks.len() == self.room
                || now.saturating_duration_since(self.sent) >= SEND_INTERVAL
            {
                self.send(None);
                self.ticks = Vec::with_capacity(self.room);
                self.sent = now;
            }
        }
        self.ended = now;
        while self.ended - now < self.work && !self.is_stopped() {
            std::hint::spin_loop();
            self.ended = Instant::now();
        }
        self.tally.serve();
        if !self.started {
            self.started = true;
            self.tally.start();
        }
        // A consumer that cannot keep up must end too.
        if deadline + self.period >= self.until || self.ended >= self.until {
            self.close();
        }
        let has_next = !self.closed || self.lingers();
        has_next && !self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn lingers(&self) -> bool {
        let longest = self.lingers.is_some_and(|until| self.ended < until);
        longest && !self.tally.is_cost_read()
    }

    /// Ends the measuring of this interval.
    fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.send(Some(self.since(self.ended)));
        }
    }

    fn since(&self, moment: Instant) -> u64 {
        in_nanos(moment.saturating_duration_since(self.origin))
    }

    fn send(&mut self, ended: Option<u64>) {
        let (interval, ticks) = (self.interval, mem::take(&mut self.ticks));
        // The receiver is gone if the turn was given up.
        let _ = self.batches.send(Batch {
            interval,
            ticks,
            ended,
        });
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.tally.end();
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::sync::mpsc::channel;

    use crate::args::{Args, Command};
    use crate::choice::Kind;
    use crate::timers;

    /// Returns the ticks that a thread serves, and how many of them are measured.
    fn served(line: &str, warm_up: Duration, lingers: Option<Duration>) -> (u64, u64) {
        let line = format!("ticklab run --period 2ms --rounds 1 {line}");
        let Command::Run(args) = Args::parse_from(line.split(' ')).command else {
            unreachable!("it is a run")
        };
        let plan = Plan::new(&args).unwrap();
        let (first, (batches, received)) = (Instant::now(), channel());
        let until = first + warm_up + plan.round;
        let course = Course {
            plan,
            starts: vec![first],
            origin: first + warm_up,
            until,
            lingers: lingers.map(|longest| until + longest),
            stop: Arc::default(),
            tally: Arc::default(),
            batches,
            descriptors_before: OnceLock::new(),
        };
        timers::run(Kind::Thread, &course).unwrap();
        assert!(course.tally.is_ending() && course.tally.started() == 1);
        let measured = received.try_iter().map(|batch| batch.ticks.len() as u64);
        (course.tally.served(), measured.sum())
    }

    /// A consumer that needs two periods for each tick still serves warm-up ticks when the round begins.
    #[test]
    fn unmeasured_ticks_are_served_too() {
        let warm_up = Duration::from_millis(20);
        let (served, measured) = served("--work 4ms --duration 40ms", warm_up, None);
        assert!(served > measured, "{served}, {measured}");
    }

    #[test]
    fn only_a_lingering_timer_ticks_on() {
        let of = |lingers| served("--duration 9ms", Duration::ZERO, lingers);
        let (served, measured) = of(None);
        assert!(served == measured && measured <= 5, "{served}, {measured}");
        let (served, measured) = of(Some(Duration::from_millis(20)));
        assert!(served > measured && measured <= 5, "{served}, {measured}");
    }
}
