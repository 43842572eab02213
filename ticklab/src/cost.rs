//! `ticklab cost`: draws the cost of a tick by the number of intervals, from the table that the library's
//! benchmark `scale` prints.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

use crate::SUCCESS;
use crate::args::CostArgs;
use crate::machine::Machine;
use crate::output;
use crate::plot::{Axis, Line, Plot};
use crate::units::{day, time};

/// Draws the picture.
///
/// # Errors
///
/// Returns an error if there is no such table, or if the picture cannot be written.
pub fn run(args: &CostArgs) -> Result<u8> {
    let written = || format!("cannot write {}", args.svg.display());
    let place = output::Place::open(&args.svg).with_context(written)?;
    let read = || format!("cannot read {}", args.table.display());
    let table = fs::read_to_string(&args.table).with_context(read)?;
    let costs = costs(&table).with_context(read)?;
    let notes = vec![
        format!(
            "{}; {}",
            Machine::read().describe(),
            day(&Timestamp::now().to_string())
        ),
        args.command.clone(),
    ];
    let svg = plot(&costs, notes).svg()?;
    place.write(svg, &|| false).with_context(written)?;
    Ok(SUCCESS)
}

/// A row of the table.
#[derive(Debug, PartialEq)]
struct Cost {
    intervals: f64,
    /// The period, with its unit.
    period: String,
    timer: String,
    /// Cost of a tick, in nanoseconds.
    nanos: f64,
}

/// Reads the rows whose deadlines are evenly spread.
fn costs(text: &str) -> Result<Vec<Cost>> {
    let mut rows = text.lines().filter_map(cells);
    let header = rows.next().context("the file has no table")?;
    let column = |name: &str| {
        let at = header.iter().position(|cell| *cell == name);
        at.with_context(|| format!("the table has no column {name}"))
    };
    let (timer, cpu) = (column("timer")?, column("CPU per tick")?);
    let mut costs = Vec::new();
    for row in rows {
        if let [Some(name), Some(timer), Some(cpu)] = [0, timer, cpu].map(|at| row.get(at))
            && let Some((intervals, period)) = name.split_once(" × ")
            && !period.contains(',')
        {
            costs.push(Cost {
                intervals: number(intervals)?,
                period: period.to_owned(),
                timer: (*timer).to_owned(),
                nanos: number(cpu)? * 1e3,
            });
        }
    }
    ensure!(
        !costs.is_empty(),
        "the table has no row such as `100 × 10 ms`"
    );
    Ok(costs)
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

fn number(text: &str) -> Result<f64> {
    let number = text.replace(',', "").parse().ok();
    let number = number.filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.with_context(|| format!("`{text}` is not a number above zero"))
}

fn plot(costs: &[Cost], notes: Vec<String>) -> Plot {
    let mut lines: Vec<Line> = Vec::new();
    let mut marks: Vec<(f64, String)> = Vec::new();
    for cost in costs {
        let point = (cost.intervals, cost.nanos);
        match lines.iter_mut().find(|line| line.name == cost.timer) {
            Some(line) => line.points.push(point),
            None => lines.push(Line {
                name: cost.timer.clone(),
                about: String::new(),
                floor: false,
                points: vec![point],
            }),
        }
        if marks
            .last()
            .is_none_or(|(intervals, _)| *intervals < cost.intervals)
        {
            marks.push((
                cost.intervals,
                format!("{}\neach {}", thousands(cost.intervals), cost.period),
            ));
        }
    }
    let range = (marks[0].0, marks[marks.len() - 1].0.max(marks[0].0 * 10.0));
    let name = "intervals in one runtime, and how often each ticks".to_owned();
    Plot {
        title: "Cost of a tick".to_owned(),
        description: description(&lines),
        x: Axis { name, range, marks },
        y: Axis::of_times(
            "processor time per tick",
            costs.iter().map(|cost| cost.nanos),
        ),
        lines,
        notes,
    }
}

fn description(lines: &[Line]) -> String {
    let mut text = "Processor time per tick, by the number of intervals in a runtime.".to_owned();
    for line in lines {
        let points = line.points.iter();
        let points = points
            .map(|(intervals, nanos)| format!("{} for {}", time(*nanos), thousands(*intervals)));
        let _ = write!(
            text,
            " {}: {}.",
            line.name,
            points.collect::<Vec<_>>().join(", ")
        );
    }
    text
}

/// Formats a number with separators: `10,000`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Many intervals

|                            | timer | p50 late | CPU per tick |
| -------------------------- | ----- | -------: | -----------: |
| 1 × 10 ms                  | here  |       40 |        25.50 |
| 1 × 10 ms                  | tokio |    1,100 |        24.00 |
| 1,000 × 10 ms              | here  |       18 |         8.50 |
| 1,000 × 10 ms              | tokio |    1,100 |         0.90 |
| 1,000 × 10 ms, all at once | here  |      700 |         0.95 |
| 100,000 × 1 s              | here  |       20 |         7.80 |

here / tokio: 1.12
";

    fn drawn() -> Plot {
        plot(&costs(TABLE).unwrap(), vec!["a < b".to_owned()])
    }

    #[test]
    fn plot_has_a_line_per_timer_and_a_point_per_count() {
        let plot = drawn();
        let [here, tokio] = &plot.lines[..] else {
            panic!("{:?}", plot.lines);
        };
        assert_eq!((here.name.as_str(), tokio.name.as_str()), ("here", "tokio"));
        assert_eq!(
            here.points,
            [(1.0, 25_500.0), (1_000.0, 8_500.0), (100_000.0, 7_800.0)]
        );
        assert_eq!(tokio.points, [(1.0, 24_000.0), (1_000.0, 900.0)]);
        let marks: Vec<_> = plot.x.marks.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(
            marks,
            ["1\neach 10 ms", "1,000\neach 10 ms", "100,000\neach 1 s"]
        );
        assert!(
            plot.description
                .ends_with(" tokio: 24.0 µs for 1, 900 ns for 1,000.")
        );
    }

    /// Writes the picture for `tests/page`, which checks it in a browser.
    #[test]
    fn picture_for_the_browser_test() {
        let svg = drawn().svg().unwrap();
        assert!(svg.contains("a &#60; b"));
        if let Some(folder) = std::env::var_os("OUT") {
            fs::write(std::path::Path::new(&folder).join("cost.svg"), svg).unwrap();
        }
    }

    #[test]
    fn invalid_table_is_refused_with_the_reason() {
        for (text, said) in [
            ("", "the file has no table"),
            ("| | timer |", "the table has no column CPU per tick"),
            ("| | CPU per tick |", "the table has no column timer"),
            (
                "| | timer | CPU per tick |\n| --- | --- | --- |",
                "the table has no row such as `100 × 10 ms`",
            ),
            (
                "| | timer | CPU per tick |\n| 1 × 1 s | here | fast |",
                "`fast` is not a number above zero",
            ),
            (
                "| | timer | CPU per tick |\n| 1 × 1 s | here | 0 |",
                "`0` is not a number above zero",
            ),
            (
                "| | timer | CPU per tick |\n| no × 1 s | here | 1 |",
                "`no` is not a number above zero",
            ),
        ] {
            assert_eq!(costs(text).unwrap_err().to_string(), said, "{text}");
        }
    }
}
