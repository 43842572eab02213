//! The command line.

use std::str::FromStr;
use std::time::Duration;

use crate::support::{fail, help};

const USAGE: &str = "soak [--minutes MINUTES] [--timers N] [--seed SEED] [--no-stops]";
/// A week.
const MAX_MINUTES: f64 = 7.0 * 24.0 * 60.0;
/// Each timer has a task of a few kilobytes.
const MAX_TIMERS: usize = 1_000_000;

pub(crate) struct Options {
    pub(crate) length: Duration,
    pub(crate) timers: usize,
    pub(crate) seed: u64,
    pub(crate) stops: bool,
}

impl Options {
    pub(crate) fn from_arguments() -> Self {
        help(
            "Runs thousands of timers of every kind for minutes, and checks every tick.",
            USAGE,
        );
        let mut minutes = 10.0;
        let mut timers = 10_000;
        let mut seed = None;
        let mut stops = true;
        let mut arguments = std::env::args_os().skip(1).map(|argument| {
            argument.into_string().unwrap_or_else(|argument| {
                let argument = argument.to_string_lossy();
                fail(&format!("`{argument}` is not UTF-8; usage: {USAGE}"));
            })
        });
        while let Some(option) = arguments.next() {
            match &*option {
                "--minutes" => minutes = value(&option, arguments.next()),
                "--timers" => timers = value(&option, arguments.next()),
                "--seed" => seed = Some(value(&option, arguments.next())),
                "--no-stops" => stops = false,
                _ => fail(&format!("unexpected `{option}`; usage: {USAGE}")),
            }
        }
        if !(minutes > 0.0 && minutes <= MAX_MINUTES) {
            fail(&format!(
                "--minutes must be above 0 and at most {MAX_MINUTES}"
            ));
        }
        if !(1..=MAX_TIMERS).contains(&timers) {
            fail(&format!("--timers must be 1 to {MAX_TIMERS}"));
        }
        Self {
            length: Duration::from_secs_f64(minutes * 60.0),
            timers,
            seed: seed.unwrap_or_else(|| fastrand::u64(..)),
            stops,
        }
    }
}

fn value<T: FromStr<Err: std::fmt::Display>>(option: &str, value: Option<String>) -> T {
    let Some(value) = value else {
        fail(&format!("{option} needs a value; usage: {USAGE}"));
    };
    value
        .parse()
        .unwrap_or_else(|error| fail(&format!("{option} `{value}`: {error}; usage: {USAGE}")))
}
