//! A waker that holds back until it is connected.
//!
//! If a `Sleep` fires on one thread while it is polled on another, the poll itself wakes the waker
//! that it was given. Here that would be under the driver's lock, and the driver's own.

use std::task::{Wake, Waker};

use super::Armed;
use crate::sync::{Arc, AtomicU8, Ordering};

/// A waker that holds back until it is connected.
pub(super) struct Relay {
    waker: Waker,
    state: AtomicU8,
}

const HOLDING_BACK: u8 = 0;
const CONNECTED: u8 = 1;
const WOKEN: u8 = 2;

impl Relay {
    pub(super) fn new(waker: &Waker) -> Self {
        Self {
            waker: waker.clone(),
            state: AtomicU8::new(HOLDING_BACK),
        }
    }

    /// From now on a wake goes through; one that was held back has not.
    pub(super) fn connect(&self) -> Armed {
        let exchanged = self.state.compare_exchange(
            HOLDING_BACK,
            CONNECTED,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if exchanged.is_ok() {
            Armed::Waiting
        } else {
            Armed::Due
        }
    }
}

impl Wake for Relay {
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
    fn a_relay_holds_back_until_it_is_connected() {
        let count = Arc::new(Count(AtomicU8::new(0)));
        let woken = || count.0.load(Ordering::SeqCst);
        let relay = || Arc::new(Relay::new(&Waker::from(Arc::clone(&count))));

        // Woken while it is polled with: nobody hears of it but who polls.
        let early = relay();
        Waker::from(Arc::clone(&early)).wake();
        assert_eq!(woken(), 0);
        assert_eq!(early.connect(), Armed::Due);

        // Woken after it: once.
        let late = relay();
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

    /// Whoever polls hears of it, or whoever waits; and the one exactly if not the other.
    #[test]
    fn a_wake_is_held_back_or_goes_through_and_is_not_lost() {
        loom::model(|| {
            let count = Arc::new(Count(AtomicUsize::new(0)));
            let relay = Arc::new(Relay::new(&Waker::from(Arc::clone(&count))));
            let waker = Waker::from(Arc::clone(&relay));
            let fires = thread::spawn(move || waker.wake());
            let connected = relay.connect();
            fires.join().unwrap();
            let woken = count.0.load(Ordering::SeqCst);
            assert_eq!(woken, usize::from(connected == Armed::Waiting));
        });
    }
}
