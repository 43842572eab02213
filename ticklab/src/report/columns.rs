//! The columns of the table, in a terminal and on the page.

use super::Figures;
use crate::units::{nanos, number, time};

/// A column.
#[derive(Debug)]
pub struct Column {
    /// The header.
    pub name: &'static str,
    /// An explanation for new readers.
    pub about: &'static str,
    /// Formats the figure, if it is known.
    pub text: fn(&Figures) -> Option<String>,
}

/// Stands for an unknown figure. A zero would be a value.
pub const ABSENT: &str = "–";

/// All columns but the timer's name.
pub const COLUMNS: [Column; 13] = [
    Column {
        name: "p50",
        about: "The median lateness: the time from a tick's deadline until its consumer sees it. A \
                missed deadline is as late as the tick that replaced it.",
        text: |figures| Some(nanos(figures.lateness.p50_ns)),
    },
    Column {
        name: "p99",
        about: "One tick in a hundred is later than this.",
        text: |figures| Some(nanos(figures.lateness.p99_ns)),
    },
    Column {
        name: "p99.9",
        about: "One tick in a thousand is later than this.",
        text: |figures| Some(nanos(figures.lateness.p999_ns)),
    },
    Column {
        name: "max",
        about: "No tick is later than this.",
        text: |figures| Some(nanos(figures.lateness.max_ns)),
    },
    Column {
        name: "jitter p99",
        about: "How far the time between two ticks differs from the period, in either direction. One \
                difference in a hundred is larger than this.",
        text: |figures| figures.jitter.map(|jitter| nanos(jitter.p99_ns)),
    },
    Column {
        name: "drift",
        about: "How far the deadlines have moved by the end of a round from the times that the first \
                one and the period predict.",
        text: |figures| figures.drift_ns.map(signed),
    },
    Column {
        name: "missed",
        about: "Deadlines without a tick of their own.",
        text: |figures| Some(figures.missed.to_string()),
    },
    Column {
        name: "bunched",
        about: "Ticks less than half a period after the previous one.",
        text: |figures| Some(figures.bunched.to_string()),
    },
    Column {
        name: "early",
        about: "Ticks before their deadline. There must be none.",
        text: |figures| Some(figures.early.to_string()),
    },
    Column {
        name: "cpu/tick",
        about: "Processor time per tick, of the whole process without the measuring thread.",
        text: |figures| figures.cpu_per_tick_ns.map(time),
    },
    Column {
        name: "switches/tick",
        about: "Context switches per tick.",
        text: |figures| figures.switches_per_tick.map(number),
    },
    Column {
        name: "descriptors",
        about: "File descriptors, or handles, that the timers opened.",
        text: |figures| figures.descriptors.map(|count| count.to_string()),
    },
    Column {
        name: "syscalls/tick",
        about: "System calls per tick. They are counted in a separate run, because counting takes \
                time.",
        text: |figures| figures.syscalls_per_tick.map(number),
    },
];

#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
fn signed(nanos: i64) -> String {
    time(nanos as f64)
}
