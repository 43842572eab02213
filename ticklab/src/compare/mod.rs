//! `ticklab compare`: tells changes between two runs from noise.

mod ranks;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use comfy_table::{CellAlignment, Table, presets};

use crate::args::CompareArgs;
use crate::machine::Machine;
use crate::printable::make_printable;
use crate::report::columns::ABSENT;
use crate::report::table::lines;
use crate::report::{FORMAT, Figures, Report, Settings};
use crate::units::time;
use crate::{PROBLEM, SUCCESS};

/// Significance level: a difference is real if chance would produce it less often than this.
const SIGNIFICANCE: f64 = 0.05;

type Figure = fn(&Figures) -> Option<f64>;

/// The figures that are compared.
const METRICS: [(&str, Figure); 3] = [
    ("lateness p50", |figures| {
        Some(whole(figures.lateness.p50_ns))
    }),
    ("lateness p99", |figures| {
        Some(whole(figures.lateness.p99_ns))
    }),
    ("cpu/tick", |figures| figures.cpu_per_tick_ns),
];

#[allow(clippy::cast_precision_loss, reason = "a histogram has three digits")]
fn whole(nanos: u64) -> f64 {
    nanos as f64
}

/// Prints the comparison.
///
/// # Errors
///
/// Returns an error if a file is not a report of ticklab, or if the rounds are too few to judge.
pub fn run(args: &CompareArgs) -> Result<u8> {
    let before = printable(&read(&args.before)?)?;
    let after = printable(&read(&args.after)?)?;
    let changes = changes(&before, &after);
    let notes = notes(&before, &after);
    if args.fail_above.is_some() {
        // A comparison that cannot be judged has not passed.
        ensure!(
            changes.iter().any(|change| !change.floor),
            "the reports have no timer in common"
        );
        if let Some(note) = notes.first() {
            bail!("{note}");
        }
        let unjudged = changes
            .iter()
            .find(|change| !change.floor && change.chance.is_none());
        if let Some(Change { timer, .. }) = unjudged {
            bail!("too few rounds of {timer} to tell a change from noise");
        }
    }
    let mut failures = Vec::new();
    if let Some(limit) = args.fail_above {
        let judged = changes
            .iter()
            .filter(|change| !change.floor && change.is_real());
        for change in judged.filter(|change| change.is_above(limit)) {
            let (timer, metric) = (&change.timer, change.metric);
            failures.push(match change.ratio() {
                Some(ratio) => {
                    format!("{timer}: {metric} has grown by a factor of {ratio:.2}, above {limit}")
                }
                None => format!(
                    "{timer}: {metric} has grown from 0 to {}",
                    time(change.after)
                ),
            });
        }
    }
    failures.extend(early(&after));
    let mut out = std::io::stdout().lock();
    let machine_changes = machine_changes(&before, &after, &changes);
    let written = write!(out, "{}", table(&changes)).and_then(|()| {
        for line in notes.iter().chain(&machine_changes).chain(&failures) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    });
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error)?,
        _ => {}
    }
    let fails = args.fail_above.is_some() && !failures.is_empty();
    Ok(if fails { PROBLEM } else { SUCCESS })
}

fn read(path: &Path) -> Result<Report> {
    /// Read first: in a later format, any other field may differ.
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }

    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let version: Version = serde_json::from_str(&text).with_context(|| unread(path, &text))?;
    ensure!(
        version.format == FORMAT,
        "{name} has format {}; this ticklab reads format {FORMAT}",
        version.format
    );
    serde_json::from_str(&text).with_context(|| unread(path, &text))
}

/// Describes what is wrong with a file that is not a report.
fn unread(path: &Path, text: &str) -> String {
    let name = path.display();
    let json: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    match json {
        _ if text.trim().is_empty() => format!("{name} is empty"),
        Err(error) if error.is_eof() => format!("{name} is truncated"),
        Err(_) => format!("{name} is not JSON"),
        Ok(_) => format!("{name} was not written by `ticklab run --json`"),
    }
}

