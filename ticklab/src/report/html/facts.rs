//! What was asked for, and where it ran, in words.

use std::fmt::Display;

use crate::machine::Machine;
use crate::report::Settings;
use crate::report::columns::ABSENT;
use crate::units::number;

/// A name and a value.
pub struct Fact {
    pub name: &'static str,
    pub value: String,
}

fn fact(name: &'static str, value: impl Display) -> Fact {
    Fact {
        name,
        value: value.to_string(),
    }
}

fn known(name: &'static str, value: Option<impl Display>) -> Fact {
    value.map_or_else(|| fact(name, ABSENT), |value| fact(name, value))
}

/// RFC 3339 for a reader, to the second.
pub fn date(began: &str) -> String {
    let utc = |date: jiff::Timestamp| date.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    began.parse().map_or_else(|_| began.to_owned(), utc)
}

/// A time that was given, and so is to be shown in full.
#[allow(clippy::cast_precision_loss, reason = "nobody gives that many digits")]
pub fn given(ns: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    let fits = units.into_iter().find(|(unit, _)| ns >= *unit);
    let (unit, name) = fits.unwrap_or((1, "ns"));
    format!("{} {name}", ns as f64 / unit as f64)
}

/// What was asked for.
pub fn settings(settings: &Settings) -> Vec<Fact> {
    vec![
        fact("Period", given(settings.period_ns)),
        fact("Duration, each timer", given(settings.duration_ns)),
        fact("Rounds", settings.rounds),
        fact("Warm-up, each round", given(settings.warm_up_ns)),
        fact("Intervals at once", settings.intervals),
        fact("Runtime", &settings.runtime),
        fact(
            "Event interval",
            format!("{} polls", settings.event_interval),
        ),
        fact(
            "Load in the runtime",
            format!("{} % of each thread", settings.load_percent),
        ),
        fact("Kind of that load", &settings.load_kind),
        fact("Each poll of that load", given(settings.load_poll_ns)),
        fact("Busy threads outside", settings.load_threads),
        fact("Work for each tick", given(settings.work_ns)),
        fact("Tolerance", given(settings.tolerance_ns)),
        fact("Missed ticks", &settings.missed),
        fact("Seed", settings.seed),
    ]
}

/// Where it ran.
pub fn machine(machine: &Machine) -> Vec<Fact> {
    vec![
        known("System", machine.os.as_ref()),
        known("Kernel", machine.kernel.as_ref()),
        known("Processor", machine.cpu.as_ref()),
        known("Logical processors", machine.cores),
        known("Virtual machine", machine.virtualised.as_ref()),
        known("Clock source", machine.clock_source.as_ref()),
        known("Frequency governor", machine.governor.as_ref()),
        known("Timer slack", machine.timer_slack_ns.map(given)),
        known("Load average before", machine.load_average.map(number)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(
            date("2026-11-23T04:15:30.123456789Z"),
            "2026-11-23 04:15:30 UTC"
        );
        assert_eq!(date("2026-11-23T06:15:30+02:00"), "2026-11-23 04:15:30 UTC");
        assert_eq!(date("once"), "once");
    }

    #[test]
    fn given_times_are_shown_in_full() {
        for (ns, shown) in [
            (0, "0 ns"),
            (250, "250 ns"),
            (1_000_000, "1 ms"),
            (1_234_567, "1.234567 ms"),
            (90_000_000_000, "90 s"),
        ] {
            assert_eq!(given(ns), shown);
        }
    }
}
