//! Reports. They are checked to be writable before the run, and written after it.

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

/// The reports that the user asked for.
#[derive(Debug)]
pub struct Files(Vec<Requested>);

#[derive(Debug)]
struct Requested {
    form: Form,
    /// The path as the user gave it.
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Form {
    Json,
    Csv,
    Html,
    Svg,
    /// The histogram of the timer with this name.
    Hgrm(String),
}

impl Files {
    /// Checks that every report can be written, for timers with these names.
    ///
    /// # Errors
    ///
    /// Returns an error if a report cannot be written, or if two reports would go to one place.
    pub fn new(args: &RunArgs, timers: &[String]) -> Result<Self> {
        let single = [
            (&args.json, Form::Json),
            (&args.csv, Form::Csv),
            (&args.html, Form::Html),
            (&args.svg, Form::Svg),
        ];
        let single = single.into_iter();
        let mut requested: Vec<_> = single
            .filter_map(|(path, form)| Some((path.clone()?, form)))
            .collect();
        if let Some(path) = &args.hgrm {
            let path = template(path).with_context(|| cannot_write(path))?;
            let of = |timer: &String| (of_timer(&path, timer), Form::Hgrm(timer.clone()));
            requested.extend(timers.iter().map(of));
        }
        let mut files: Vec<Requested> = Vec::new();
        for (path, form) in requested {
            let place = Place::open(&path).with_context(|| cannot_write(&path))?;
            if let Some(other) = files.iter().find(|other| other.place.is(&place)) {
                let (one, other) = (other.path.display(), path.display());
                bail!("{one} and {other} are the same destination, which takes only one report");
            }
            files.push(Requested { form, path, place });
        }
        Ok(Self(files))
    }

    /// Returns `true` if a report goes to standard output, which then carries nothing else.
    pub fn take_standard_output(&self) -> bool {
        self.0
            .iter()
            .any(|requested| requested.place.is_standard_output())
    }

    /// Writes every report that can be written. Stops waiting for a reader when `stop` returns `true`.
    ///
    /// # Errors
    ///
    /// Returns the first error.
    pub fn write(self, report: &Report, stop: &dyn Fn() -> bool) -> Result<()> {
        let write = |Requested { form, path, place }| {
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

/// Prints `text` to one of the process's own streams. A reader that closes the stream is not an error.
///
/// # Errors
///
/// Returns an error if the stream cannot be written, or if `stop` returns `true` while nobody reads.
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

/// Checks the path of `--hgrm`: a file for each timer goes beside it, so it must be a file or not exist yet.
fn template(path: &Path) -> Result<PathBuf> {
    let found = fs::metadata(path).ok();
    let is_a_file = |found: fs::Metadata| found.is_file() && !sys::is_standard_output(&found);
    ensure!(
        !place::is_dash(path) && path.file_name().is_some() && found.is_none_or(is_a_file),
        "--hgrm writes a file for each timer, so it needs the path of a file"
    );
    if path.is_symlink() {
        // Follow the link, as for any other report: the link's own folder may not be writable.
        return fs::canonicalize(path).context("it is a dangling symbolic link");
    }
    Ok(path.to_owned())
}

/// Inserts the timer's name: `report.hgrm` becomes `report.os.hgrm`.
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
    fn hgrm_names_contain_the_timer() {
        let named = |path| of_timer(Path::new(path), "os");
        assert_eq!(named("report.hgrm"), Path::new("report.os.hgrm"));
        assert_eq!(named("a.b/report"), Path::new("a.b/report.os"));
    }
}
