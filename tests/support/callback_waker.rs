//! A waker that runs code of the test.

use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

type Callback = Box<dyn FnOnce() + Send>;

/// Calls a function at its first wake-up, or when its last clone is dropped.
pub(crate) struct CallbackWaker {
    on_wake: Mutex<Option<Callback>>,
    on_drop: Mutex<Option<Callback>>,
}

impl CallbackWaker {
    pub(crate) fn on_wake(callback: impl FnOnce() + Send + 'static) -> Waker {
        Self::waker(Some(Box::new(callback)), None)
    }

    pub(crate) fn on_drop(callback: impl FnOnce() + Send + 'static) -> Waker {
        Self::waker(None, Some(Box::new(callback)))
    }

    fn waker(on_wake: Option<Callback>, on_drop: Option<Callback>) -> Waker {
        Waker::from(Arc::new(Self {
            on_wake: Mutex::new(on_wake),
            on_drop: Mutex::new(on_drop),
        }))
    }
}

impl Wake for CallbackWaker {
    fn wake(self: Arc<Self>) {
        let callback = self.on_wake.lock().unwrap().take();
        if let Some(callback) = callback {
            callback();
        }
    }
}

impl Drop for CallbackWaker {
    fn drop(&mut self) {
        if let Some(callback) = self.on_drop.get_mut().unwrap().take() {
            callback();
        }
    }
}
