//! The files of the machine that a script is for, below a root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svc_compat::play::Machine;

use svc_platform::root::Root;

/// A text longer than this is not read.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The files below a root.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Root,
    partial: bool,
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

    /// Where a path of the machine is from here, links followed.
    pub fn find(&self, path: &str) -> Option<PathBuf> {
        self.root.resolve(path)
    }

    /// A path from here as the machine has it.
    pub fn within(&self, path: &Path) -> String {
        self.root.within(path)
    }

    fn meta(&self, path: &str) -> Option<fs::Metadata> {
        fs::metadata(self.find(path)?).ok()
    }
}

impl Machine for Tree {
    fn is_partial(&self) -> bool {
        self.partial
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.root.text(path, TEXT_BYTES_MAX)
    }

    fn real(&self, path: &str) -> Option<String> {
        self.find(path).map(|found| self.within(&found))
    }

    fn is_directory(&self, path: &str) -> bool {
        self.meta(path).is_some_and(|found| found.is_dir())
    }

    fn is_file(&self, path: &str) -> bool {
        self.meta(path).is_some_and(|found| found.is_file())
    }

    fn is_program(&self, path: &str) -> bool {
        self.meta(path).is_some_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    }

    fn has_text(&self, path: &str) -> bool {
        self.meta(path).is_some_and(|found| found.len() > 0)
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let Some(found) = self.find(directory) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(found) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}