/// Escapes the report's texts: the file may come from anywhere, and they are printed.
fn printable(report: &Report) -> Result<Report> {
    let mut report = serde_json::to_value(report)?;
    make_printable(&mut report);
    Ok(serde_json::from_value(report)?)
}

/// One figure of one timer, before and after: medians of the rounds.
#[derive(Debug, PartialEq)]
struct Change {
    timer: String,
    /// `true` for a row of the machine's floor, which is never judged.
    floor: bool,
    metric: &'static str,
    before: f64,
    after: f64,
    /// The probability that rounds without a real difference lie this far apart, in any of the comparisons.
    /// `None` if there are too few rounds to show a difference.
    chance: Option<f64>,
    /// The lowest probability that this number of rounds can yield.
    least: f64,
}

impl Change {
    /// Returns `None` if the figure was 0 and no longer is.
    fn ratio(&self) -> Option<f64> {
        match (self.before, self.after) {
            (0.0, 0.0) => Some(1.0),
            (0.0, _) => None,
            (before, after) => Some(after / before),
        }
    }

    /// Returns `true` for a figure that was 0 and no longer is, at any limit.
    fn is_above(&self, limit: f64) -> bool {
        self.ratio().is_none_or(|ratio| ratio > limit)
    }

    fn is_real(&self) -> bool {
        self.chance.is_some_and(|chance| chance < SIGNIFICANCE)
    }

    fn verdict(&self) -> &'static str {
        match self.chance {
            None => "too few rounds to tell",
            Some(_) if !self.is_real() => "within the noise",
            Some(_) if self.after > self.before => "more",
            Some(_) => "less",
        }
    }
}

fn changes(before: &Report, after: &Report) -> Vec<Change> {
    let mut changes = Vec::new();
    for old in &before.timers {
        let Some(new) = after.timers.iter().find(|new| new.name == old.name) else {
            continue;
        };
        for (metric, figure) in METRICS {
            let of = |rounds: &[Figures]| rounds.iter().filter_map(figure).collect::<Vec<_>>();
            let (old_rounds, new_rounds) = (of(&old.rounds), of(&new.rounds));
            if let (Some(before), Some(after)) = (median(&old_rounds), median(&new_rounds)) {
                changes.push(Change {
                    timer: old.name.clone(),
                    floor: old.floor,
                    metric,
                    before,
                    after,
                    chance: Some(ranks::chance(&old_rounds, &new_rounds)),
                    least: ranks::least_chance(old_rounds.len(), new_rounds.len()),
                });
            }
        }
    }
    for floor in [true, false] {
        apply_holm(
            changes
                .iter_mut()
                .filter(|change| change.floor == floor)
                .collect(),
        );
    }
    changes
}

/// Corrects comparisons that are made together.
fn apply_holm(together: Vec<&mut Change>) {
    let found: Vec<_> = together.iter().filter_map(|change| change.chance).collect();
    #[allow(clippy::cast_precision_loss, reason = "there are some dozens")]
    let many = together.len() as f64;
    for (change, chance) in together.into_iter().zip(ranks::chances_of_all(&found)) {
        change.chance = (change.least * many < SIGNIFICANCE).then_some(chance);
    }
}

/// Lists the reasons why the two runs cannot be compared in full.
fn notes(before: &Report, after: &Report) -> Vec<String> {
    let mut notes = differences(&before.settings, &after.settings);
    for (report, which) in [(before, "first"), (after, "second")] {
        if report.interrupted {
            notes.push(format!("the {which} run was interrupted"));
        }
        let failed = report.timers.iter().filter(|timer| timer.failure.is_some());
        notes.extend(failed.map(|timer| format!("{} failed in the {which} run", timer.name)));
    }
    for old in before.timers.iter().filter(|timer| !timer.floor) {
        let Some(new) = after.timers.iter().find(|new| new.name == old.name) else {
            notes.push(format!("{} is only in the first report", old.name));
            continue;
        };
        for (metric, figure) in METRICS {
            let known = |rounds: &[Figures]| rounds.iter().any(|round| figure(round).is_some());
            if known(&old.rounds) && !known(&new.rounds) {
                notes.push(format!(
                    "{} has {metric} only in the first report",
                    old.name
                ));
            }
        }
    }
    notes
}

