//! How the kernels differ.

#![allow(dead_code, reason = "each kernel behaves in one of these ways")]

/// What `kevent` does with a receipt if `events` is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// Omits the receipt and makes the next change.
    Continues,
    /// Makes no further change, and does not report that.
    Stops,
    /// Writes the receipt past the end of `events`.
    Overruns,
}

/// What happens when a timer is added that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readd {
    /// The timer keeps its deadline and its unread expirations. The new period counts from the next expiration.
    Continues,
    /// The timer restarts and forgets its expirations. It stays periodic or one-shot.
    Restarts,
    /// As `Restarts`, but an expired timer stays on the queue: its next expiration is no event for an outer queue.
    RestartsInPlace,
    /// As `Restarts`, but the timer becomes periodic or one-shot by the new flags.
    RestartsWithFlags,
    /// The change fails, and the timer continues.
    Refused,
}

/// What an existing timer does when it is added again with invalid values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvalidReadd {
    /// The change fails, and the timer continues.
    Continues,
    /// The change fails, and the timer stops.
    Stops,
    /// The change succeeds. The timer stops, and its next event is the error.
    FailsLater,
}
