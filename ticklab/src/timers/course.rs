//! What a timer's turn is: from when to when, and where its ticks are reported.

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
    /// What was asked for.
    pub plan: Plan,
    /// Each interval's first deadline, before `origin` where there is a warm-up.
    pub starts: Vec<Instant>,
    /// From here on it is measured.
    pub origin: Instant,
    /// What is due from here on is not.
    pub until: Instant,
    /// Whether, and until when at the most, it ticks on, so that what ticks cost can be read before it ends.
    pub lingers: Option<Instant>,
    /// Whether to end before that.
    pub stop: Arc<AtomicBool>,
    /// How far it has come.
    pub tally: Arc<Tally>,
    /// Where to.
    pub batches: Sender<Batch>,
    /// Open when all was ready but the timers themselves.
    pub descriptors_before: OnceLock<Option<u64>>,
}

/// Ticks of one interval.
#[derive(Debug)]
pub struct Batch {
    /// Which.
    pub interval: usize,
    /// In order.
    pub ticks: Vec<Tick>,
    /// When the interval ended, if these are its last; in nanoseconds since the round began.
    pub ended: Option<u64>,
}

/// Ticks are reported together, so that what is measured is not the reporting; but soon enough to be
/// looked at while it goes on.
const BATCH: usize = 64;
const SOON: Duration = Duration::from_millis(50);

impl Course {
    /// The rest of what is opened is the timers'.
    pub fn makes_timers(&self) {
        self.descriptors_before.get_or_init(sys::open_descriptors);
    }

    /// How many the timers have opened, if that can be told.
    pub fn descriptors(&self) -> Option<u64> {
        let before = (*self.descriptors_before.get()?)?;
        sys::open_descriptors()?.checked_sub(before)
    }

    /// Who receives an interval's ticks.
    pub fn consumer(&self, interval: usize) -> Consumer {
        Consumer {
            interval,
            ticks: Vec::new(),
            // As many as there will be.
            room: (SOON.as_nanos() / self.plan.period.as_nanos()).clamp(1, BATCH as u128) as usize,
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

/// Who receives an interval's ticks.
#[derive(Debug)]
pub struct Consumer {
    interval: usize,
    ticks: Vec<Tick>,
    room: usize,
    started: bool,
    /// Whether all its ticks that are measured have been sent.
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
    /// It has just been seen to fire for `deadline`. Whether there is another.
    pub fn tick(&mut self, deadline: Instant) -> bool {
        let now = Instant::now();
        if !self.closed && deadline >= self.origin && deadline < self.until {
            self.ticks.push(Tick {
                deadline: self.since(deadline),
                seen: self.since(now),
                early: now < deadline,
            });
            if self.ticks.len() == self.room || now.saturating_duration_since(self.sent) >= SOON {
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
        // A consumer that cannot keep up does not go on for ever.
        if deadline + self.period >= self.until || self.ended >= self.until {
            self.close();
        }
        let goes_on = !self.closed || self.lingers();
        goes_on && !self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn lingers(&self) -> bool {
        let longest = self.lingers.is_some_and(|until| self.ended < until);
        longest && !self.tally.is_dismissed()
    }

    /// What it does from now on is not measured.
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
        // Nobody listens any more when the turn was given up.
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

    /// Ticks of a thread that are served, and those of them that are measured.
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

    /// A consumer that needs two periods for each tick is still at the warm-up's when the round begins.
    #[test]
    fn ticks_that_are_not_measured_are_served_as_well() {
        let warm_up = Duration::from_millis(20);
        let (served, measured) = served("--work 4ms --duration 40ms", warm_up, None);
        assert!(served > measured, "{served}, {measured}");
    }

    #[test]
    fn a_timer_that_lingers_ticks_on_and_no_other() {
        let of = |lingers| served("--duration 9ms", Duration::ZERO, lingers);
        let (served, measured) = of(None);
        assert!(served == measured && measured <= 5, "{served}, {measured}");
        let (served, measured) = of(Some(Duration::from_millis(20)));
        assert!(served > measured && measured <= 5, "{served}, {measured}");
    }
}
