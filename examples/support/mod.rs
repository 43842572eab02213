//! What the examples share.
#![allow(dead_code, reason = "each example uses its part")]

use std::ffi::OsString;
use std::fmt;
use std::process::exit;
use std::time::Duration;
use std::vec::IntoIter;

use hdrhistogram::Histogram;

/// Ends the process, with one line on standard error.
pub(crate) fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    exit(2);
}

/// Prints it and ends the process, if it was asked for.
pub(crate) fn help(about: &str, usage: &str) {
    if std::env::args_os().any(|text| text == "--help" || text == "-h") {
        println!("{about}\n\nUsage: {usage}");
        exit(0);
    }
}

/// The command line: positional arguments, all with a default.
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

    /// As if that had not been given.
    pub(crate) fn without(mut self, text: &str) -> Self {
        let left: Vec<_> = self.left.filter(|left| left != text).collect();
        self.left = left.into_iter();
        self
    }

    /// One of these words; the first, if none is given.
    pub(crate) fn choice(&mut self, name: &str, words: &[&'static str]) -> &'static str {
        let Some(text) = self.next() else {
            return words[0];
        };
        match words.iter().find(|word| **word == text) {
            Some(word) => word,
            None => self.refuse(name, &text, &format!("one of: {}", words.join(", "))),
        }
    }

    /// A duration above zero, such as `1ms` or `500us`.
    pub(crate) fn duration(&mut self, name: &str, default: Duration) -> Duration {
        const LONGEST: Duration = Duration::from_secs(86_400 * 365);
        let Some(text) = self.next() else {
            return default;
        };
        match humantime::parse_duration(&text) {
            Ok(Duration::ZERO) => self.refuse(name, &text, "it must not be zero"),
            Ok(duration) if duration > LONGEST => self.refuse(name, &text, "a year at the most"),
            Ok(duration) => duration,
            Err(error) => self.refuse(name, &text, &error.to_string()),
        }
    }

    /// A number above zero.
    pub(crate) fn count(&mut self, name: &str, default: u64) -> u64 {
        match self.next() {
            Some(text) => self.count_of(name, &text),
            None => default,
        }
    }

    /// All that are left, of the same kind.
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
            Ok(0) => self.refuse(name, text, "it must not be zero"),
            Ok(count) => count,
            Err(error) => self.refuse(name, text, &format!("{error}")),
        }
    }

    fn refuse(&self, name: &str, text: &str, why: &str) -> ! {
        fail(&format!("{name} `{text}`: {why}; usage: {}", self.usage));
    }
}

/// How late ticks were.
pub(crate) struct Lateness {
    nanos: Histogram<u64>,
}

impl Lateness {
    pub(crate) fn new() -> Self {
        let nanos = Histogram::new(3).expect("three digits are what it supports");
        Self { nanos }
    }

    pub(crate) fn record(&mut self, late: Duration) {
        let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        // It grows as it must, so there is no value that it refuses.
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
