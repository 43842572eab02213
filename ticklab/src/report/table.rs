//! The report as a table for a terminal.

use comfy_table::{CellAlignment, Table, presets};

use super::columns::{ABSENT, COLUMNS, Column};
use super::{Report, Settings, Timer};
use crate::units::nanos;

/// The gap between two columns.
const GAP: usize = 2;

/// Returns the table with the settings above and the remarks below. Splits a table that is wider than
/// `width`.
pub fn text(report: &Report, width: Option<usize>) -> String {
    let tables = tables(report, width.unwrap_or(usize::MAX));
    let about = format!(
        "{}\n{}",
        describe_settings(&report.settings),
        report.machine.describe()
    );
    let mut paragraphs: Vec<_> = [about.trim_end().to_owned() + "\n"]
        .into_iter()
        .chain(tables)
        .chain([remarks(report)])
        .collect();
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n")
}

fn tables(report: &Report, width: usize) -> Vec<String> {
    let known = |column: &Column| {
        let mut totals = report
            .timers
            .iter()
            .filter_map(|timer| timer.total.as_ref());
        totals.any(|total| (column.text)(total).is_some())
    };
    // System calls are counted only on request.
    let shown = |column: &&Column| column.name != "syscalls/tick" || known(column);
    let columns: Vec<_> = COLUMNS.iter().filter(shown).collect();
    let names = column("timer", &report.timers, |timer| timer.name.clone());
    let figures = columns.iter().map(|figure| {
        column(figure.name, &report.timers, |timer| {
            let text = timer.total.as_ref().and_then(figure.text);
            text.unwrap_or_else(|| ABSENT.to_owned())
        })
    });
    let mut tables = vec![vec![names.clone()]];
    for column in figures {
        let last = tables.last_mut().expect("there is a first");
        let together = last.iter().chain([&column]);
        let together: usize = together.map(|column| width_of(column) + GAP).sum();
        // A column that is too wide on its own still stands beside the names.
        if last.len() > 1 && together - GAP > width {
            tables.push(vec![names.clone(), column]);
        } else {
            last.push(column);
        }
    }
    tables.iter().map(|columns| table(columns)).collect()
}

/// Returns a header and a cell for each timer.
fn column(header: &str, timers: &[Timer], cell: impl Fn(&Timer) -> String) -> Vec<String> {
    let header = [header.to_owned()].into_iter();
    header.chain(timers.iter().map(cell)).collect()
}

fn width_of(column: &[String]) -> usize {
    let widths = column.iter().map(|cell| cell.chars().count());
    widths.max().unwrap_or(0)
}

fn table(columns: &[Vec<String>]) -> String {
    let row = |index: usize| columns.iter().map(move |column| &column[index]);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(row(0));
    for index in 1..columns[0].len() {
        table.add_row(row(index));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    lines(&table)
}

/// Trims the spaces at both ends of each line.
pub fn lines(table: &Table) -> String {
    let lines = table.lines().map(|line| {
        line.strip_prefix(' ')
            .unwrap_or(&line)
            .trim_end()
            .to_owned()
    });
    lines.map(|line| line + "\n").collect()
}

/// Describes the settings.
pub fn describe_settings(settings: &Settings) -> String {
    let rounds = if settings.rounds == 1 {
        "round"
    } else {
        "rounds"
    };
    format!(
        "Period: {}; {} per timer, in {} {rounds}; intervals: {}; runtime: {}; event interval: {}{}",
        nanos(settings.period_ns),
        nanos(settings.duration_ns),
        settings.rounds,
        settings.intervals,
        settings.runtime,
        settings.event_interval,
        load(settings),
    )
}

/// Describes the load in the runtime, if there is one.
fn load(settings: &Settings) -> String {
    match (settings.load_percent, &settings.load_kind) {
        (0, _) => String::new(),
        (percent, kind) => format!("; load: {percent} %, {kind}"),
    }
}

/// Lists the problems, one in each line.
pub fn remarks(report: &Report) -> String {
    let failure = |timer: &Timer| {
        let failure = timer.failure.as_ref()?;
        Some(format!("{} failed: {failure}\n", timer.name))
    };
    let early = |timer: &Timer| {
        let early = timer.total.as_ref()?.early;
        (early > 0).then(|| {
            format!(
                "{} fired early {early} times; a timer must never be early\n",
                timer.name
            )
        })
    };
    let mut remarks: String = report.timers.iter().filter_map(failure).collect();
    remarks.extend(report.timers.iter().filter_map(early));
    if report.interrupted {
        remarks += "Interrupted: these are the results so far\n";
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::sample;

    #[test]
    fn table_fits_any_width() {
        let mut report = sample::report();
        let whole = &tables(&report, usize::MAX);
        assert_eq!(whole.len(), 1);
        report.timers.truncate(3);
        for width in [1, 40, 72, 80, 100, 133, 200] {
            let tables = tables(&report, width);
            let headers: Vec<_> = tables
                .iter()
                .filter_map(|table| table.lines().next())
                .collect();
            let all = headers.join(" ").replace("timer", "");
            let shown = COLUMNS
                .iter()
                .filter(|column| column.name != "syscalls/tick");
            assert!(
                shown.map(|column| column.name).eq(all
                    .split("  ")
                    .map(str::trim)
                    .filter(|name| !name.is_empty())),
                "{all}"
            );
            for table in &tables {
                assert_eq!(table.lines().count(), 4, "{table}");
                let widest = table.lines().map(|line| line.chars().count()).max();
                assert!(widest <= Some(width.max(30)), "{width}:\n{table}");
            }
        }
    }
}
