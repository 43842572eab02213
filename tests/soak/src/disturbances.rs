//! Disturbs the timers: blocks a thread of a runtime, or stops the process for a while.

use std::io;
use std::process::{Command, Stdio, id};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::runtime::Handle;

/// How many disturbances there were.
#[derive(Debug, Default)]
pub(crate) struct Disturbances {
    pub(crate) stalls: u64,
    pub(crate) stops: u64,
}

/// Starts to disturb, until the sender of `end` is dropped. A stall blocks one thread of one of the `runtimes`.
pub(crate) fn start(
    mut rng: Rng,
    runtimes: Vec<Handle>,
    mut may_stop: bool,
    end: Receiver<()>,
) -> JoinHandle<Disturbances> {
    spawn(move || {
        let mut disturbances = Disturbances::default();
        let mut last_stop = Instant::now();
        let mut next_stop = Duration::from_secs(2);
        while end.recv_timeout(millis(rng.u64(100..1500))) == Err(RecvTimeoutError::Timeout) {
            if may_stop && last_stop.elapsed() >= next_stop {
                match stop_process(rng.u32(50..800)) {
                    Ok(()) => disturbances.stops += 1,
                    Err(error) => {
                        eprintln!("no stops: {error}");
                        may_stop = false;
                    }
                }
                last_stop = Instant::now();
                next_stop = Duration::from_secs(rng.u64(5..15));
            } else {
                let length = millis(rng.u64(5..300));
                runtimes[rng.usize(..runtimes.len())].spawn(async move { sleep(length) });
                disturbances.stalls += 1;
            }
        }
        disturbances
    })
}

/// Stops this process for some time. A child continues it.
fn stop_process(millis: u32) -> io::Result<()> {
    let script = format!(
        "kill -STOP {0}; sleep 0.{millis:03} || sleep 1; kill -CONT {0}",
        id()
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("`{script}`: {status}")))
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
