//! A thread in `epoll_wait(2)` with a timerfd: what a runtime does, without the runtime.

use std::io;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::Wait;
use super::nanosleep::Monotonic;

/// Prepares the wait.
pub fn waiting() -> io::Result<Wait> {
    let clock = Monotonic::read();
    let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(
        &timer,
        EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0),
    )?;
    Ok(Box::new(move |deadline| {
        let expiration = Expiration::OneShot(clock.at(deadline));
        timer.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        match epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(io::Error::from(errno)),
        }
    }))
}
