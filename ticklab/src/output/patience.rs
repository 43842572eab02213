//! Waits for others, who may never come: a reader of a pipe.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often the waiting thread looks whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// No larger than what any pipe takes at once, so that a slow reader is seen to read.
const PIECE: usize = 4096;

/// How long to wait while nothing happens.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub limit: Duration,
    /// What is said when it is over.
    pub over: &'static str,
}

/// Lets another thread do what may block, and waits for it. Gives up if `stop` says so, or if the
/// work does not tell of a step for longer than `patience`. The thread is then left to itself.
pub fn wait<T: Send + 'static>(
    patience: Option<Patience>,
    stop: &dyn Fn() -> bool,
    work: impl FnOnce(&dyn Fn()) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, events) = channel();
    let worker = thread::Builder::new().spawn(move || {
        // Nobody listens any more when it was given up.
        let done = work(&|| drop(sender.send(None)));
        let _ = sender.send(Some(done));
    })?;
    // Looks are counted, and not time: the process may be suspended meanwhile.
    let mut idle = Duration::ZERO;
    loop {
        match events.recv_timeout(LOOK) {
            Ok(Some(done)) => {
                // Threads that are there when signals begin to be watched would still be ended by them.
                let _ = worker.join();
                return done;
            }
            Ok(None) => idle = Duration::ZERO,
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("panicked")),
            Err(RecvTimeoutError::Timeout) => idle += LOOK,
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

/// Writes all of it, piece by piece.
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

    /// More than any pipe holds.
    fn text() -> String {
        "ticklab ".repeat(1 << 20)
    }

    #[test]
    fn a_reader_that_does_not_read_is_given_up() {
        let (_reader, writer) = pipe().unwrap();
        let error = write(writer, text(), SHORT, &|| false).unwrap_err();
        assert_eq!(error.to_string(), "nobody reads");
        let (_reader, writer) = pipe().unwrap();
        let error = write(writer, text(), None, &|| true).unwrap_err();
        assert_eq!(error.to_string(), "interrupted");
    }

    #[test]
    fn a_reader_that_is_slow_gets_all() {
        let (mut reader, writer) = pipe().unwrap();
        let reader = thread::spawn(move || {
            let (mut all, mut piece) = (Vec::new(), vec![0; 1 << 20]);
            loop {
                // All together longer than a writer waits for one piece.
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
