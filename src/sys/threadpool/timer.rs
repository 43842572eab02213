//! A one-shot timer that wakes a waker from a thread of the pool.
//!
//! Nothing waits for a callback to end. A late callback may belong to an earlier setting or to a dropped timer. The
//! clock or the list of timers tells it that there is nothing to do.

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
    /// `None` after the timer has expired.
    expiry: Mutex<Option<Expiry>>,
}

#[derive(Debug)]
struct Expiry {
    at: Instant,
    waker: Waker,
}

/// All timers. A callback knows its timer's number, which is never reused, and not its address, which the callback
/// could outlive.
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

    /// Sets the timer to wake `waker` after `wait`, in place of its previous setting.
    pub(super) fn set(&self, wait: Duration, waker: Waker) -> io::Result<()> {
        let at = Instant::now() + wait;
        let mut expiry = self.shared.expiry.lock();
        let replaced = expiry.replace(Expiry { at, waker });
        // Under the lock, so that the object and `expiry` have the same setting.
        let set = self.shared.object.set(wait);
        drop(expiry);
        drop(replaced);
        set
    }

    /// Cancels the timer. The object is left set, since unsetting it costs as much as its callback.
    pub(super) fn cancel(&self) {
        let canceled = self.shared.expiry.lock().take();
        drop(canceled);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
        let removed = TIMERS.lock().remove(&self.id);
        drop(removed);
    }
}

/// Called on a thread of the pool when the object of timer `id` has expired.
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
        // The callback belongs to an earlier setting, or the kernel's clock is ahead of this one. If the kernel
        // refuses to set the object again, wake the driver, which will notice.
        if shared.object.set(left).is_ok() {
            return;
        }
    }
    let expired = expiry.take();
    drop(expiry);
    if let Some(Expiry { waker, .. }) = expired {
        // The caller is the system, into which a panic must not unwind.
        catch_foreign(|| waker.wake());
    }
}
