//! Starts tasks side by side, each on a worker of its own.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// A barrier for a number of tasks.
#[derive(Debug, Clone)]
pub(crate) struct Start(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tasks: usize,
    seen: Mutex<HashMap<tokio::task::Id, ThreadId>>,
    barrier: Barrier,
}

impl Start {
    pub(crate) fn new(tasks: usize) -> Self {
        Self(Arc::new(Inner {
            tasks,
            seen: Mutex::default(),
            barrier: Barrier::new(tasks),
        }))
    }

    /// Waits in a task until all tasks are here, on as many threads.
    ///
    /// A task that blocked at once could wait forever for a task in its own worker's queue.
    pub(crate) async fn wait(&self) {
        while !self.is_everyone_elsewhere() {
            // Gives another worker time to steal one of them.
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(20) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
        self.0.barrier.wait();
    }

    fn is_everyone_elsewhere(&self) -> bool {
        let mut seen = self.0.seen.lock().unwrap();
        seen.insert(tokio::task::id(), thread::current().id());
        let mut threads: Vec<_> = seen.values().map(|id| format!("{id:?}")).collect();
        threads.sort_unstable();
        threads.dedup();
        threads.len() == self.0.tasks
    }
}
