//! What a script wrote, by what lies over the file systems afterwards.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use svc_platform::files;
use svc_platform::sandbox::{self, Furnished, OURS};

use super::report::Made;

/// Files up to this size are compared byte by byte.
const COMPARED_MAX: u64 = 16 * 1024 * 1024;
/// So many entries are told of.
const MADE_MAX: usize = 10_000;

/// What was made, and what was removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) made: Vec<Made>,
    pub(super) removed: Vec<String>,
}

/// Looks for everything that differs from before, but for what is `ours`.
pub(super) fn find(furnished: &Furnished, ours: &BTreeSet<PathBuf>) -> Changes {
    let mut changes = Changes::default();
    for place in &furnished.places {
        let upper = sandbox::reach(place.upper.as_fd());
        let lowers: Vec<PathBuf> = place.lowers.iter().map(|lower| sandbox::reach(lower.as_fd())).collect();
        let walk = Walk { upper, lowers, path: place.path.clone(), ours };
        walk.through(&mut changes);
    }
    // What lives as long as the machine is up begins empty but for these.
    for path in ["/run", "/tmp"] {
        let walk = Walk { upper: path.into(), lowers: Vec::new(), path: path.into(), ours };
        walk.through(&mut changes);
    }
    changes.made.sort_by(|one, other| one.path.cmp(&other.path));
    changes.removed.sort();
    changes
}

/// Directories that are there before any script begins.
const FURNITURE: [&str; 2] = ["/run/lock", "/run/lock/lsb"];
/// Where something else is mounted.
const PRIVATE: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];

struct Walk<'a> {
    upper: PathBuf,
    lowers: Vec<PathBuf>,
    path: PathBuf,
    ours: &'a BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn through(&self, changes: &mut Changes) {
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(self.upper.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let below = folder.join(entry.file_name());
                let path = self.path.join(&below);
                let is_private = self.path == Path::new("/") && PRIVATE.iter().any(|other| path == Path::new(other));
                let is_furniture = FURNITURE.iter().any(|other| path == Path::new(other));
                if is_private || path == Path::new(OURS) || changes.made.len() >= MADE_MAX {
                    continue;
                }
                let Ok(found) = fs::symlink_metadata(self.upper.join(&below)) else { continue };
                if found.is_dir() {
                    folders.push(below.clone());
                }
                if !is_furniture && !self.ours.contains(&path) {
                    self.entry(&below, &path, &found, changes);
                }
            }
        }
    }

    fn entry(&self, below: &Path, path: &Path, found: &Metadata, changes: &mut Changes) {
        let shown = path.display().to_string();
        if found.file_type().is_char_device() && found.rdev() == 0 {
            changes.removed.push(shown);
            return;
        }
        let before =
            self.lowers.iter().map(|lower| lower.join(below)).find(|lower| fs::symlink_metadata(lower).is_ok());
        let was = before.as_deref().and_then(|before| fs::symlink_metadata(before).ok());
        let same_set_up = was
            .as_ref()
            .is_some_and(|was| (was.uid(), was.gid(), was.mode()) == (found.uid(), found.gid(), found.mode()));
        let same_content = before.as_deref().is_some_and(|before| same(before, &self.upper.join(below), found));
        // A directory lies there also when only something in it changed.
        if same_set_up && same_content {
            return;
        }
        let kind = found.file_type();
        changes.made.push(Made {
            path: shown,
            kind: match () {
                () if kind.is_dir() => "directory",
                () if kind.is_symlink() => "link",
                () if kind.is_fifo() => "fifo",
                () if kind.is_socket() => "socket",
                () if kind.is_file() => "file",
                () => "device",
            }
            .to_owned(),
            owner: super::recorder::name_of(found.uid()),
            group: super::recorder::group_of(found.gid()),
            mode: found.mode() & 0o7777,
            target: fs::read_link(self.upper.join(below)).ok().map(|target| target.display().to_string()),
            was_there: was.is_some(),
            only_metadata: was.is_some() && same_content,
        });
    }
}

fn same(before: &Path, after: &Path, found: &Metadata) -> bool {
    let Ok(was) = fs::symlink_metadata(before) else { return false };
    if was.file_type() != found.file_type() {
        return false;
    }
    if found.is_symlink() {
        return fs::read_link(before).ok() == fs::read_link(after).ok();
    }
    if !found.is_file() {
        return true;
    }
    let text = |path: &Path| files::read_regular(path, COMPARED_MAX).ok();
    was.len() == found.len() && text(before).is_some_and(|before| Some(before) == text(after))
}
