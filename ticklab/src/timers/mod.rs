//! The timers that are measured. Each fires for deadlines of the same schedule, in its own way.

mod course;
mod load;
mod tasks;
mod threads;

use std::io;

use clap::ValueEnum;

pub use course::Course;
pub use load::Threads as Load;
pub use threads::Wait;

use crate::sys;

/// A timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Not to be chosen: what the machine can do, without any runtime.
    #[value(skip)]
    ClockNanosleep,
    /// Not to be chosen: what the machine can do, with what a runtime is made of.
    #[value(skip)]
    EpollTimerfd,
    /// `tokio_osinterval::OsInterval`
    Os,
    /// The same, with `Precision::Spin`
    OsSpin,
    /// `tokio::time::interval`
    Tokio,
    /// `tokio_osinterval::PeriodicInterval`: the kernel's own periodic timer
    Periodic,
    /// `async_io::Timer::interval_at`, polled by tokio
    AsyncIo,
    /// A thread for each interval, and `std::thread::sleep`
    Thread,
    /// A thread for each interval, and `spin_sleep`
    SpinSleep,
}

impl Kind {
    /// What this machine can do at best. One interval shows it.
    pub fn floors() -> impl Iterator<Item = Self> {
        let floors = [Self::ClockNanosleep, Self::EpollTimerfd];
        floors.into_iter().filter(|floor| sys::has(*floor))
    }

    /// Whether it is one of them.
    pub fn is_floor(self) -> bool {
        matches!(self, Self::ClockNanosleep | Self::EpollTimerfd)
    }

    /// Whose [`name`](Self::name) it is.
    pub fn named(name: &str) -> Option<Self> {
        let all = Self::floors().chain(Self::value_variants().iter().copied());
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// As on the command line.
    pub fn name(self) -> String {
        match self {
            Self::ClockNanosleep => "clock-nanosleep".to_owned(),
            Self::EpollTimerfd => "epoll-timerfd".to_owned(),
            selectable => {
                let value = selectable.to_possible_value();
                value
                    .map(|value| value.get_name().to_owned())
                    .unwrap_or_default()
            }
        }
    }

    /// In a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::ClockNanosleep => "a thread in clock_nanosleep(TIMER_ABSTIME)",
            Self::EpollTimerfd => "a thread in epoll_wait, and a timerfd",
            Self::Os => "tokio_osinterval::OsInterval",
            Self::OsSpin => "OsInterval with Precision::Spin",
            Self::Tokio => "tokio::time::interval",
            Self::Periodic => "tokio_osinterval::PeriodicInterval",
            Self::AsyncIo => "async_io::Timer, polled by tokio",
            Self::Thread => "a thread in std::thread::sleep",
            Self::SpinSleep => "a thread in spin_sleep",
        }
    }

    /// Lets it tick until the course is over. Takes the thread that calls it.
    ///
    /// # Errors
    ///
    /// If the operating system refuses what the timer is made of.
    pub fn run(self, course: &Course) -> io::Result<()> {
        match self {
            Self::Os | Self::OsSpin | Self::Tokio | Self::Periodic | Self::AsyncIo => {
                tasks::run(self, course)
            }
            Self::ClockNanosleep | Self::EpollTimerfd | Self::Thread | Self::SpinSleep => {
                threads::run(self, course)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_has_a_name_of_its_own() {
        let all = Kind::value_variants().iter().copied();
        let all = all.chain([Kind::ClockNanosleep, Kind::EpollTimerfd]);
        let mut names: Vec<_> = all.map(Kind::name).collect();
        assert_eq!(names.len(), 9);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 9);
        assert!(names.iter().all(|name| !name.is_empty()));
    }
}
