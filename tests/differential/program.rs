//! What a random program may do. All times are whole milliseconds: tokio knows no others.

use tokio::time::MissedTickBehavior;

/// Where a timer is kept. Few, so that programs come back to their timers.
pub(crate) const SLOTS: usize = 5;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Each of these drops what the slot has held.
    Interval {
        slot: usize,
        start: i16,
        period: u16,
    },
    Sleep {
        slot: usize,
        after: i16,
    },
    Timeout {
        slot: usize,
        after: i16,
        inner: Inner,
    },
    Drop {
        slot: usize,
    },
    /// Polls once. A timer that was last polled with another waker wakes only the new one.
    Poll {
        slot: usize,
        waker: u8,
    },
    /// An interval's; a sleep has `ResetAt` alone, and a timeout none.
    Reset {
        slot: usize,
    },
    ResetImmediately {
        slot: usize,
    },
    ResetAfter {
        slot: usize,
        after: u16,
    },
    ResetAt {
        slot: usize,
        offset: i16,
    },
    SetBehavior {
        slot: usize,
        behavior: MissedTickBehavior,
    },
    /// Completes what the slot's timeout waits for, if that is `Inner::Sent`.
    Send {
        slot: usize,
    },
    /// Hands the timer to a task, that awaits it: an interval so many times.
    Spawn {
        slot: usize,
        ticks: u8,
    },
    /// Sets the clock forward, past what is due.
    Advance(u16),
    /// Waits: the clock jumps from timer to timer.
    Wait(u16),
}

/// What a timeout is a limit for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inner {
    Never,
    Ready,
    /// A sleep.
    After(u16),
    /// The first `Send`.
    Sent,
}

/// What can be seen of a program from outside. Instants are milliseconds since its start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// The next events are of this operation, and those of one are sorted.
    Op(usize),
    Pending,
    Tick(i64),
    Slept,
    InTime,
    Elapsed,
    /// By the `Debug` output of what was asked.
    Is(String),
    Woken {
        at: i64,
        waker: u8,
    },
    /// A task's, by the number of tasks that were started before it.
    Task {
        at: i64,
        number: usize,
        event: Box<Event>,
    },
}
