//! The report as a table, for a terminal.

use comfy_table::{CellAlignment, Table, presets};

use super::columns::{ABSENT, COLUMNS, Column};
use super::{Report, Timer};
use crate::units::nanos;

/// With what it is about above, and what is not in order below.
pub fn text(report: &Report) -> String {
    let mut paragraphs = vec![about(report), table(report), remarks(report)];
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n")
}

fn table(report: &Report) -> String {
    let known = |column: &Column| {
        let mut totals = report
            .timers
            .iter()
            .filter_map(|timer| timer.total.as_ref());
        totals.any(|total| (column.text)(total).is_some())
    };
    // Nobody may have asked for them.
    let shown = |column: &&Column| column.name != "syscalls/tick" || known(column);
    let columns: Vec<_> = COLUMNS.iter().filter(shown).collect();
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(
        ["timer"]
            .into_iter()
            .chain(columns.iter().map(|column| column.name)),
    );
    for timer in &report.timers {
        let figure = |column: &&Column| {
            let text = timer.total.as_ref().and_then(column.text);
            text.unwrap_or_else(|| ABSENT.to_owned())
        };
        let name = [timer.name.clone()].into_iter();
        table.add_row(name.chain(columns.iter().map(figure)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    lines(&table)
}

/// No line ends in spaces, and none begins with one.
pub fn lines(table: &Table) -> String {
    let lines = table.lines().map(|line| {
        line.strip_prefix(' ')
            .unwrap_or(&line)
            .trim_end()
            .to_owned()
    });
    lines.map(|line| line + "\n").collect()
}

fn about(report: &Report) -> String {
    let (settings, machine) = (&report.settings, &report.machine);
    let rounds = if settings.rounds == 1 {
        "round"
    } else {
        "rounds"
    };
    let mut about = format!(
        "A tick every {} for {} of each timer, in {} {rounds}; intervals: {}; runtime: {}\n",
        nanos(settings.period_ns),
        nanos(settings.duration_ns),
        settings.rounds,
        settings.intervals,
        settings.runtime,
    );
    let virtualised = machine.virtualised.as_ref().filter(|kind| *kind != "no");
    let virtualised = virtualised.map(|kind| match kind.as_str() {
        "yes" => "a virtual machine".to_owned(),
        kind => format!("a virtual machine ({kind})"),
    });
    let machine = [&machine.os, &machine.kernel, &machine.cpu, &virtualised];
    let machine: Vec<_> = machine.into_iter().flatten().map(String::as_str).collect();
    about += &machine.join(", ");
    about.trim_end().to_owned() + "\n"
}

fn remarks(report: &Report) -> String {
    let failure = |timer: &Timer| {
        let failure = timer.failure.as_ref()?;
        Some(format!(
            "{} did not run to its end: {failure}\n",
            timer.name
        ))
    };
    let early = |timer: &Timer| {
        let early = timer.total.as_ref()?.early;
        (early > 0).then(|| {
            format!(
                "{} was early {early} times, which no timer may be\n",
                timer.name
            )
        })
    };
    let mut remarks: String = report.timers.iter().filter_map(failure).collect();
    remarks.extend(report.timers.iter().filter_map(early));
    if report.interrupted {
        remarks += "Interrupted: this is what was measured until then\n";
    }
    remarks
}
