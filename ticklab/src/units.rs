//! Formats nanoseconds and dates for readers.

use std::time::Duration;

/// Formats a time with three digits, in the unit that leaves one to three of them before the point.
#[must_use]
pub fn time(nanos: f64) -> String {
    let (mut value, mut unit) = (nanos, "ns");
    for (factor, larger) in [(1e3, "µs"), (1e3, "ms"), (1e3, "s")] {
        // A value that would round up to a thousand takes the larger unit.
        if value.abs() < 999.5 {
            break;
        }
        (value, unit) = (value / factor, larger);
    }
    let digits = match value.abs() {
        _ if unit == "ns" && value.fract() == 0.0 => 0,
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// Formats nanoseconds as [`time`] does.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn nanos(nanos: u64) -> String {
    time(nanos as f64)
}

/// Formats an RFC 3339 date to the second.
#[must_use]
pub fn date(began: &str) -> String {
    let utc = |date: jiff::Timestamp| date.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    began.parse().map_or_else(|_| began.to_owned(), utc)
}

/// Formats the day of an RFC 3339 date.
#[must_use]
pub fn day(began: &str) -> String {
    let date = date(began);
    date.split(' ').next().unwrap_or_default().to_owned()
}

/// Formats a given time in full.
#[allow(clippy::cast_precision_loss, reason = "given times have few digits")]
#[must_use]
pub fn given(ns: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    let fits = units.into_iter().find(|(unit, _)| ns >= *unit);
    let (unit, name) = fits.unwrap_or((1, "ns"));
    format!("{} {name}", ns as f64 / unit as f64)
}

/// Formats a waiting time in whole seconds.
#[must_use]
pub fn about(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("{:#}", jiff::SignedDuration::from_secs(seconds))
}

/// Formats a plain number.
#[must_use]
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// Converts to nanoseconds. No duration here is longer than 584 years.
#[must_use]
pub fn in_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        for (value, shown) in [
            (0.0, "0 ns"),
            (7.0, "7 ns"),
            (999.0, "999 ns"),
            (1_000.0, "1.00 µs"),
            (43_120.0, "43.1 µs"),
            (999_400.0, "999 µs"),
            (999_600.0, "1.00 ms"),
            (1_500_000_000.0, "1.50 s"),
            (90_000_000_000.0, "90.0 s"),
            (-43_120.0, "-43.1 µs"),
            (0.25, "0.25 ns"),
        ] {
            assert_eq!(time(value), shown);
        }
        assert_eq!(nanos(1_234), "1.23 µs");
    }

    #[test]
    fn waiting_times_are_whole_seconds() {
        for (millis, shown) in [
            (1, "1s"),
            (59_001, "1m"),
            (7_530_000, "2h 5m 30s"),
            (90_000_000, "25h"),
        ] {
            assert_eq!(about(Duration::from_millis(millis)), shown);
        }
    }

    #[test]
    fn numbers_have_three_digits() {
        for (value, shown) in [
            (0.0, "0.00"),
            (2.0, "2.00"),
            (12.345, "12.3"),
            (1234.5, "1234"),
        ] {
            assert_eq!(number(value), shown);
        }
    }

    #[test]
    fn dates_are_shortened() {
        assert_eq!(
            date("2026-11-23T04:15:30.123456789Z"),
            "2026-11-23 04:15:30 UTC"
        );
        assert_eq!(date("2026-11-23T06:15:30+02:00"), "2026-11-23 04:15:30 UTC");
        assert_eq!(date("once"), "once");
        assert_eq!(day("2026-11-23T01:15:30+02:00"), "2026-11-22");
    }

    #[test]
    fn given_times_are_shown_in_full() {
        for (ns, shown) in [
            (0, "0 ns"),
            (250, "250 ns"),
            (1_000_000, "1 ms"),
            (1_234_567, "1.234567 ms"),
            (90_000_000_000, "90 s"),
        ] {
            assert_eq!(given(ns), shown);
        }
    }
}
