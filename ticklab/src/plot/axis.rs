//! Logarithmic axes.

use crate::units::given;

/// A logarithmic axis.
#[derive(Debug)]
pub struct Axis {
    /// What the axis shows.
    pub name: String,
    /// The lowest and the highest value.
    pub range: (f64, f64),
    /// The labelled values. Each label is one line below the other.
    pub marks: Vec<(f64, String)>,
}

/// Shorter times are drawn at this length, because a logarithmic axis has no zero.
const LEAST_NS: f64 = 10.0;
const STEPS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];
/// Keeps rounding errors from moving a value to the next step.
const NEARLY: f64 = 1e-9;

impl Axis {
    /// Creates an axis of times in nanoseconds, from one round time to another.
    pub fn of_times(name: &str, times: impl Iterator<Item = f64>) -> Self {
        let (least, most) = times.fold((f64::INFINITY, LEAST_NS), |(least, most), time| {
            (least.min(time.max(LEAST_NS)), most.max(time))
        });
        let low = round_down(least.min(most));
        let range = (low, round_up(most).max(low * 10.0));
        let marks = round_within(range)
            .into_iter()
            .map(|time| (time, text(time)));
        Self {
            name: name.to_owned(),
            range,
            marks: marks.collect(),
        }
    }

    /// Returns the position of a value: 0 is the start of the axis, 1 its end.
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        ((value / low).ln() / (high / low).ln()).clamp(0.0, 1.0)
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is round, and above zero"
)]
fn text(time: f64) -> String {
    if time <= LEAST_NS {
        return format!("≤ {LEAST_NS} ns");
    }
    given(time.round() as u64)
}

fn power(value: f64) -> f64 {
    10_f64.powf((value.log10() + NEARLY).floor())
}

fn round_down(value: f64) -> f64 {
    let unit = power(value);
    let fits = |step: &f64| step * unit <= value * (1.0 + NEARLY);
    unit * STEPS.into_iter().rfind(fits).unwrap_or(1.0)
}

fn round_up(value: f64) -> f64 {
    let unit = power(value);
    let fits = |step: &f64| step * unit >= value * (1.0 - NEARLY);
    unit * STEPS.into_iter().find(fits).unwrap_or(10.0)
}

/// Returns the powers of ten; if these are few, also their doubles and quintuples.
fn round_within((low, high): (f64, f64)) -> Vec<f64> {
    let steps = if high / low > 300.0 {
        &STEPS[..1]
    } else {
        &STEPS[..3]
    };
    let mut values = Vec::new();
    let mut unit = power(low);
    while unit <= high * (1.0 + NEARLY) {
        let some = steps.iter().map(|step| step * unit);
        values.extend(
            some.filter(|value| (low * (1.0 - NEARLY)..=high * (1.0 + NEARLY)).contains(value)),
        );
        unit *= 10.0;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(times: &[f64]) -> Vec<String> {
        let axis = Axis::of_times("", times.iter().copied());
        axis.marks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn axis_has_round_ends_and_marks() {
        assert_eq!(
            marks(&[130e3, 1_900e3]),
            ["100 µs", "200 µs", "500 µs", "1 ms", "2 ms"]
        );
        assert_eq!(
            marks(&[370.0, 1_900e3]),
            ["1 µs", "10 µs", "100 µs", "1 ms"]
        );
        assert_eq!(marks(&[20e3, 20e3]), ["20 µs", "50 µs", "100 µs", "200 µs"]);
        assert_eq!(marks(&[0.0, 30.0]), ["≤ 10 ns", "20 ns", "50 ns", "100 ns"]);
        assert_eq!(marks(&[]), ["≤ 10 ns", "20 ns", "50 ns", "100 ns"]);
    }

    #[test]
    fn axis_is_logarithmic() {
        let axis = Axis::of_times("", [1e3, 1e6].into_iter());
        for (value, place) in [
            (1e3, 0.0),
            (1e4, 1.0 / 3.0),
            (1e5, 2.0 / 3.0),
            (1e6, 1.0),
            (0.0, 0.0),
        ] {
            assert!((axis.place(value) - place).abs() < 1e-9, "{value}");
        }
    }
}
