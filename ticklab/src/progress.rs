//! Shows the progress on standard error if that is a terminal.

use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::units::{about, nanos};

/// A bar for the run, and a line for each timer.
#[derive(Debug)]
pub struct Progress {
    visible: bool,
    whole: ProgressBar,
    timers: Vec<ProgressBar>,
}

impl Progress {
    /// Creates the bars for a run of this expected length, and for timers with these names.
    pub fn new(length: Duration, names: &[String]) -> Self {
        let lines = MultiProgress::new();
        let style =
            |template| ProgressStyle::with_template(template).expect("a template of our own");
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let whole = lines.add(ProgressBar::new(millis));
        whole.set_style(style("{wide_bar} {elapsed} of {msg}"));
        whole.set_message(about(length));
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let line = |name: &String| {
            let line = lines.add(ProgressBar::no_length());
            line.set_style(style("{prefix}  {msg}"));
            line.set_prefix(format!("{name:width$}"));
            line
        };
        let timers = names.iter().map(line).collect();
        Self {
            visible: !lines.is_hidden(),
            whole,
            timers,
        }
    }

    /// Shows the elapsed time and a timer's lateness so far, which is the sum of the two histograms.
    pub fn show(&self, timer: usize, elapsed: Duration, lateness: [&Histogram<u64>; 2]) {
        if !self.visible {
            return;
        }
        self.whole
            .set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        let [before, now] = lateness;
        let mut lateness = before.clone();
        lateness
            .add(now)
            .expect("what one has recorded, another can");
        let at = |quantile| nanos(lateness.value_at_quantile(quantile));
        let (p50, p99, max) = (at(0.5), at(0.99), nanos(lateness.max()));
        self.timers[timer].set_message(format!("p50 {p50:>8}  p99 {p99:>8}  max {max:>8}"));
    }

    /// Clears the bars: the table replaces them.
    pub fn finish(&self) {
        self.whole.finish_and_clear();
        for timer in &self.timers {
            timer.finish_and_clear();
        }
    }
}
