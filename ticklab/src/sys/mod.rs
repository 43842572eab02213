//! What the operating system tells of itself and of this process, and the waits that are nearest to
//! it. What it does not tell is absent.

#[cfg(timerfd)]
mod epoll;
#[cfg(clock_nanosleep)]
mod nanosleep;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;

use crate::timers::{Kind, Wait};

#[cfg(unix)]
pub use unix::{
    as_any_other, clock_resolution, interrupt_period, kernel_state, load_average, open_descriptors,
    open_files_limit, switches,
};
#[cfg(windows)]
pub use windows::{
    as_any_other, clock_resolution, interrupt_period, kernel_state, load_average, open_descriptors,
    open_files_limit, switches,
};

/// Whether the machine can show this floor.
pub fn has(floor: Kind) -> bool {
    let nanosleep = cfg!(clock_nanosleep) && floor == Kind::ClockNanosleep;
    nanosleep || (cfg!(timerfd) && floor == Kind::EpollTimerfd)
}

/// How a floor waits.
pub fn waiting(floor: Kind) -> io::Result<Wait> {
    match floor {
        #[cfg(clock_nanosleep)]
        Kind::ClockNanosleep => Ok(nanosleep::waiting()),
        #[cfg(timerfd)]
        Kind::EpollTimerfd => epoll::waiting(),
        other => Err(io::Error::new(io::ErrorKind::Unsupported, other.name())),
    }
}
