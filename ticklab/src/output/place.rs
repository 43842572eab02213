//! Destinations of reports. What a path leads to decides, not its name: a file in `/dev/shm` is a file, and
//! `/dev/stdout` may be a file, a pipe or a terminal.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf, is_separator};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::{Builder, NamedTempFile};

use super::patience::{self, Patience};
use crate::sys;

/// The reader of a pipe may start after the writer.
const FOR_A_READER: Patience = Patience {
    limit: Duration::from_secs(10),
    over: "no reader has opened the pipe within 10 s",
};
/// The reader of a named pipe is usually a program.
const FOR_READING: Patience = Patience {
    limit: Duration::from_secs(60),
    over: "the reader has read nothing for 60 s",
};

/// A destination.
#[derive(Debug)]
pub struct Place {
    kind: Kind,
    identity: Identity,
}

#[derive(Debug)]
enum Kind {
    StandardOutput,
    /// A file, which may not exist yet. The path contains no link.
    File(PathBuf),
    /// An unnamed file, a pipe or a device. A pipe's reader waits as long as this is open.
    Open(File),
}

/// Equal for two names of one place.
#[derive(Debug, PartialEq)]
enum Identity {
    StandardOutput,
    File(sys::FileId),
    /// The path of a file that does not exist yet.
    Path(PathBuf),
}

/// `-` is the name of standard output, as in most programs.
pub fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Place {
    /// Opens the place that `path` leads to, and checks that it is writable. Changes nothing there and leaves
    /// nothing behind.
    pub fn open(path: &Path) -> Result<Self> {
        if is_dash(path) {
            return Ok(Self::standard_output());
        }
        match fs::metadata(path) {
            // Standard output may be impossible to reopen: a socket, or another user's terminal.
            Ok(found) if sys::is_standard_output(&found) => Ok(Self::standard_output()),
            Ok(found) if found.is_dir() => bail!("it is a folder"),
            Ok(_) => Self::existing(path),
            Err(error) if is_absent(&error) => Self::absent(path),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let folder = folder(path).display();
                Err(error).with_context(|| format!("cannot access {folder}"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns `true` if both are the same place.
    pub fn is(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    /// Returns `true` for this process's standard output.
    pub fn is_standard_output(&self) -> bool {
        self.identity == Identity::StandardOutput
    }

    fn standard_output() -> Self {
        Self {
            kind: Kind::StandardOutput,
            identity: Identity::StandardOutput,
        }
    }

    fn existing(path: &Path) -> Result<Self> {
        let opened = path.to_owned();
        let open = move |_: &dyn Fn()| OpenOptions::new().write(true).open(opened);
        let file = patience::wait(Some(FOR_A_READER), &|| false, open)?;
        let found = file.metadata()?;
        if sys::is_standard_output(&found) {
            return Ok(Self::standard_output());
        }
        let name = if found.is_file() {
            name_of(path, &found)
        } else {
            None
        };
        Ok(Self {
            kind: name.map_or(Kind::Open(file), Kind::File),
            identity: Identity::File(sys::file_id(path, &found)),
        })
    }

    fn absent(path: &Path) -> Result<Self> {
        // ticklab does not create what a dangling link points to.
        ensure!(!path.is_symlink(), "it is a dangling symbolic link");
        // A trailing separator makes the path a folder's name, which std ignores.
        let last = path.as_os_str().as_encoded_bytes().last();
        let of_folder = last.is_some_and(|last| is_separator(char::from(*last)));
        ensure!(!of_folder, "the folder {} does not exist", path.display());
        let name = path.file_name().context("it is not the path of a file")?;
        let folder = folder(path);
        ensure!(
            folder.is_dir(),
            "the folder {} does not exist",
            folder.display()
        );
        beside(path).with_context(|| format!("cannot create a file in {}", folder.display()))?;
        let path = fs::canonicalize(folder)?.join(name);
        Ok(Self {
            identity: Identity::Path(path.clone()),
            kind: Kind::File(path),
        })
    }

    /// Replaces a file, or appends to a stream.
    pub fn write(self, text: String, stop: &dyn Fn() -> bool) -> io::Result<()> {
        match self.kind {
            Kind::StandardOutput => super::print(io::stdout(), text, stop),
            Kind::File(path) => save(&path, text.as_bytes()),
            Kind::Open(file) if file.metadata()?.is_file() => overwrite(file, text.as_bytes()),
            Kind::Open(file) => patience::write(file, text, Some(FOR_READING), stop),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind())
}

/// Returns the name by which the file can be replaced. A link of `/proc` may lead to a file without a name.
fn name_of(path: &Path, found: &Metadata) -> Option<PathBuf> {
    let name = fs::canonicalize(path).ok()?;
    let named = fs::metadata(&name).ok()?;
    (sys::file_id(&name, &named) == sys::file_id(path, found)).then_some(name)
}

/// Writes a file under another name first and then renames it. Writes in place if the folder does not allow
/// that, or if the new file would differ in more than its content.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path).ok().filter(Metadata::is_file);
    match (beside(path), old) {
        (Ok(mut new), None) => {
            new.write_all(bytes)?;
            new.persist(path)?;
        }
        (Ok(mut new), Some(old)) if sys::can_replace(&old, &new.as_file().metadata()?) => {
            new.write_all(bytes)?;
            let alike = new.as_file().set_permissions(old.permissions());
            // A file that is a mount point cannot be replaced.
            if alike.is_err() || new.persist(path).is_err() {
                return overwrite(OpenOptions::new().write(true).open(path)?, bytes);
            }
        }
        (_, Some(_)) => return overwrite(OpenOptions::new().write(true).open(path)?, bytes),
        (Err(error), None) => return Err(error),
    }
    Ok(())
}

/// Empties the file if it cannot be written in full, because half a report could be mistaken for a whole one.
fn overwrite(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    let written = file.write_all(bytes);
    written.inspect_err(|_| drop(file.set_len(0)))
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
    sys::with_default_mode(&mut builder);
    // The error must name the user's path, not the temporary file.
    let file = builder.tempfile_in(folder(path));
    file.map_err(|error| error.kind().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        let place = Place::open(path).unwrap();
        place.write(text.to_owned(), &|| false).unwrap();
    }

    #[test]
    fn report_replaces_a_file_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        Place::open(&path).unwrap();
        assert!(!path.exists());
        for text in ["first, and longer", "second"] {
            write(&path, text);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_paths_to_one_file_have_one_identity() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| Place::open(&folder.path().join(name)).unwrap();
        assert!(place("a").is(&place("./a")));
        assert!(!place("a").is(&place("b")));
        fs::write(folder.path().join("a"), "").unwrap();
        fs::write(folder.path().join("b"), "").unwrap();
        assert!(place("a").is(&place("./a")));
        assert!(!place("a").is(&place("b")));
    }

    #[test]
    fn unwritable_destinations_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let said = |path: &Path| Place::open(path).unwrap_err().to_string();
        assert_eq!(
            said(&missing.join("report.csv")),
            format!("the folder {} does not exist", missing.display())
        );
        assert_eq!(
            said(&missing.join("")),
            format!("the folder {} does not exist", missing.join("").display())
        );
        assert_eq!(said(folder.path()), "it is a folder");
        assert_eq!(said(Path::new("/")), "it is a folder");
        assert_eq!(said(Path::new("")), "it is not the path of a file");
    }
}
