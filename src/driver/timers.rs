//! What a driver keeps under its lock: its queue, and the alarm for the first in it.

use std::io;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::hints::Hints;
use super::learned::{Crowd, Lateness};
use super::queue::{Key, Queue, Span};
use crate::span::{later, nanos};
use crate::sys::{Alarm, Armed};

/// An alarm that is armed for a moment closer than this says little about how late the kernel is:
/// it may have passed before the kernel heard of it.
const IN_TIME: u64 = 20_000;

/// The moments of one driver: nanoseconds since it was made; any before that, as then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(pub(super) Instant);

impl Epoch {
    pub(super) fn moment(self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.0))
    }

    fn instant(self, moment: u64) -> Instant {
        later(self.0, Duration::from_nanos(moment))
    }
}

#[derive(Debug)]
pub(super) struct Timers {
    queue: Queue<Waker>,
    alarm: Alarm,
    epoch: Epoch,
    /// What the alarm is set for; `None` when it has fired, or was never set. It may be earlier
    /// than the first in the queue: one spurious wake-up costs less than setting it back would.
    armed: Option<Span>,
    /// Whether that is known to have been still to come when the alarm was armed: only then does it
    /// tell how late the kernel is.
    in_time: bool,
    lateness: Lateness,
    crowd: Crowd,
}

impl Timers {
    pub(super) fn new(alarm: Alarm, epoch: Epoch) -> Self {
        Self {
            queue: Queue::new(),
            alarm,
            epoch,
            armed: None,
            in_time: false,
            lateness: Lateness::new(),
            crowd: Crowd::default(),
        }
    }

    /// Has the waker woken when the runtime shuts down.
    pub(super) fn listen(&mut self, waker: &Waker) -> io::Result<()> {
        self.alarm.listen(waker)
    }

    pub(super) fn hints(&self) -> Hints {
        Hints::new(self.lateness.most())
    }

    /// Has `value` taken within `span`, in place of what `key` waited for before: returns that.
    pub(super) fn wait(
        &mut self,
        key: &mut Option<Key>,
        span: Span,
        value: Waker,
        hints: &Hints,
    ) -> Option<Waker> {
        hints.put(span.latest());
        let key = *key.get_or_insert_with(|| self.queue.join());
        self.queue.wait(key, span, value)
    }

    /// Moves what `key` waits for, if it waits, to `span`.
    pub(super) fn postpone(&mut self, key: Key, span: Span, hints: &Hints) -> bool {
        hints.put(span.latest());
        self.queue.postpone(key, span)
    }

    pub(super) fn cancel(&mut self, key: Key) -> Option<Waker> {
        self.queue.cancel(key)
    }

    pub(super) fn leave(&mut self, key: Key) -> Option<Waker> {
        self.queue.leave(key)
    }

    pub(super) fn pop_due(&mut self, now: u64) -> Option<Waker> {
        self.queue.pop_due(now)
    }

    /// Everything that waits.
    pub(super) fn into_values(self) -> impl Iterator<Item = Waker> {
        self.queue.into_values()
    }

    /// From the alarm that has just woken the driver, how late the kernel is.
    pub(super) fn woken(&mut self, now: u64, hints: &Hints) {
        let latest = self.armed.map(Span::latest);
        let Some(armed) = latest.filter(|armed| *armed <= now) else {
            return;
        };
        if self.in_time {
            self.in_time = false;
            self.lateness.learn(now - armed);
            hints.set_lead(self.lateness.most());
        }
        // Under a clock that jumps from one timer to the next nothing is late.
        if !Alarm::EXACT {
            let usual = self.lateness.usual();
            hints.set_crowd(self.crowd.woken(now, usual, self.queue.len()));
        }
    }

    /// Sees to it that the alarm fires within `span`, the first or not. `now`, where it is known.
    pub(super) fn arm_by(
        &mut self,
        span: Span,
        now: Option<u64>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        if self.armed_for().is_some_and(|armed| armed <= span.latest()) {
            return self.settle(waker);
        }
        self.arm(span, now, waker)
    }

    /// Sets the alarm, which has fired, for the first of those who still wait.
    pub(super) fn rearm(&mut self, now: u64, waker: impl Fn() -> Waker) -> io::Result<Armed> {
        // First listen, then arm: the other way round, the event of an alarm that fires at once
        // would be taken for the old one and cleared.
        self.alarm.listen(&waker())?;
        let was_early = self
            .armed
            .take()
            .is_some_and(|armed| now < armed.deadline());
        let Some(first) = self.queue.first() else {
            return Ok(Armed::Waiting);
        };
        if was_early {
            self.alarm.resync();
        }
        self.arm(self.first_span(first), Some(now), waker)
    }

    /// Where an alarm that is armed too early does harm, sets it right.
    pub(super) fn settle(&mut self, waker: impl Fn() -> Waker) -> io::Result<Armed> {
        let first = self.queue.first();
        if !Alarm::EXACT || self.armed_for() == first {
            return Ok(Armed::Waiting);
        }
        if let Some(first) = first {
            return self.arm(self.first_span(first), None, waker);
        }
        self.armed = None;
        self.alarm.disarm();
        Ok(Armed::Waiting)
    }

    /// The latest moment of what the alarm is set for.
    pub(super) fn armed_for(&self) -> Option<u64> {
        self.armed.map(Span::latest)
    }

    /// The span of the first in the queue, whose latest moment is `latest`. Where the alarm has no
    /// use for its slack it is not looked up: among many timers that is a look into cold memory.
    fn first_span(&self, latest: u64) -> Span {
        let slack = if Alarm::LEEWAY {
            self.queue.first_slack()
        } else {
            0
        };
        Span::until(latest, slack)
    }

    fn arm(
        &mut self,
        span: Span,
        now: Option<u64>,
        waker: impl Fn() -> Waker,
    ) -> io::Result<Armed> {
        let latest = span.latest();
        self.armed = Some(span);
        self.in_time = now.is_some_and(|now| latest > now.saturating_add(IN_TIME));
        let slack = Duration::from_nanos(span.slack());
        self.alarm.arm(self.epoch.instant(latest), slack, &waker())
    }
}
