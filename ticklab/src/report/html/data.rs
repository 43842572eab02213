//! The data of the plots.

use serde::Serialize;

use crate::report::percentiles::percentiles;
use crate::report::{Report, Timer};

/// A timer's points, in a compact form: there are thousands.
#[derive(Serialize)]
struct Points<'a> {
    name: &'a str,
    floor: bool,
    deadlines: u64,
    /// Percentile, lateness.
    percentiles: Vec<(f64, u64)>,
    /// From, to, count.
    bars: Vec<(u64, u64, u64)>,
    /// At, median, maximum.
    timeline: Vec<(u64, u64, u64)>,
}

/// Returns JSON that is safe inside a `script` element.
pub fn of(report: &Report) -> serde_json::Result<String> {
    let timers: Vec<_> = report.timers.iter().map(points).collect();
    // Only "<" could end the element or begin a comment in it. JSON has "<" in strings alone, where an
    // escape is allowed.
    Ok(serde_json::to_string(&timers)?.replace('<', "\\u003c"))
}

fn points(timer: &Timer) -> Points<'_> {
    let bars = timer.bars.iter();
    let slots = timer.timeline.iter();
    Points {
        name: &timer.name,
        floor: timer.floor,
        deadlines: timer.total.as_ref().map_or(0, |total| total.deadlines),
        percentiles: percentiles(timer),
        bars: bars
            .map(|bar| (bar.from_ns, bar.to_ns, bar.count))
            .collect(),
        timeline: slots
            .map(|slot| (slot.at_ns, slot.p50_ns, slot.max_ns))
            .collect(),
    }
}
