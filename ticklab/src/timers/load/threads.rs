//! Threads that are always busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Threads that are busy until this is dropped.
#[derive(Debug)]
pub struct Threads {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Threads {
    /// Starts this number of threads.
    pub fn start(count: u32) -> std::io::Result<Self> {
        let mut started = Self {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..count {
            let stop = Arc::clone(&started.stop);
            let busy = move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            };
            let thread = thread::Builder::new().name("load".to_owned()).spawn(busy)?;
            started.threads.push(thread);
        }
        Ok(started)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
