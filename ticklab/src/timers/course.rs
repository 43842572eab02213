//! What a timer's turn is: from when to when, and where its ticks are reported.

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
        Some(sys::open_descriptors()?.saturating_sub(before))
    }

    /// Who receives an interval's ticks.
    pub fn consumer(&self, interval: usize) -> Consumer {
        Consumer {
            batch: Batch {
                interval,
                ticks: Vec::with_capacity(BATCH),
            },
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
    batch: Batch,
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
            let since = |moment: Instant| in_nanos(moment.saturating_duration_since(self.origin));
            self.batch.ticks.push(Tick {
                deadline: since(deadline),
                seen: since(now),
            });
            if self.batch.ticks.len() == BATCH || now.saturating_duration_since(self.sent) >= SOON {
                self.send();
                self.sent = now;
            }
        }
        let mut end = now;
        while end - now < self.work {
            std::hint::spin_loop();
            end = Instant::now();
        }
        // A consumer that cannot keep up does not go on for ever.
        let over = deadline + self.period >= self.until || end >= self.until;
        !over && !self.stop.load(Ordering::Relaxed)
    }

    fn send(&mut self) {
        let full = std::mem::replace(&mut self.batch.ticks, Vec::with_capacity(BATCH));
        // Nobody listens any more when the turn was given up.
        let _ = self.batches.send(Batch {
            interval: self.batch.interval,
            ticks: full,
        });
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if !self.batch.ticks.is_empty() {
            self.send();
        }
    }
}
