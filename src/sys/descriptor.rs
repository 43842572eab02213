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

use super::process::{Process, check_current};

/// Deregisters and closes the descriptor when dropped.
///
/// A forked child leaves the descriptor alone. The reactor's list of descriptors is the kernel's and is shared by
/// both processes: what the child removed from it would never wake its parent again.
#[derive(Debug)]
pub(super) struct Descriptor {
    /// `None` once it is dropped.
    fd: Option<AsyncFd<OwnedFd>>,
    created_in: Process,
}

impl Descriptor {
    /// Registers `fd` with the reactor of the current runtime.
    ///
    /// # Panics
    ///
    /// With tokio's message at the caller's location, outside a runtime or in one without an I/O driver.
    #[track_caller]
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        let created_in = Process::current()?;
        // SAFETY: `AsyncFd::register_with_interest` asks that the descriptor be open, and stay this
        // same one until it is deregistered. It is owned by the `OwnedFd` that goes into the
        // `AsyncFd` and never comes out: the `AsyncFd` deregisters it, and only then closes it, when
        // dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Self {
            fd: Some(fd?),
            created_in,
        })
    }

    /// # Errors
    ///
    /// In a process other than the one that created the descriptor.
    fn registered(&self) -> io::Result<&AsyncFd<OwnedFd>> {
        check_current(self.created_in)?;
        Ok(self.fd.as_ref().expect("`fd` is taken in `drop` only"))
    }

    /// # Errors
    ///
    /// In a process other than the one that created the descriptor.
    pub(super) fn fd(&self) -> io::Result<&OwnedFd> {
        Ok(self.registered()?.get_ref())
    }

    /// Clears the readiness, and wakes `waker` in place of any other when the descriptor becomes readable or the
    /// runtime shuts down. Returns an error if the runtime has shut down.
    pub(super) fn listen(&self, waker: &Waker) -> io::Result<()> {
        let fd = self.registered()?;
        // `poll_read_ready` charges the budget of whichever task calls it. When that is spent it returns
        // `Pending` without having registered the waker: hence `unconstrained`.
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

    /// Calls `read` when the descriptor is readable. `read` returns `Ok(None)` if there is nothing to read, and
    /// [`io::ErrorKind::Interrupted`] if it must be repeated.
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
                // A later expiration has an event of its own, which this does not clear.
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
        if !self.created_in.is_current() {
            // Where a child does not inherit descriptors, the number may be another one's by now, so it is not
            // closed either.
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

    /// Polls a descriptor whose reads have these results. Returns the result of the poll, and how many results are
    /// left.
    fn poll_read(
        results: impl IntoIterator<Item = io::Result<Option<u8>>>,
    ) -> (io::Result<u8>, usize) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut results = results.into_iter();
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.write_all(&[0]).unwrap();
        let polled = runtime.block_on(async {
            let descriptor = Descriptor::new(near.into()).unwrap();
            let mut read = |_: &OwnedFd| results.next().expect("read after the last result");
            poll_fn(|cx| descriptor.poll_read(cx, &mut read)).await
        });
        (polled, results.count())
    }

    #[test]
    fn interrupted_read_is_repeated() {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let (polled, left) = poll_read([interrupted(), interrupted(), Ok(Some(7)), Ok(Some(8))]);
        assert_eq!((polled.unwrap(), left), (7, 1));
    }

    #[test]
    fn other_read_errors_are_returned() {
        for kind in [io::ErrorKind::InvalidInput, io::ErrorKind::OutOfMemory] {
            let (polled, left) = poll_read([Err(kind.into()), Ok(Some(7))]);
            assert_eq!((polled.unwrap_err().kind(), left), (kind, 1));
        }
    }
}
