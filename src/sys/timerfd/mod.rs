//! Linux and Android: [timerfd].
//!
//! Alarms are on `CLOCK_MONOTONIC`, which is also the clock of [`Instant`]. So an absolute alarm is exact and does
//! not drift. The timer slack of `epoll_wait` and `nanosleep` does not apply to it.
//!
//! [timerfd]: https://man7.org/linux/man-pages/man2/timerfd_create.2.html
//! [`Instant`]: std::time::Instant

mod alarm;
mod periodic;
mod time;

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

pub(crate) use {alarm::Alarm, periodic::Periodic};

fn create(clock: TimerfdClockId) -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    Ok(timerfd_create(clock, flags)?)
}
