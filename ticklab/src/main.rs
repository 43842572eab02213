//! See what your timers really do on this machine.

mod args;
mod choice;
mod compare;
mod cost;
mod doctor;
mod machine;
mod measure;
mod output;
mod plan;
mod plot;
mod printable;
mod progress;
mod report;
mod run;
mod sys;
mod terminal;
mod timers;
mod units;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Args, Command};

/// Nothing to complain of.
const FINE: u8 = 0;
/// It ran, and what it found is not fine.
const FOUND: u8 = 1;
/// It could not do what was asked for.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let done = Args::try_parse()
        .map_err(|error| refuse(&error))
        .and_then(|args| match args.command {
            Command::Run(args) => run::run(&args),
            Command::Compare(args) => compare::run(&args),
            Command::Doctor => doctor::run(),
            Command::Cost(args) => cost::run(&args),
            Command::Machine => machine::run(),
            Command::Tick(args) => run::tick(args),
        });
    ExitCode::from(done.unwrap_or_else(|refusal| {
        complain(&refusal);
        REFUSED
    }))
}

/// Where it cannot be said, the exit code says it.
fn complain(error: &anyhow::Error) {
    let said = printable::printable(&format!("{error:#}"));
    let _ = writeln!(io::stderr(), "error: {said}");
}

/// One line says it. What is no refusal, as `--help`, is printed at once.
fn refuse(error: &clap::Error) -> anyhow::Error {
    if !error.use_stderr() {
        error.exit();
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return anyhow::anyhow!("a command is missing: run, compare or doctor (see --help)");
    }
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = what.split_whitespace().collect();
    anyhow::anyhow!("{}", words.join(" ").trim_start_matches("error: "))
}
