//! Linux and Android: [timerfd].
//!
//! Alarms are on `CLOCK_MONOTONIC`. That is also the clock of [`Instant`] there, so an absolute
//! alarm is exact, does not drift and is not subject to the timer slack that `epoll_wait` and
//! `nanosleep` add.
//!
//! [timerfd]: https://man7.org/linux/man-pages/man2/timerfd_create.2.html
//! [`Instant`]: std::time::Instant

mod alarm;
mod periodic;
mod time;

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

#[allow(unused_imports, reason = "which of them is used is up to the features")]
pub(crate) use {alarm::Alarm, periodic::Periodic};

fn create(clock: TimerfdClockId) -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    Ok(timerfd_create(clock, flags)?)
}