/// Lists the changes of the machine itself.
fn machine_changes(before: &Report, after: &Report, changes: &[Change]) -> Vec<String> {
    let (old, new) = (&before.machine, &after.machine);
    let cores = |machine: &Machine| machine.cores.map(|cores| cores.to_string());
    let facts = [
        ("processor", old.cpu.clone(), new.cpu.clone()),
        ("number of processors", cores(old), cores(new)),
        ("kernel", old.kernel.clone(), new.kernel.clone()),
    ];
    let mut machine_changes = Vec::new();
    for (fact, was, is) in facts.into_iter().filter(|(_, was, is)| was != is) {
        let [was, is] = [was, is].map(|value| value.unwrap_or_else(|| "unknown".to_owned()));
        machine_changes.push(format!("the {fact} differs: {was} before, {is} after"));
    }
    if changes
        .iter()
        .any(|change| change.floor && change.is_real())
    {
        machine_changes.push(
            "the machine's floor has changed, so the machine may have changed the timers' figures too"
                .to_owned(),
        );
    }
    machine_changes
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (
        sorted.get(sorted.len().checked_sub(1)? / 2)?,
        sorted.get(sorted.len() / 2)?,
    );
    Some(f64::midpoint(*low, *high))
}

/// Lists the timers that fired early. Such a timer is broken, however fast it is.
fn early(after: &Report) -> Vec<String> {
    let early =
        |timer: &crate::report::Timer| Some((timer.name.clone(), timer.total.as_ref()?.early));
    let early = after
        .timers
        .iter()
        .filter_map(early)
        .filter(|(_, early)| *early > 0);
    early
        .map(|(name, early)| format!("{name}: {early} early ticks"))
        .collect()
}

fn differences(before: &Settings, after: &Settings) -> Vec<String> {
    let fields = |settings: &Settings| match serde_json::to_value(settings) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let differs = |(name, value): (&String, &serde_json::Value)| {
        let now = &after[name];
        (name != "seed" && now != value)
            .then(|| format!("the settings differ: {name} is {value} before and {now} after"))
    };
    before.iter().filter_map(differs).collect()
}

fn table(changes: &[Change]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["timer", "", "before", "after", "ratio", ""]);
    for change in changes {
        table.add_row([
            change.timer.clone(),
            change.metric.to_owned(),
            time(change.before),
            time(change.after),
            change
                .ratio()
                .map_or_else(|| ABSENT.to_owned(), |ratio| format!("{ratio:.2}")),
            change.verdict().to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    lines(&table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_and_even_counts() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn verdict_depends_on_the_chance() {
        let change = |before, after, chance| Change {
            timer: String::new(),
            floor: false,
            metric: "",
            before,
            after,
            chance,
            least: 0.0,
        };
        assert_eq!(change(1.0, 2.0, Some(0.01)).verdict(), "more");
        assert_eq!(change(2.0, 1.0, Some(0.01)).verdict(), "less");
        assert_eq!(change(1.0, 2.0, Some(0.2)).verdict(), "within the noise");
        assert_eq!(change(1.0, 2.0, None).verdict(), "too few rounds to tell");
        assert_eq!(change(0.0, 0.0, None).ratio(), Some(1.0));
        assert_eq!(change(0.0, 1.0, None).ratio(), None);
        assert!(change(0.0, 1.0, None).is_above(1e9));
    }
}
