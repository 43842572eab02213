//! Measures how late your timers are on this machine.

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

/// Exit code: no problem.
const SUCCESS: u8 = 0;
/// Exit code: the command ran and found a problem.
const PROBLEM: u8 = 1;
/// Exit code: the command could not run.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let done = Args::try_parse()
        .map_err(|error| refuse(&error))
        .and_then(|args| match args.command {
            Command::Run(args) => run::run(&args),
            Command::Compare(args) => compare::run(&args),
            Command::Doctor => doctor::run(),
            Command::Cost(args) => cost::run(&args),
            Command::Machine => describe_machine(),
            Command::Tick(args) => run::tick(args),
        });
    ExitCode::from(done.unwrap_or_else(|refusal| {
        complain(&refusal);
        REFUSED
    }))
}

/// `ticklab machine`: prints the machine and its system.
fn describe_machine() -> anyhow::Result<u8> {
    let words = machine::Machine::read().describe() + "\n";
    output::print(io::stdout(), words, &|| false)?;
    Ok(SUCCESS)
}

/// Prints the error. If that fails, the exit code still reports it.
fn complain(error: &anyhow::Error) {
    let said = printable::printable(&format!("{error:#}"));
    let _ = writeln!(io::stderr(), "error: {said}");
}

/// Turns clap's error into one line. Prints at once what is not an error, such as `--help`.
fn refuse(error: &clap::Error) -> anyhow::Error {
    if !error.use_stderr() {
        error.exit();
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return anyhow::anyhow!("missing command: run, compare or doctor (see --help)");
    }
    let text = error.to_string();
    let mut parts = text.split("\n\n");
    let words: Vec<_> = parts
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let what = words.join(" ");
    let what = what.trim_start_matches("error: ");
    let tip = parts.find_map(|part| part.trim().strip_prefix("tip: "));
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            anyhow::anyhow!("{what} ({})", tip.unwrap_or("see --help"))
        }
        _ => anyhow::anyhow!("{what}"),
    }
}
