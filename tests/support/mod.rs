//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

#[cfg(all(target_os = "linux", feature = "os-native"))]
pub(crate) mod fork;
#[allow(unused_imports, unused_macros, reason = "each test file uses its part")]
pub(crate) mod task;

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

/// Whether a timer needs its runtime, and ends with it. On Windows one alarm serves the process, but
/// for the one that follows a runtime's clock.
pub(crate) const OF_RUNTIME: bool = cfg!(any(not(threadpool), feature = "test-util"));

/// How many descriptors this process has open, where the system tells.
#[cfg(not(windows))]
pub(crate) fn open_descriptors() -> Option<usize> {
    // One of them is the listing itself.
    std::fs::read_dir("/proc/self/fd")
        .ok()
        .map(|entries| entries.count() - 1)
}

/// How many handles this process has open.
///
/// From the list of the whole system: under Wine 8 `GetProcessHandleCount` succeeds, and says 0.
#[cfg(windows)]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it may be unknown")]
pub(crate) fn open_descriptors() -> Option<usize> {
    use windows_sys::Wdk::System::SystemInformation::NtQuerySystemInformation;

    const EXTENDED_HANDLE_INFORMATION: i32 = 64;
    // 0xC0000004.
    const INFO_LENGTH_MISMATCH: i32 = -0x3FFF_FFFC;
    // How many there are and a reserved word; then of each an address, the process, the handle and
    // 16 bytes.
    const HEAD: usize = 2;
    const EACH: usize = 3 + 16 / size_of::<usize>();

    let mut words = vec![0_usize; 1 << 16];
    loop {
        let bytes = u32::try_from(size_of_val(&words[..])).unwrap();
        let to = words.as_mut_ptr().cast();
        // SAFETY: `to` points to so many bytes that may be written, and no length is asked for.
        let status = unsafe {
            NtQuerySystemInformation(EXTENDED_HANDLE_INFORMATION, to, bytes, std::ptr::null_mut())
        };
        if status != INFO_LENGTH_MISMATCH {
            assert_eq!(status, 0, "the list of handles");
            break;
        }
        words.resize(words.len() * 2, 0);
    }
    let process = usize::try_from(std::process::id()).unwrap();
    let handles = words[HEAD..].chunks_exact(EACH).take(words[0]);
    Some(handles.filter(|handle| handle[1] == process).count())
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
