//! A timer's lateness as `HdrHistogram`'s percentile distribution, for its public plotters. In microseconds.

use std::fmt::Write;

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::Timer;

/// Number of lines for each halving of the distance to 100 %.
const STEPS: u32 = 5;

/// The columns have the widths of the Java and C implementations.
pub fn text(timer: &Timer) -> Result<String> {
    let histogram = BASE64_STANDARD.decode(&timer.histogram)?;
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut histogram.as_slice())?;
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in histogram.iter_quantiles(STEPS) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (
            micros(step.value_iterated_to()),
            step.quantile_iterated_to(),
        );
        write!(text, "{value:12.3} {quantile:2.12} {total:10}")?;
        if quantile < 1.0 {
            write!(text, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        text.push('\n');
    }
    writeln!(
        text,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        histogram.mean() / 1e3,
        histogram.stdev() / 1e3
    )?;
    writeln!(
        text,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        micros(histogram.max()),
        histogram.len()
    )?;
    let halves = histogram
        .distinct_values()
        .div_ceil(1024)
        .saturating_sub(1)
        .max(1);
    writeln!(
        text,
        "#[Buckets = {halves:12}, SubBuckets     = {:12}]",
        2048
    )?;
    Ok(text)
}

#[allow(clippy::cast_precision_loss, reason = "a histogram has three digits")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
