//! A one-shot timer that wakes a waker from a thread of the pool.
//!
//! Nothing here waits for a callback to end: one that comes late, of a time that was set before or of
//! a timer that has been dropped, finds by the clock, or by the list of timers, that there is
//! nothing to do.

use std::collections::HashMap;
use std::io;
use std::sync::LazyLock;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::object::Object;
use crate::panics::catch_foreign;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering};

#[derive(Debug)]
pub(super) struct Timer {
    id: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    object: Object,
    /// `None` once it has expired.
    expiry: Mutex<Option<Expiry>>,
}

#[derive(Debug)]
struct Expiry {
    at: Instant,
    waker: Waker,
}

/// The timers that there are. A callback knows its timer's number, which no other is ever given, and
/// not a place in memory, which it could outlive.
static TIMERS: LazyLock<Mutex<HashMap<usize, Arc<Shared>>>> = LazyLock::new(Mutex::default);

static NEXT_ID: AtomicUsize = AtomicUsize::new(0);

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared {
            object: Object::new(id, expired)?,
            expiry: Mutex::new(None),
        });
        TIMERS.lock().insert(id, Arc::clone(&shared));
        Ok(Self { id, shared })
    }

    /// Has `waker` woken when `wait` is over, in place of what it was set for before.
    pub(super) fn set(&self, wait: Duration, waker: Waker) -> io::Result<()> {
        let at = Instant::now() + wait;
        let mut expiry = self.shared.expiry.lock();
        let replaced = expiry.replace(Expiry { at, waker });
        // Under the lock, so that the last to say when is the last to set it.
        let set = self.shared.object.set(wait);
        drop(expiry);
        drop(replaced);
        set
    }

    /// Wakes nobody. The object is left set: to unset it costs as much as its callback.
    pub(super) fn cancel(&self) {
        let canceled = self.shared.expiry.lock().take();
        drop(canceled);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
        let unlisted = TIMERS.lock().remove(&self.id);
        drop(unlisted);
    }
}

/// Called on a thread of the pool when the timer of that number expires, or did.
fn expired(id: usize) {
    let shared = TIMERS.lock().get(&id).cloned();
    let Some(shared) = shared else {
        return;
    };
    let mut expiry = shared.expiry.lock();
    let Some(at) = expiry.as_ref().map(|expiry| expiry.at) else {
        return;
    };
    let left = at.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        // Of an earlier time that was set, or the kernel's clock is ahead of this one. If it
        // refuses to be set again, the driver shall find out.
        if shared.object.set(left).is_ok() {
            return;
        }
    }
    let expired = expiry.take();
    drop(expiry);
    if let Some(Expiry { waker, .. }) = expired {
        // The caller is the system, which cannot be told of a panic.
        catch_foreign(|| waker.wake());
    }
}
