//! A descriptor in the reactor of the current runtime.

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::coop::unconstrained;

/// Closed when dropped, once the reactor has let go of it.
#[derive(Debug)]
pub(super) struct Descriptor(AsyncFd<OwnedFd>);

impl Descriptor {
    /// # Panics
    ///
    /// At the caller's location: as tokio does, outside a runtime or in one without an I/O driver.
    #[track_caller]
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        // SAFETY: `AsyncFd::register_with_interest` asks that the descriptor be open, and stay this
        // same one until it is deregistered. It is owned by the `OwnedFd` that goes into the
        // `AsyncFd` and never comes out: the `AsyncFd` deregisters it, and only then closes it, when
        // dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Self(fd?))
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Has `waker`, and no other, woken when there is something to read and when the runtime shuts
    /// down; an error once it has. What was there to read before does not count.
    pub(super) fn listen(&self, waker: &Waker) -> io::Result<()> {
        // `poll_read_ready` charges the budget of whichever task happens to call, and when that is
        // spent it says `Pending` without having registered the waker: hence `unconstrained`.
        let shutdown = pin!(unconstrained(poll_fn(|cx| {
            loop {
                match ready!(self.0.poll_read_ready(cx)) {
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
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            match read(self.0.get_ref()) {
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
