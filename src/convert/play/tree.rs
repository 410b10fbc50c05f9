//! The files of the machine that a script is for, below a root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::migrate::root::Root;

/// A text longer than this is not read.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The files below a root.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Root,
    /// The machine is only unpacked packages: what is missing there may well be on the machine.
    pub partial: bool,
}

impl Tree {
    /// The machine itself, or an image of one.
    pub fn new(root: &Path) -> Self {
        Self { root: Root::new(root), partial: false }
    }

    /// Unpacked packages, without the system around them.
    pub fn partial(root: &Path) -> Self {
        Self { root: Root::new(root), partial: true }
    }

    /// Whether it is the machine we run on.
    pub fn is_machine(&self) -> bool {
        self.root.is_machine()
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.root.text(path, TEXT_BYTES_MAX)
    }

    /// Where a path of the machine is from here, links followed.
    pub fn find(&self, path: &str) -> Option<PathBuf> {
        self.root.resolve(path)
    }

    /// A path from here as the machine has it.
    pub fn within(&self, path: &Path) -> String {
        self.root.within(path)
    }

    pub(super) fn is_directory(&self, path: &str) -> bool {
        self.find(path).is_some_and(|found| found.is_dir())
    }

    pub(super) fn is_file(&self, path: &str) -> bool {
        self.find(path).is_some_and(|found| found.is_file())
    }

    pub(super) fn is_program(&self, path: &str) -> bool {
        let found = self.find(path).and_then(|found| fs::metadata(found).ok());
        found.is_some_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    }

    pub(super) fn has_text(&self, path: &str) -> bool {
        let found = self.find(path).and_then(|found| fs::metadata(found).ok());
        found.is_some_and(|found| found.len() > 0)
    }

    /// The names in a directory, sorted; hidden ones left out.
    pub fn list(&self, directory: &str) -> Vec<String> {
        let Some(found) = self.find(directory) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(found) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// The path of a program that is called by its name.
    pub fn program(&self, name: &str) -> Option<String> {
        let places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        places.iter().map(|place| format!("{place}/{name}")).find(|path| self.is_program(path))
    }
}
