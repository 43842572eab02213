//! The points of a timer's curve: percentiles and the lateness at each.

use super::{Figures, Timer};

/// Includes the table's percentiles, so that the plot and the table agree.
pub fn percentiles(timer: &Timer) -> Vec<(f64, u64)> {
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
    // Sorts equal percentiles by lateness: a point must not lie lower than the previous one.
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    points
}

#[cfg(test)]
mod tests {
    use crate::report::html::sample;

    #[test]
    fn plot_contains_the_percentiles_of_the_table() {
        let report = sample::report();
        let timer = &report.timers[2];
        let points = super::percentiles(timer);
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        let total = timer.total.as_ref().unwrap();
        assert!(points.contains(&(99.9, total.lateness.p999_ns)));
    }
}
