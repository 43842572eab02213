//! The report as comma-separated values: a row for each round of each timer, and one for all rounds of each
//! timer together. A timer without a tick has the latter too. Durations are in nanoseconds.

use anyhow::Result;

use super::{Figures, Report, Timer};

/// A column's name and its value, which is empty if it was not measured.
type Column = (&'static str, fn(&Figures) -> Option<String>);

const COLUMNS: [Column; 20] = [
    ("deadlines", |figures| cell(figures.deadlines)),
    ("ticks", |figures| cell(figures.ticks)),
    ("missed", |figures| cell(figures.missed)),
    ("bunched", |figures| cell(figures.bunched)),
    ("early", |figures| cell(figures.early)),
    ("lateness_min_ns", |figures| cell(figures.lateness.min_ns)),
    ("lateness_mean_ns", |figures| cell(figures.lateness.mean_ns)),
    ("lateness_p50_ns", |figures| cell(figures.lateness.p50_ns)),
    ("lateness_p90_ns", |figures| cell(figures.lateness.p90_ns)),
    ("lateness_p99_ns", |figures| cell(figures.lateness.p99_ns)),
    ("lateness_p999_ns", |figures| cell(figures.lateness.p999_ns)),
    ("lateness_max_ns", |figures| cell(figures.lateness.max_ns)),
    ("jitter_p50_ns", |figures| cell(figures.jitter?.p50_ns)),
    ("jitter_p99_ns", |figures| cell(figures.jitter?.p99_ns)),
    ("jitter_max_ns", |figures| cell(figures.jitter?.max_ns)),
    ("drift_ns", |figures| cell(figures.drift_ns?)),
    ("cpu_per_tick_ns", |figures| cell(figures.cpu_per_tick_ns?)),
    ("switches_per_tick", |figures| {
        cell(figures.switches_per_tick?)
    }),
    ("descriptors", |figures| cell(figures.descriptors?)),
    ("syscalls_per_tick", |figures| {
        cell(figures.syscalls_per_tick?)
    }),
];

#[allow(
    clippy::unnecessary_wraps,
    reason = "a column may have none to turn into text"
)]
fn cell(value: impl ToString + Copy) -> Option<String> {
    Some(value.to_string())
}

/// Writes the header and the rows.
pub fn text(report: &Report) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = COLUMNS.iter().map(|(name, _)| *name);
    writer.write_record(
        ["timer", "round"]
            .into_iter()
            .chain(names)
            .chain(["failure"]),
    )?;
    for timer in &report.timers {
        for (round, figures) in (1..).zip(&timer.rounds) {
            writer.write_record(row(timer, format!("{round}"), Some(figures)))?;
        }
        writer.write_record(row(timer, "all".to_owned(), timer.total.as_ref()))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Only the row for all rounds has the failure: the rounds in the file were measured.
fn row(timer: &Timer, round: String, figures: Option<&Figures>) -> Vec<String> {
    let failure = timer.failure.clone().filter(|_| round == "all");
    let mut row = vec![timer.name.clone(), round];
    row.extend(COLUMNS.map(|(_, column)| figures.and_then(column).unwrap_or_default()));
    row.push(failure.unwrap_or_default());
    row
}
