//! The runtimes of the soak. A thread keeps each of them running.

use std::io;
use std::thread::{JoinHandle, spawn};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

pub(crate) struct Runtimes {
    /// They have thousands of timers.
    pub(crate) busy: [Handle; 2],
    /// They have a few timers.
    pub(crate) quiet: [Handle; 2],
    _running: [RunningRuntime; 4],
}

impl Runtimes {
    pub(crate) fn new() -> io::Result<Self> {
        let running = [
            RunningRuntime::multi_thread(3)?,
            RunningRuntime::current_thread()?,
            RunningRuntime::multi_thread(2)?,
            RunningRuntime::current_thread()?,
        ];
        let [multi, current, quiet_multi, quiet_current] =
            running.each_ref().map(|runtime| runtime.handle.clone());
        Ok(Self {
            busy: [multi, current],
            quiet: [quiet_multi, quiet_current],
            _running: running,
        })
    }

    /// Returns all runtimes with their names.
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

/// A runtime whose thread ends with the drop of this value.
struct RunningRuntime {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningRuntime {
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

impl Drop for RunningRuntime {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
