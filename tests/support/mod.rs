//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Poll, Wake};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Ends the process, with a message, if it is still alive after a time that no healthy test needs:
/// a hang is a failure, also one that holds a lock or spins.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    pub(crate) fn new(test: &'static str) -> Self {
        let (alive, dead) = channel::<()>();
        std::thread::spawn(move || {
            let limit = Duration::from_secs(120);
            if dead.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                eprintln!("`{test}` hangs: not done after {limit:?}");
                std::process::abort();
            }
        });
        Self { _alive: alive }
    }
}

/// A current-thread runtime with everything that either backend needs.
pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A multi-threaded runtime with everything that either backend needs.
pub(crate) fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs `test` on each kind of runtime, under a watchdog.
pub(crate) fn on_every_runtime<F: Future>(name: &'static str, test: impl Fn() -> F) {
    let _watchdog = Watchdog::new(name);
    for runtime in [current_thread(), multi_thread(1), multi_thread(4)] {
        runtime.block_on(test());
    }
}

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// The result of polling `future` once.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

/// How many descriptors this process has open, where the system tells.
pub(crate) fn open_descriptors() -> Option<usize> {
    // One of them is the listing itself.
    std::fs::read_dir("/proc/self/fd")
        .ok()
        .map(|entries| entries.count() - 1)
}

/// What `run` panicked with, and in which file.
pub(crate) fn panic_of(run: impl FnOnce()) -> Option<(String, String)> {
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
    use std::sync::Once;

    thread_local! {
        /// `None`: this thread's panics are none of our business.
        static CAUGHT: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            CAUGHT.with_borrow_mut(|caught| match caught {
                Some((message, file)) => {
                    let payload = info.payload();
                    let text = payload.downcast_ref::<&str>().copied();
                    let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
                    text.unwrap_or_default().clone_into(message);
                    info.location().unwrap().file().clone_into(file);
                }
                None => others(info),
            });
        }));
    });

    CAUGHT.set(Some(Default::default()));
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let caught = CAUGHT.take();
    outcome.err().and(caught)
}
