//! The operations and events of a random program. All times are whole milliseconds, as in tokio.

use tokio::time::MissedTickBehavior;

/// How many timers a program keeps. They are few, so that it uses each of them several times.
pub(crate) const SLOTS: usize = 5;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A new timer replaces the one in the slot.
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
    /// Polls once. The timer wakes the waker of its last poll only.
    Poll {
        slot: usize,
        waker: u8,
    },
    /// Resets an interval. A sleep has only `ResetAt`, and a timeout has no reset.
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
    /// Completes the future of a timeout, if it is `Inner::Sent`.
    Send {
        slot: usize,
    },
    /// Moves the timer to a task that awaits it. The task takes `ticks` ticks of an interval.
    Spawn {
        slot: usize,
        ticks: u8,
    },
    /// Advances the clock, past what is due.
    Advance(u16),
    /// Waits. The clock jumps from timer to timer.
    Wait(u16),
}

/// The future of a timeout.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inner {
    Never,
    Ready,
    /// Completes with a sleep.
    After(u16),
    /// Completes with the first `Op::Send`.
    Sent,
}

/// What a program shows. Instants are milliseconds since its start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// The events of this operation follow, in sorted order.
    Op(usize),
    Pending,
    Tick(i64),
    Slept,
    InTime,
    Elapsed,
    /// The `Debug` output of what the timer's methods return.
    State(String),
    Woken {
        at: i64,
        waker: u8,
    },
    /// An event of a task. Tasks are numbered in the order of their start.
    Task {
        at: i64,
        number: usize,
        event: Box<Event>,
    },
}
