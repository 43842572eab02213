//! What a timer's turn is: from when to when, and where its ticks are reported.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

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
    /// Whether to end before that.
    pub stop: Arc<AtomicBool>,
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
            ended: self.origin,
            sent: self.origin,
            origin: self.origin,
            until: self.until,
            period: self.plan.period,
            work: self.plan.work,
            stop: Arc::clone(&self.stop),
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
    ended: Instant,
    sent: Instant,
    origin: Instant,
    until: Instant,
    period: Duration,
    work: Duration,
    stop: Arc<AtomicBool>,
    batches: Sender<Batch>,
}

impl Consumer {
    /// It has just been seen to fire for `deadline`. Whether there is another.
    pub fn tick(&mut self, deadline: Instant) -> bool {
        let now = Instant::now();
        if deadline >= self.origin && deadline < self.until {
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
        let stopped = || self.stop.load(Ordering::Relaxed);
        while self.ended - now < self.work && !stopped() {
            std::hint::spin_loop();
            self.ended = Instant::now();
        }
        // A consumer that cannot keep up does not go on for ever.
        let over = deadline + self.period >= self.until || self.ended >= self.until;
        !over && !stopped()
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
        self.send(Some(self.since(self.ended)));
    }
}
