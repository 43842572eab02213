//! Files: seen to be writable before anything is measured, and written as a whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::{Builder, NamedTempFile};

use crate::args::RunArgs;
use crate::report::{Report, csv, hgrm, html};
use crate::sys;

/// What was asked for.
#[derive(Debug)]
pub struct Files {
    json: Option<PathBuf>,
    csv: Option<PathBuf>,
    hgrm: Option<PathBuf>,
    html: Option<PathBuf>,
}

impl Files {
    /// # Errors
    ///
    /// If one cannot be written, or would be written twice.
    pub fn new(args: &RunArgs) -> Result<Self> {
        let all = [&args.json, &args.csv, &args.hgrm, &args.html];
        let all: Vec<_> = all.into_iter().flatten().collect();
        for (index, path) in all.iter().enumerate() {
            ensure!(
                !all[..index].contains(path),
                "{} is to be two files",
                path.display()
            );
            check(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let [json, csv, hgrm, html] =
            [&args.json, &args.csv, &args.hgrm, &args.html].map(Clone::clone);
        Ok(Self {
            json,
            csv,
            hgrm,
            html,
        })
    }

    /// # Errors
    ///
    /// If one cannot be written after all.
    pub fn write(&self, report: &Report) -> Result<()> {
        let save = |path: &Path, text: &str| {
            write(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
        };
        if let Some(path) = &self.json {
            save(path, &(serde_json::to_string_pretty(report)? + "\n"))?;
        }
        if let Some(path) = &self.csv {
            save(path, &csv::text(report)?)?;
        }
        if let Some(path) = &self.hgrm {
            for timer in &report.timers {
                save(&of_timer(path, &timer.name), &hgrm::text(timer)?)?;
            }
        }
        if let Some(path) = &self.html {
            save(path, &html::page(report)?)?;
        }
        Ok(())
    }
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

/// Whether it could be written.
fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ensure_name(path)?;
            beside(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

fn ensure_name(path: &Path) -> io::Result<()> {
    let named = path.file_name().is_some();
    named
        .then_some(())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file's name"))
}

/// As a whole: under another name first, in the same place. What is no regular file, such as a pipe,
/// has no other name.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|found| !found.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // What a symbolic link leads to is replaced, and not the link.
    let path = if found.is_ok() {
        fs::canonicalize(path)?
    } else {
        path.to_owned()
    };
    let mut file = beside(&path)?;
    file.write_all(bytes)?;
    if let Ok(found) = found {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.persist(path)?;
    Ok(())
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = Builder::new();
    builder.prefix(".ticklab-");
    sys::as_any_other(&mut builder);
    // The name that the user gave is the one to be told, not this one's.
    let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
    file.map_err(|error| error.kind().into())
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

    #[test]
    fn what_is_written_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        check(&path).unwrap();
        assert!(!path.exists());
        for text in ["first, and longer", "second"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_seen_before() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing/report.csv");
        for path in [folder.path(), &missing, Path::new(""), Path::new("/")] {
            assert!(check(path).is_err(), "{}", path.display());
        }
    }
}
