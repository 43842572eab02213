//! Choices on the command line: timers, runtimes, loads, and the behaviour for missed ticks.

use std::num::NonZeroUsize;
use std::str::FromStr;

use clap::ValueEnum;

use crate::sys::Floor;

/// A timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The machine's floor, without a runtime. Users cannot select it.
    #[value(skip)]
    Floor(Floor),
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
    /// Returns the machine's floor. One interval is enough to show it.
    pub fn floors() -> impl Iterator<Item = Self> {
        Floor::of_this_system().iter().copied().map(Self::Floor)
    }

    /// Returns `true` if this is a floor.
    pub fn is_floor(self) -> bool {
        matches!(self, Self::Floor(_))
    }

    /// Returns `true` if each interval takes a thread.
    pub fn takes_threads(self) -> bool {
        matches!(self, Self::Thread | Self::SpinSleep)
    }

    /// Finds a timer by its [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::floors().chain(Self::value_variants().iter().copied());
        all.find(|kind| kind.name() == name)
    }

    /// Returns the timer's name on the command line.
    pub fn name(self) -> String {
        if let Self::Floor(floor) = self {
            return floor.name().to_owned();
        }
        let value = self.to_possible_value();
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// Describes the timer in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Floor(floor) => floor.about(),
            Self::Os => "tokio_osinterval::OsInterval",
            Self::OsSpin => "OsInterval with Precision::Spin",
            Self::Tokio => "tokio::time::interval",
            Self::Periodic => "tokio_osinterval::PeriodicInterval",
            Self::AsyncIo => "async_io::Timer, polled by tokio",
            Self::Thread => "a thread in std::thread::sleep",
            Self::SpinSleep => "a thread in spin_sleep",
        }
    }
}

/// tokio panics if the system refuses a thread.
const MAX_WORKERS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// The runtime that the timers' tasks run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// `new_current_thread`
    Current,
    /// `new_multi_thread`, with this many workers, or with one for each processor.
    Multi(Option<NonZeroUsize>),
}

impl FromStr for Runtime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "current" => Ok(Self::Current),
            None if text == "multi" => Ok(Self::Multi(None)),
            Some(("multi", threads)) => match threads.parse() {
                Ok(threads) if threads <= MAX_WORKERS => Ok(Self::Multi(Some(threads))),
                _ => Err("expected from 1 to 1024 threads"),
            },
            _ => Err("expected `current`, `multi` or `multi:THREADS`"),
        }
    }
}

/// What keeps the runtime's threads busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LoadKind {
    /// One task for each thread, which yields after each poll. tokio checks its timers before it polls the
    /// task again
    Yield,
    /// Two tasks for each thread, which wake each other with a message. tokio checks its timers only after
    /// `--event-interval` polls
    Pairs,
}

/// `MissedTickBehavior`, for timers that offer the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Missed {
    /// Deliver all missed ticks, one right after the other
    Burst,
    /// Continue one period after the late tick
    Delay,
    /// Continue with the next deadline that has not passed
    Skip,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_has_a_name_of_its_own() {
        let all = Kind::value_variants().iter().copied().chain(Kind::floors());
        let all: Vec<_> = all.collect();
        for kind in &all {
            let name = kind.name();
            assert!(!name.is_empty());
            assert_eq!(Kind::named(&name), Some(*kind));
        }
        assert!(all.len() >= 7 && Kind::named("sundial").is_none());
    }

    #[test]
    fn runtime_is_parsed() {
        assert_eq!("current".parse(), Ok(Runtime::Current));
        assert_eq!("multi".parse(), Ok(Runtime::Multi(None)));
        assert_eq!("multi:3".parse(), Ok(Runtime::Multi(NonZeroUsize::new(3))));
        for text in [
            "",
            "multi:",
            "multi:0",
            "multi:-1",
            "multi:1025",
            "current:1",
            "Multi",
        ] {
            assert!(text.parse::<Runtime>().is_err(), "{text}");
        }
    }
}
