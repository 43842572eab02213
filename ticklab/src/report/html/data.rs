//! What the plots are drawn from.

use serde::Serialize;

use crate::report::{Figures, Report, Timer};

/// A timer's points, each as short as it can be: there are thousands.
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

/// JSON that may stand in a `script` element.
pub fn of(report: &Report) -> serde_json::Result<String> {
    let timers: Vec<_> = report.timers.iter().map(points).collect();
    // Only a "<" could end the element, or begin a comment in it. JSON has them in strings alone,
    // where they can be written this way too.
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

/// With those that the table has: the plot is to say the same there.
fn percentiles(timer: &Timer) -> Vec<(f64, u64)> {
    let points = timer.percentiles.iter();
    let mut points: Vec<_> = points.map(|at| (at.percentile, at.lateness_ns)).collect();
    if let Some(Figures { lateness, .. }) = &timer.total {
        points.extend([
            (50.0, lateness.p50_ns),
            (90.0, lateness.p90_ns),
            (99.0, lateness.p99_ns),
            (99.9, lateness.p999_ns),
        ]);
    }
    // What is as late comes in this order too: no point may be lower than the one before.
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    points
}

#[cfg(test)]
mod tests {
    use crate::report::html::sample;

    #[test]
    fn the_plot_says_what_the_table_says() {
        let report = sample::report();
        let timer = &report.timers[2];
        let points = super::percentiles(timer);
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        let total = timer.total.as_ref().unwrap();
        assert!(points.contains(&(99.9, total.lateness.p999_ns)));
    }
}
