//! The settings and the machine in words.

use std::fmt::Display;

use crate::machine::Machine;
use crate::report::Settings;
use crate::report::columns::ABSENT;
use crate::units::{given, number};

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

/// Lists the settings.
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

/// Lists the machine's properties.
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
