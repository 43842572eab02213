//! Waits with a limit, for example for a reader of a pipe, which may never come.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often the waiting thread checks whether to stop.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// At most what any pipe accepts at once, so that a slow reader still makes progress.
const PIECE: usize = 4096;

/// How long to wait without progress.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub limit: Duration,
    /// The error message when the time is over.
    pub over: &'static str,
}

/// Runs work that may block on another thread, and waits for it. Gives up if `stop` returns `true`, or if the
/// work reports no step for longer than `patience`. The thread is then abandoned.
pub fn wait<T: Send + 'static>(
    patience: Option<Patience>,
    stop: &dyn Fn() -> bool,
    work: impl FnOnce(&dyn Fn()) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, events) = channel();
    let worker = thread::Builder::new().spawn(move || {
        // The receiver is gone if the wait was given up.
        let done = work(&|| drop(sender.send(None)));
        let _ = sender.send(Some(done));
    })?;
    // Counts checks, not time: the process may be suspended meanwhile.
    let mut idle = Duration::ZERO;
    loop {
        match events.recv_timeout(CHECK_INTERVAL) {
            Ok(Some(done)) => {
                // A thread that exists when signals begin to be watched would still be ended by them.
                let _ = worker.join();
                return done;
            }
            Ok(None) => idle = Duration::ZERO,
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("panicked")),
            Err(RecvTimeoutError::Timeout) => idle += CHECK_INTERVAL,
        }
        if stop() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
        }
        if let Some(patience) = patience
            && idle >= patience.limit
        {
            return Err(io::Error::new(io::ErrorKind::TimedOut, patience.over));
        }
    }
}

/// Writes the text, piece by piece.
pub fn write(
    mut to: impl Write + Send + 'static,
    text: String,
    patience: Option<Patience>,
    stop: &dyn Fn() -> bool,
) -> io::Result<()> {
    wait(patience, stop, move |step| {
        for piece in text.as_bytes().chunks(PIECE) {
            to.write_all(piece)?;
            step();
        }
        to.flush()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, pipe};

    const SHORT: Option<Patience> = Some(Patience {
        limit: Duration::from_secs(2),
        over: "nobody reads",
    });

    /// Returns more text than any pipe holds.
    fn text() -> String {
        "ticklab ".repeat(1 << 20)
    }

    #[test]
    fn stalled_reader_ends_the_write() {
        let (_reader, writer) = pipe().unwrap();
        let error = write(writer, text(), SHORT, &|| false).unwrap_err();
        assert_eq!(error.to_string(), "nobody reads");
        let (_reader, writer) = pipe().unwrap();
        let error = write(writer, text(), None, &|| true).unwrap_err();
        assert_eq!(error.to_string(), "interrupted");
    }

    #[test]
    fn slow_reader_receives_everything() {
        let (mut reader, writer) = pipe().unwrap();
        let reader = thread::spawn(move || {
            let (mut all, mut piece) = (Vec::new(), vec![0; 1 << 20]);
            loop {
                // Takes longer in all than a writer waits for one piece.
                thread::sleep(Duration::from_millis(300));
                let mut left = piece.as_mut_slice();
                while !left.is_empty() {
                    match reader.read(left).unwrap() {
                        0 => return all,
                        read => {
                            all.extend_from_slice(&left[..read]);
                            left = &mut left[read..];
                        }
                    }
                }
            }
        });
        write(writer, text(), SHORT, &|| false).unwrap();
        assert!(reader.join().unwrap() == text().as_bytes());
    }
}
