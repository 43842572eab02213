//! A descriptor in the reactor of the current runtime.

use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::coop::unconstrained;

use super::process::{Process, refuse_unless_current};

/// Closed when dropped, once the reactor has let go of it.
///
/// A child that was forked off leaves it alone: the reactor's list of descriptors is the kernel's, and it
/// has one for both processes. What the child took out of it would never wake its parent again.
#[derive(Debug)]
pub(super) struct Descriptor {
    /// `None` once it is dropped.
    fd: Option<AsyncFd<OwnedFd>>,
    made_in: Process,
}

impl Descriptor {
    /// # Panics
    ///
    /// At the caller's location: as tokio does, outside a runtime or in one without an I/O driver.
    #[track_caller]
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        let made_in = Process::current()?;
        // SAFETY: `AsyncFd::register_with_interest` asks that the descriptor be open, and stay this
        // same one until it is deregistered. It is owned by the `OwnedFd` that goes into the
        // `AsyncFd` and never comes out: the `AsyncFd` deregisters it, and only then closes it, when
        // dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Self {
            fd: Some(fd?),
            made_in,
        })
    }

    /// # Errors
    ///
    /// In another process than the one that made it.
    fn registered(&self) -> io::Result<&AsyncFd<OwnedFd>> {
        refuse_unless_current(self.made_in)?;
        Ok(self.fd.as_ref().expect("it is not dropped"))
    }

    /// # Errors
    ///
    /// In another process than the one that made it.
    pub(super) fn fd(&self) -> io::Result<&OwnedFd> {
        Ok(self.registered()?.get_ref())
    }

    /// Has `waker`, and no other, woken when there is something to read and when the runtime shuts
    /// down; an error once it has. What was there to read before does not count.
    pub(super) fn listen(&self, waker: &Waker) -> io::Result<()> {
        let fd = self.registered()?;
        // `poll_read_ready` charges the budget of whichever task happens to call, and when that is
        // spent it says `Pending` without having registered the waker: hence `unconstrained`.
        let shutdown = pin!(unconstrained(poll_fn(|cx| {
            loop {
                match ready!(fd.poll_read_ready(cx)) {
                    Ok(mut ready) => ready.clear_ready(),
                    Err(error) => return Poll::Ready(error),
                }
            }
        })));
        match shutdown.poll(&mut Context::from_waker(waker)) {
            Poll::Pending => Ok(()),
            Poll::Ready(error) => Err(error),
        }
    }

    /// Waits until there is something to read, and reads it. A `read` that finds nothing says so
    /// with `Ok(None)`, and one that was interrupted with [`io::ErrorKind::Interrupted`].
    ///
    /// Takes part in tokio's cooperative budget.
    pub(super) fn poll_read<T>(
        &self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&OwnedFd) -> io::Result<Option<T>>,
    ) -> Poll<io::Result<T>> {
        let fd = self.registered()?;
        loop {
            let mut ready = ready!(fd.poll_read_ready(cx))?;
            match read(fd.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(None) => ready.clear_ready(),
                // What comes later has an event of its own, which this does not clear.
                Ok(Some(value)) => {
                    ready.clear_ready();
                    return Poll::Ready(Ok(value));
                }
                Err(error) => {
                    ready.clear_ready();
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if !self.made_in.is_current() {
            // Neither does it close what, where descriptors are not inherited, may be another's by now.
            mem::forget(self.fd.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use tokio::runtime::Builder;

    /// What comes of answers that a read gives one after the other.
    fn read(answers: impl IntoIterator<Item = io::Result<Option<u8>>>) -> (io::Result<u8>, usize) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut answers = answers.into_iter();
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.write_all(&[0]).unwrap();
        let read = runtime.block_on(async {
            let descriptor = Descriptor::new(near.into()).unwrap();
            let mut read = |_: &OwnedFd| answers.next().expect("it read on");
            poll_fn(|cx| descriptor.poll_read(cx, &mut read)).await
        });
        (read, answers.count())
    }

    #[test]
    fn a_read_that_was_interrupted_is_repeated() {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let (read, left) = read([interrupted(), interrupted(), Ok(Some(7)), Ok(Some(8))]);
        assert_eq!((read.unwrap(), left), (7, 1));
    }

    #[test]
    fn any_other_error_is_told() {
        for kind in [io::ErrorKind::InvalidInput, io::ErrorKind::OutOfMemory] {
            let (read, left) = read([Err(kind.into()), Ok(Some(7))]);
            assert_eq!((read.unwrap_err().kind(), left), (kind, 1));
        }
    }
}
