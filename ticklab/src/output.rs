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
    /// Of timers with these names.
    ///
    /// # Errors
    ///
    /// If one cannot be written, or would be written twice.
    pub fn new(args: &RunArgs, timers: &[String]) -> Result<Self> {
        let [json, csv, hgrm, html] =
            [&args.json, &args.csv, &args.hgrm, &args.html].map(Clone::clone);
        let files = Self {
            json,
            csv,
            hgrm,
            html,
        };
        let mut taken = Vec::new();
        for path in files.paths(timers) {
            let place = check(&path).with_context(|| cannot_write(&path))?;
            ensure!(
                !taken.contains(&place),
                "{} is to be two files",
                path.display()
            );
            taken.push(place);
        }
        Ok(files)
    }

    fn paths(&self, timers: &[String]) -> Vec<PathBuf> {
        let hgrm = self.hgrm.iter();
        let hgrm = hgrm.flat_map(|path| timers.iter().map(|timer| of_timer(path, timer)));
        let single = [&self.json, &self.csv, &self.html]
            .into_iter()
            .flatten()
            .cloned();
        single.chain(hgrm).collect()
    }

    /// All that can be.
    ///
    /// # Errors
    ///
    /// What the first that cannot be said, after all.
    pub fn write(&self, report: &Report) -> Result<()> {
        let save = |path: &Path, text: Result<String>| {
            let written = text.and_then(|text| Ok(write(path, text.as_bytes())?));
            written.with_context(|| cannot_write(path))
        };
        let mut written = Vec::new();
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(report);
            written.push(save(path, Ok(text? + "\n")));
        }
        if let Some(path) = &self.csv {
            written.push(save(path, csv::text(report)));
        }
        if let Some(path) = &self.hgrm {
            for timer in &report.timers {
                written.push(save(&of_timer(path, &timer.name), hgrm::text(timer)));
            }
        }
        if let Some(path) = &self.html {
            written.push(save(path, html::page(report)));
        }
        written.into_iter().collect()
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
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

/// Whether it could be written; and where, by whatever names it is called.
fn check(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(found) if !is_replaced(path, &found) => Ok(path.to_owned()),
        Ok(_) => {
            OpenOptions::new().append(true).open(path)?;
            let path = fs::canonicalize(path)?;
            beside(&path)?;
            Ok(path)
        }
        // A symbolic link that leads nowhere is not for us to follow.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            let not_a_name = || io::Error::new(io::ErrorKind::InvalidInput, "not a file's name");
            let name = path.file_name().ok_or_else(not_a_name)?;
            beside(path)?;
            Ok(fs::canonicalize(folder(path))?.join(name))
        }
        Err(error) => Err(error),
    }
}

/// What is no regular file, such as a pipe, is written to; and so is what stands for a stream of this
/// process.
fn is_replaced(path: &Path, found: &fs::Metadata) -> bool {
    found.is_file() && !path.starts_with("/dev")
}

/// As a whole: under another name first, in the same place.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|found| !is_replaced(path, found)) {
        return OpenOptions::new().append(true).open(path)?.write_all(bytes);
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

fn folder(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".ticklab-");
    sys::as_any_other(&mut builder);
    // The name that the user gave is the one to be told, not this one's.
    let file = builder.tempfile_in(folder(path));
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
    fn one_place_has_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| check(&folder.path().join(name)).unwrap();
        assert_eq!(name("a"), name("./a"));
        assert_ne!(name("a"), name("b"));
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
