//! The runtimes, each with a thread of its own that keeps it running.

use std::io;
use std::thread::{JoinHandle, spawn};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// Two that have thousands of timers, and two with a few each.
pub(crate) struct Runtimes {
    pub(crate) busy: [Handle; 2],
    pub(crate) quiet: [Handle; 2],
    _owned: [Owned; 4],
}

impl Runtimes {
    pub(crate) fn new() -> io::Result<Self> {
        let owned = [
            Owned::multi_thread(3)?,
            Owned::current_thread()?,
            Owned::multi_thread(2)?,
            Owned::current_thread()?,
        ];
        let [multi, current, quiet_multi, quiet_current] =
            owned.each_ref().map(|owned| owned.handle.clone());
        Ok(Self {
            busy: [multi, current],
            quiet: [quiet_multi, quiet_current],
            _owned: owned,
        })
    }

    /// With what to call them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, Handle)> {
        let names = [
            "the multi-thread runtime",
            "the current-thread runtime",
            "the quiet multi-thread runtime",
            "the quiet current-thread runtime",
        ];
        let handles = self.busy.iter().chain(&self.quiet);
        names.into_iter().zip(handles.cloned())
    }
}

/// A runtime, and what keeps it running.
struct Owned {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Owned {
    fn multi_thread(workers: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()?;
        Ok(Self::run(runtime))
    }

    fn current_thread() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self::run(runtime))
    }

    fn run(runtime: Runtime) -> Self {
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = spawn(move || {
            let _ = runtime.block_on(ended);
        });
        Self {
            handle,
            end: Some(end),
            thread: Some(thread),
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
