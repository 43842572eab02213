//! The files in which a kernel reports its state. A missing file is not an error.

use std::fs;
use std::path::PathBuf;

/// The root of the files.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Opens this machine's files.
    pub fn of_this_machine() -> Self {
        Self { root: "/".into() }
    }

    /// Opens the files of a made-up machine.
    #[cfg(test)]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the text of a file, unless it is missing or empty.
    pub fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Returns the number in a file.
    pub fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// Returns the names in a folder that start with `beginning`, sorted.
    pub fn names(&self, folder: &str, beginning: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(folder))
            .into_iter()
            .flatten()
            .flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(beginning)).collect();
        names.sort();
        names
    }
}
