//! A directory that stands for `/`: paths are looked up below it, links that start with `/` too.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::files;

/// Links that lead to links are followed so far.
const LINKS_MAX: usize = 40;

/// What stands for `/`.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The directory at this path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Whether this is the machine itself, whose processes can be looked at.
    pub fn is_machine(&self) -> bool {
        self.path == Path::new("/")
    }

    /// Its path, to be shown.
    pub fn shown(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The path of the machine as it is from here. The last part may be a link.
    pub fn below(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }

    /// The path from here as the machine has it.
    pub fn within(&self, path: &Path) -> String {
        let inner = path.strip_prefix(&self.path).unwrap_or(path);
        Path::new("/").join(inner).to_string_lossy().into_owned()
    }

    /// Where a path of the machine leads, every link followed inside the root; `None` if there is nothing.
    pub fn resolve(&self, path: &str) -> Option<PathBuf> {
        let mut found = self.path.clone();
        let mut left: Vec<PathBuf> = vec![PathBuf::from(path)];
        let mut links = 0;
        while let Some(next) = left.pop() {
            let mut parts = next.components();
            let Some(part) = parts.next() else { continue };
            left.push(parts.as_path().to_owned());
            match part {
                Component::RootDir => found.clone_from(&self.path),
                Component::ParentDir if found != self.path => drop(found.pop()),
                Component::ParentDir | Component::CurDir | Component::Prefix(_) => {}
                Component::Normal(name) => {
                    found.push(name);
                    let Ok(target) = fs::read_link(&found) else { continue };
                    links += 1;
                    if links > LINKS_MAX {
                        return None;
                    }
                    found.pop();
                    left.push(target);
                }
            }
        }
        found.exists().then_some(found)
    }

    /// Whether there is something at this path of the machine.
    pub fn has(&self, path: &str) -> bool {
        self.resolve(path).is_some()
    }

    /// The text of a file of the machine, if it can be read and is no longer than this.
    pub fn text(&self, path: &str, bytes_max: u64) -> Option<Vec<u8>> {
        files::read_regular(&self.resolve(path)?, bytes_max).ok()
    }

    /// The files in a directory of the machine and in those below it, down to `depth` of them, by name.
    pub fn files(&self, directory: &str, depth: usize) -> Vec<String> {
        let Some(found) = self.resolve(directory) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(found) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let mut files = Vec::new();
        for name in names {
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            match self.resolve(&path) {
                Some(found) if found.is_dir() && depth > 0 => files.extend(self.files(&path, depth - 1)),
                Some(found) if found.is_dir() => {}
                Some(_) => files.push(path),
                None => {}
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_inside_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        fs::create_dir_all(folder.path().join("usr/bin")).unwrap();
        fs::write(folder.path().join("usr/bin/dash"), "").unwrap();
        symlink("usr/bin", folder.path().join("bin")).unwrap();
        symlink("/bin/dash", folder.path().join("usr/bin/sh")).unwrap();
        symlink("../../../../etc/passwd", folder.path().join("usr/out")).unwrap();
        symlink("round", folder.path().join("round")).unwrap();
        assert_eq!(root.resolve("/bin/sh"), Some(folder.path().join("usr/bin/dash")));
        for nothing in ["/usr/out", "/round", "/usr/bin/bash"] {
            assert_eq!(root.resolve(nothing), None, "{nothing}");
        }
        assert_eq!(root.within(&folder.path().join("usr/bin")), "/usr/bin");
    }
}
