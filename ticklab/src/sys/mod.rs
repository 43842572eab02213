//! What the operating system reports about itself and this process, and the waits closest to the kernel. A
//! value that the system does not report is absent.

#[cfg(timerfd)]
mod epoll;
#[cfg(clock_nanosleep)]
mod nanosleep;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;
use std::time::Instant;

#[cfg(unix)]
pub use signals::{unblock_signals, watch_signals};
#[cfg(unix)]
pub use unix::{
    FileId, STEP, can_replace, clock_resolution, file_id, interrupt_period, is_standard_output,
    kernel_state, load_average, open_descriptors, open_files_limit, switches, with_default_mode,
};
#[cfg(windows)]
pub use windows::{
    FileId, STEP, can_replace, clock_resolution, file_id, interrupt_period, is_standard_output,
    kernel_state, load_average, open_descriptors, open_files_limit, switches, unblock_signals,
    watch_signals, with_default_mode,
};

/// Waits until then, or shorter: the caller checks the clock.
pub type Wait = Box<dyn FnMut(Instant) -> io::Result<()>>;

/// A wait as close to the kernel as a program gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// In `clock_nanosleep(2)`.
    ClockNanosleep,
    /// In `epoll_wait(2)` with a timerfd, the building blocks of a runtime.
    EpollTimerfd,
}

impl Floor {
    /// Lists the floors of this system.
    pub fn of_this_system() -> &'static [Self] {
        if cfg!(timerfd) {
            &[Self::ClockNanosleep, Self::EpollTimerfd]
        } else if cfg!(clock_nanosleep) {
            &[Self::ClockNanosleep]
        } else {
            &[]
        }
    }

    /// Returns the name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClockNanosleep => "clock-nanosleep",
            Self::EpollTimerfd => "epoll-timerfd",
        }
    }

    /// Describes the floor in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::ClockNanosleep => "a thread in clock_nanosleep(TIMER_ABSTIME)",
            Self::EpollTimerfd => "a thread in epoll_wait, and a timerfd",
        }
    }

    /// Prepares the wait.
    pub fn waiting(self) -> io::Result<Wait> {
        match self {
            #[cfg(clock_nanosleep)]
            Self::ClockNanosleep => Ok(nanosleep::waiting()),
            #[cfg(timerfd)]
            Self::EpollTimerfd => epoll::waiting(),
            #[allow(unreachable_patterns, reason = "on a system that has all of them")]
            other => Err(io::Error::new(io::ErrorKind::Unsupported, other.name())),
        }
    }
}
