//! Others that want the processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Of this, a task is busy for its share.
const CYCLE: Duration = Duration::from_millis(10);
/// For so long it does not let others have their turn.
const BURST: Duration = Duration::from_micros(100);

/// A task that keeps its thread busy for `percent` of the time.
pub async fn task(percent: u32) {
    let mut cycle = tokio::time::Instant::now();
    loop {
        let mut left = CYCLE * percent / 100;
        while !left.is_zero() {
            let burst = left.min(BURST);
            busy(burst);
            left -= burst;
            tokio::task::yield_now().await;
        }
        // Not one after the other if there was no room for one: what is lost is lost.
        cycle = (cycle + CYCLE).max(tokio::time::Instant::now());
        tokio::time::sleep_until(cycle).await;
    }
}

fn busy(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Threads that are always busy, until this is dropped.
#[derive(Debug)]
pub struct Threads {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Threads {
    /// So many.
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
