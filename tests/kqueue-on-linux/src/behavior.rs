//! Ways in which the kernels differ.

#![allow(dead_code, reason = "each system goes one of them")]

/// What becomes of a receipt for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// It is left out.
    GoesOn,
    /// The changes that follow are not made, and nobody is told.
    Stops,
    /// The kernel writes it all the same.
    Overruns,
}

/// What a timer does that is there already when it is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    GoesOn,
    /// And forgets what it has expired for. It stays periodic, or one-shot.
    Restarts,
    /// And stays on the queue, if it is there: its next expiry is no news to who waits for the queue.
    RestartsInPlace,
    /// And is periodic or one-shot as it is told now.
    RestartsWithFlags,
    /// Nothing, and the change fails.
    Refused,
}

/// What it does when it is then told nonsense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    GoesOn,
    Stops,
    /// The change succeeds. The timer stops, and its next event is the error.
    SaysSoLater,
}
