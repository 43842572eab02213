//! Reports: seen to be writable before anything is measured, and written when it is over.

mod patience;
mod place;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::args::RunArgs;
use crate::report::{Report, csv, hgrm, html, svg};
use crate::sys;
pub use place::Place;

/// What was asked for.
#[derive(Debug)]
pub struct Files(Vec<Wanted>);

#[derive(Debug)]
struct Wanted {
    form: Form,
    /// As the user calls it.
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Form {
    Json,
    Csv,
    Html,
    Svg,
    /// Of the timer with this name.
    Hgrm(String),
}

impl Files {
    /// Of timers with these names.
    ///
    /// # Errors
    ///
    /// If one cannot be written, or two would be written to one place.
    pub fn new(args: &RunArgs, timers: &[String]) -> Result<Self> {
        let single = [
            (&args.json, Form::Json),
            (&args.csv, Form::Csv),
            (&args.html, Form::Html),
            (&args.svg, Form::Svg),
        ];
        let single = single.into_iter();
        let mut wanted: Vec<_> = single
            .filter_map(|(path, form)| Some((path.clone()?, form)))
            .collect();
        if let Some(path) = &args.hgrm {
            let path = template(path).with_context(|| cannot_write(path))?;
            let of = |timer: &String| (of_timer(&path, timer), Form::Hgrm(timer.clone()));
            wanted.extend(timers.iter().map(of));
        }
        let mut files: Vec<Wanted> = Vec::new();
        for (path, form) in wanted {
            let place = Place::open(&path).with_context(|| cannot_write(&path))?;
            if let Some(other) = files.iter().find(|other| other.place.is(&place)) {
                let (one, other) = (other.path.display(), path.display());
                bail!("{one} and {other} lead to one place, where only one report can be");
            }
            files.push(Wanted { form, path, place });
        }
        Ok(Self(files))
    }

    /// Whether there is a report on standard output, which then has no room for anything else.
    pub fn take_standard_output(&self) -> bool {
        self.0
            .iter()
            .any(|wanted| wanted.place.is_standard_output())
    }

    /// All that can be. A reader that does not read is not waited for when `stop` says so.
    ///
    /// # Errors
    ///
    /// What the first that cannot be said, after all.
    pub fn write(self, report: &Report, stop: &dyn Fn() -> bool) -> Result<()> {
        let write = |Wanted { form, path, place }| {
            let text = form.text(report);
            let written = text.and_then(|text| Ok(place.write(text, stop)?));
            written.with_context(|| cannot_write(&path))
        };
        let written: Vec<_> = self.0.into_iter().map(write).collect();
        written.into_iter().collect()
    }
}

impl Form {
    fn text(&self, report: &Report) -> Result<String> {
        match self {
            Self::Json => Ok(serde_json::to_string_pretty(report)? + "\n"),
            Self::Csv => csv::text(report),
            Self::Html => html::page(report),
            Self::Svg => svg::picture(report),
            Self::Hgrm(name) => {
                let mut timers = report.timers.iter();
                let timer = timers.find(|timer| timer.name == *name);
                hgrm::text(timer.context("it was not measured")?)
            }
        }
    }
}

/// Prints it to one of the process's own streams. Whoever reads may have read enough.
///
/// # Errors
///
/// If it cannot be written, or `stop` says so while nobody reads.
pub fn print(
    to: impl Write + Send + 'static,
    text: String,
    stop: &dyn Fn() -> bool,
) -> io::Result<()> {
    match patience::write(to, text, None, stop) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Beside it there is to be a file for each timer: so it is one itself, or nothing yet.
fn template(path: &Path) -> Result<PathBuf> {
    let found = fs::metadata(path).ok();
    let is_a_file = |found: fs::Metadata| found.is_file() && !sys::is_standard_output(&found);
    ensure!(
        !place::is_dash(path) && path.file_name().is_some() && found.is_none_or(is_a_file),
        "--hgrm writes a file for each timer, and this is not the name of a file"
    );
    if path.is_symlink() {
        // Where it leads, as for any other report. The folder of the link may be no place for files.
        return fs::canonicalize(path).context("it is a symbolic link that leads nowhere");
    }
    Ok(path.to_owned())
}

/// `report.hgrm` is `report.os.hgrm`.
fn of_timer(path: &Path, timer: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(timer);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_each_timer() {
        let named = |path| of_timer(Path::new(path), "os");
        assert_eq!(named("report.hgrm"), Path::new("report.os.hgrm"));
        assert_eq!(named("a.b/report"), Path::new("a.b/report.os"));
    }
}
