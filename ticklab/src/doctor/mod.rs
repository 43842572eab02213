//! `ticklab doctor`: lists what makes timers late on this machine, and the remedies.

mod checks;
mod facts;

use std::io::{self, Write};

use anyhow::Result;

use crate::{PROBLEM, SUCCESS, terminal};
use checks::{CHECKS, Finding};
use facts::Facts;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// Prints the findings.
///
/// # Errors
///
/// Returns an error if standard output cannot be written.
pub fn run() -> Result<u8> {
    let facts = Facts::read();
    let width = terminal::width().map_or(WIDEST, |width| width.min(WIDEST));
    match write(&facts, width, &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error)?,
        _ => {}
    }
    let is_problem = CHECKS
        .iter()
        .filter_map(|check| (check.wrong)(&facts))
        .any(|finding| finding.is_problem);
    Ok(if is_problem { PROBLEM } else { SUCCESS })
}

fn write(facts: &Facts, width: usize, out: &mut impl Write) -> io::Result<()> {
    let (mut fine, mut unknown) = (Vec::new(), Vec::new());
    for check in &CHECKS {
        match ((check.wrong)(facts), (check.seen)(facts)) {
            (Some(finding), _) => describe(&finding, width, out)?,
            (None, Some(seen)) => fine.push(format!("{} ({seen})", check.subject)),
            (None, None) => unknown.push(check.subject),
        }
    }
    if !fine.is_empty() {
        paragraph(out, width, "No problem with: ", &fine.join(", "))?;
    }
    if !unknown.is_empty() {
        paragraph(out, width, "Unknown: ", &unknown.join(", "))?;
    }
    Ok(())
}

fn describe(finding: &Finding, width: usize, out: &mut impl Write) -> io::Result<()> {
    let kind = if finding.is_problem {
        "Problem: "
    } else {
        "Note: "
    };
    paragraph(out, width, kind, &finding.what)?;
    paragraph(out, width, "  why:  ", finding.why)?;
    paragraph(out, width, "  fix:  ", finding.fix)?;
    writeln!(out)
}

/// Writes lines of at most `width` characters. The second and later lines are indented to the first one's
/// text.
fn paragraph(out: &mut impl Write, width: usize, head: &str, text: &str) -> io::Result<()> {
    let indent = if head.starts_with(' ') { head.len() } else { 2 };
    let (mut line, mut empty) = (head.to_owned(), true);
    for word in text.split(' ') {
        if !empty && line.chars().count() + word.chars().count() > width {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent);
        }
        line.push_str(word);
        line.push(' ');
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_listed() {
        let mut facts = Facts::default();
        facts.machine.clock_source = Some("hpet".to_owned());
        facts.open_files = Some(4096);
        let mut out = Vec::new();
        write(&facts, WIDEST, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("Problem: The clock source is hpet\n  why:  A slow source"),
            "{text}"
        );
        assert!(
            text.contains("\nNo problem with: open files (at most 4096)\n"),
            "{text}"
        );
        assert!(
            text.contains("\nUnknown: clock resolution, governor"),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDEST),
            "{text}"
        );
        let mut narrow = Vec::new();
        write(&facts, 40, &mut narrow).unwrap();
        let narrow = String::from_utf8(narrow).unwrap();
        let widest = narrow.lines().map(|line| line.chars().count()).max();
        // A path in one of the remedies is longer than the width.
        assert!(widest < Some(90), "{narrow}");
        assert!(narrow.split_whitespace().eq(text.split_whitespace()));
    }
}
