//! What a program has to live with: work that blocks a thread of its runtime, and a process that is
//! stopped for a while.

use std::io;
use std::process::{Command, Stdio, id};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::runtime::Handle;

/// What there was of it.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    pub(crate) stalls: u64,
    pub(crate) stops: u64,
}

/// From now until `over` is hung up. A stall blocks one thread of one of the `runtimes`.
pub(crate) fn begin(
    mut dice: Rng,
    runtimes: Vec<Handle>,
    mut may_stop: bool,
    over: Receiver<()>,
) -> JoinHandle<Weather> {
    spawn(move || {
        let mut weather = Weather::default();
        let mut last_stop = Instant::now();
        let mut next_stop = Duration::from_secs(2);
        while over.recv_timeout(millis(dice.u64(100..1500))) == Err(RecvTimeoutError::Timeout) {
            if may_stop && last_stop.elapsed() >= next_stop {
                match stop(dice.u32(50..800)) {
                    Ok(()) => weather.stops += 1,
                    Err(error) => {
                        eprintln!("no stops: {error}");
                        may_stop = false;
                    }
                }
                last_stop = Instant::now();
                next_stop = Duration::from_secs(dice.u64(5..15));
            } else {
                let length = millis(dice.u64(5..300));
                runtimes[dice.usize(..runtimes.len())].spawn(async move { sleep(length) });
                weather.stalls += 1;
            }
        }
        weather
    })
}

/// Has this process stopped for some time, by a child that lets it go on.
fn stop(millis: u32) -> io::Result<()> {
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
