//! A waker that defers a wake until it is connected.
//!
//! If a `Sleep` fires on one thread while another polls it, `poll` itself wakes the waker that it was given. That
//! poll holds the driver's lock, and the waker is the driver's own.

use std::task::{Wake, Waker};

use super::Armed;
use crate::sync::{Arc, AtomicU8, Ordering};

pub(super) struct DeferredWaker {
    waker: Waker,
    state: AtomicU8,
}

const DEFERRING: u8 = 0;
const CONNECTED: u8 = 1;
const WOKEN: u8 = 2;

impl DeferredWaker {
    pub(super) fn new(waker: &Waker) -> Self {
        Self {
            waker: waker.clone(),
            state: AtomicU8::new(DEFERRING),
        }
    }

    /// Forwards wakes from now on. Returns [`Armed::Due`] if a wake came before; it is not forwarded.
    pub(super) fn connect(&self) -> Armed {
        let exchanged =
            self.state
                .compare_exchange(DEFERRING, CONNECTED, Ordering::AcqRel, Ordering::Acquire);
        if exchanged.is_ok() {
            Armed::Waiting
        } else {
            Armed::Due
        }
    }
}

impl Wake for DeferredWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == CONNECTED {
            self.waker.wake_by_ref();
        }
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;

    struct Count(AtomicU8);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn wake_is_forwarded_once_and_only_after_connect() {
        let count = Arc::new(Count(AtomicU8::new(0)));
        let woken = || count.0.load(Ordering::SeqCst);
        let deferred = || Arc::new(DeferredWaker::new(&Waker::from(Arc::clone(&count))));

        // Woken before `connect`: only the return value tells.
        let early = deferred();
        Waker::from(Arc::clone(&early)).wake();
        assert_eq!(woken(), 0);
        assert_eq!(early.connect(), Armed::Due);

        // Woken after `connect`: forwarded once.
        let late = deferred();
        assert_eq!(late.connect(), Armed::Waiting);
        assert_eq!(woken(), 0);
        Waker::from(Arc::clone(&late)).wake();
        Waker::from(Arc::clone(&late)).wake();
        assert_eq!(woken(), 1);
    }
}

#[cfg(all(test, model))]
mod model {
    use super::*;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Either `connect` reports the wake, or the waker is woken.
    #[test]
    fn wake_during_connect_is_reported_or_forwarded() {
        loom::model(|| {
            let count = Arc::new(Count(AtomicUsize::new(0)));
            let deferred = Arc::new(DeferredWaker::new(&Waker::from(Arc::clone(&count))));
            let waker = Waker::from(Arc::clone(&deferred));
            let handle = thread::spawn(move || waker.wake());
            let connected = deferred.connect();
            handle.join().unwrap();
            let woken = count.0.load(Ordering::SeqCst);
            assert_eq!(woken, usize::from(connected == Armed::Waiting));
        });
    }
}
