//! The report as comma-separated values: a row for each round of each timer, and one for all rounds
//! of it together. Durations in nanoseconds.

use anyhow::Result;
use serde::Serialize;

use super::{Figures, Report};

#[derive(Serialize)]
struct Row<'a> {
    timer: &'a str,
    round: String,
    deadlines: u64,
    ticks: u64,
    missed: u64,
    bunched: u64,
    early: u64,
    lateness_min_ns: u64,
    lateness_mean_ns: f64,
    lateness_p50_ns: u64,
    lateness_p90_ns: u64,
    lateness_p99_ns: u64,
    lateness_p999_ns: u64,
    lateness_max_ns: u64,
    jitter_p50_ns: u64,
    jitter_p99_ns: u64,
    jitter_max_ns: u64,
    drift_ns: i64,
    cpu_per_tick_ns: Option<f64>,
    switches_per_tick: Option<f64>,
    descriptors: Option<u64>,
    syscalls_per_tick: Option<f64>,
}

/// With a header.
pub fn text(report: &Report) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for timer in &report.timers {
        for (round, figures) in (1..).zip(&timer.rounds) {
            writer.serialize(row(&timer.name, format!("{round}"), figures))?;
        }
        if let Some(total) = &timer.total {
            writer.serialize(row(&timer.name, "all".to_owned(), total))?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn row<'a>(timer: &'a str, round: String, figures: &Figures) -> Row<'a> {
    let (lateness, jitter) = (&figures.lateness, &figures.jitter);
    Row {
        timer,
        round,
        deadlines: figures.deadlines,
        ticks: figures.ticks,
        missed: figures.missed,
        bunched: figures.bunched,
        early: figures.early,
        lateness_min_ns: lateness.min_ns,
        lateness_mean_ns: lateness.mean_ns,
        lateness_p50_ns: lateness.p50_ns,
        lateness_p90_ns: lateness.p90_ns,
        lateness_p99_ns: lateness.p99_ns,
        lateness_p999_ns: lateness.p999_ns,
        lateness_max_ns: lateness.max_ns,
        jitter_p50_ns: jitter.p50_ns,
        jitter_p99_ns: jitter.p99_ns,
        jitter_max_ns: jitter.max_ns,
        drift_ns: figures.drift_ns,
        cpu_per_tick_ns: figures.cpu_per_tick_ns,
        switches_per_tick: figures.switches_per_tick,
        descriptors: figures.descriptors,
        syscalls_per_tick: figures.syscalls_per_tick,
    }
}
