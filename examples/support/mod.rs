//! Helpers that the examples share.
#![allow(dead_code, reason = "each example uses some of them")]

use std::ffi::OsString;
use std::fmt;
use std::process::exit;
use std::time::Duration;
use std::vec::IntoIter;

use hdrhistogram::Histogram;

/// Ends the process with one line on standard error and exit code 2.
pub(crate) fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    exit(2);
}

/// Prints the help and ends the process, if the command line has `--help` or `-h`.
pub(crate) fn help(about: &str, usage: &str) {
    if std::env::args_os().any(|text| text == "--help" || text == "-h") {
        println!("{about}\n\nUsage: {usage}");
        exit(0);
    }
}

/// The command line: positional arguments, each with a default.
pub(crate) struct Arguments {
    usage: &'static str,
    left: IntoIter<OsString>,
}

impl Arguments {
    pub(crate) fn new(about: &str, usage: &'static str) -> Self {
        help(about, usage);
        let given: Vec<_> = std::env::args_os().skip(1).collect();
        let left = given.into_iter();
        Self { usage, left }
    }

    /// Removes the arguments that equal `text`.
    pub(crate) fn without(mut self, text: &str) -> Self {
        let left: Vec<_> = self.left.filter(|argument| argument != text).collect();
        self.left = left.into_iter();
        self
    }

    /// Returns one of `words`, or the first without an argument.
    pub(crate) fn choice(&mut self, name: &str, words: &[&'static str]) -> &'static str {
        let Some(text) = self.next() else {
            return words[0];
        };
        match words.iter().find(|word| **word == text) {
            Some(word) => word,
            None => self.refuse(name, &text, &format!("must be one of {}", words.join(", "))),
        }
    }

    /// Returns a duration above zero, such as `1ms` or `500us`.
    pub(crate) fn duration(&mut self, name: &str, default: Duration) -> Duration {
        const LONGEST: Duration = Duration::from_secs(86_400 * 365);
        let Some(text) = self.next() else {
            return default;
        };
        match humantime::parse_duration(&text) {
            Ok(Duration::ZERO) => self.refuse(name, &text, "must not be zero"),
            Ok(duration) if duration > LONGEST => {
                self.refuse(name, &text, "must be at most a year")
            }
            Ok(duration) => duration,
            Err(_) => self.refuse(name, &text, "must be a duration, such as 5ms or 500us"),
        }
    }

    /// Returns a number above zero.
    pub(crate) fn count(&mut self, name: &str, default: u64) -> u64 {
        match self.next() {
            Some(text) => self.count_of(name, &text),
            None => default,
        }
    }

    /// Returns all remaining arguments, which are numbers above zero.
    pub(crate) fn counts(&mut self, name: &str, default: &[u64]) -> Vec<u64> {
        let mut given = Vec::new();
        while let Some(text) = self.next() {
            given.push(self.count_of(name, &text));
        }
        if given.is_empty() {
            given.extend(default);
        }
        given
    }

    /// Refuses further arguments.
    pub(crate) fn finish(mut self) {
        if let Some(text) = self.next() {
            fail(&format!("unexpected `{text}`; usage: {}", self.usage));
        }
    }

    fn next(&mut self) -> Option<String> {
        let text = self.left.next()?;
        Some(text.into_string().unwrap_or_else(|text| {
            let text = text.to_string_lossy();
            fail(&format!("`{text}` is not UTF-8; usage: {}", self.usage));
        }))
    }

    fn count_of(&self, name: &str, text: &str) -> u64 {
        match text.parse() {
            Ok(0) => self.refuse(name, text, "must not be zero"),
            Ok(count) => count,
            Err(_) => self.refuse(name, text, "must be a whole number"),
        }
    }

    fn refuse(&self, name: &str, text: &str, why: &str) -> ! {
        fail(&format!("{name} `{text}`: {why}; usage: {}", self.usage));
    }
}

/// A histogram of lateness.
pub(crate) struct Lateness {
    nanos: Histogram<u64>,
}

impl Lateness {
    pub(crate) fn new() -> Self {
        let nanos = Histogram::new(3).expect("three digits are supported");
        Self { nanos }
    }

    pub(crate) fn record(&mut self, late: Duration) {
        let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        // The histogram resizes itself, so it refuses no value.
        let _ = self.nanos.record(nanos);
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |quantile| Duration::from_nanos(self.nanos.value_at_quantile(quantile));
        write!(
            f,
            "p50 {:?}, p99 {:?}, max {:?}",
            at(0.5),
            at(0.99),
            Duration::from_nanos(self.nanos.max()),
        )
    }
}
