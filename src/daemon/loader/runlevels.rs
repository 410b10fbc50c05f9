//! OpenRC's runlevels: a directory of links each; a boot goes through three of them, one after the other.
//!
//! Source: openrc(8), rc-update(8).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use svc_compat::runlevel::{BOOT, DIRECTORY, SYSINIT, work};
use svc_platform::files;

use super::FILE_BYTES_MAX;
use super::stages::Stage;

/// So deep runlevels are stacked on one another at most.
const STACKED_MAX: usize = 8;

/// The runlevels of a boot, and who is in them.
#[derive(Debug)]
pub(crate) struct Runlevels {
    directory: PathBuf,
    /// The name of the one for work.
    work: String,
    links: BTreeMap<String, Vec<(Stage, PathBuf)>>,
}

impl Runlevels {
    /// Reads those below this root; `None` where OpenRC has none.
    pub(crate) fn read(root: &Path) -> Option<Self> {
        let directory = root.join(DIRECTORY.trim_start_matches('/'));
        if !directory.is_dir() {
            return None;
        }
        let rc_conf = files::read_regular(&root.join("etc/rc.conf"), FILE_BYTES_MAX).unwrap_or_default();
        let mut read = Self { directory, work: work(&rc_conf), links: BTreeMap::new() };
        for (level, stage) in [(SYSINIT, Stage::System), (BOOT, Stage::Boot), (&*read.work.clone(), Stage::Work)] {
            read.level(&read.directory.join(level), stage, STACKED_MAX);
        }
        Some(read)
    }

    fn level(&mut self, level: &Path, stage: Stage, left: usize) {
        for entry in fs::read_dir(level).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else { continue };
            if path.is_dir() {
                // A runlevel that is stacked on this one.
                if left > 0 {
                    self.level(&path, stage, left - 1);
                }
            } else if path.is_symlink() {
                self.links.entry(name).or_default().push((stage, path));
            }
        }
    }

    /// The links that have a boot start a script, those of the earliest stage first.
    pub(crate) fn of(&self, script: &str) -> &[(Stage, PathBuf)] {
        self.links.get(script).map_or(&[], Vec::as_slice)
    }

    /// The name of the one for work.
    pub(crate) fn work(&self) -> &str {
        &self.work
    }

    /// Where a link would have the machine start this script for work.
    pub(crate) fn place(&self, script: &str) -> PathBuf {
        self.directory.join(&self.work).join(script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_boot_goes_through_three_and_what_is_stacked_on_the_last() {
        let root = tempfile::tempdir().unwrap();
        assert!(Runlevels::read(root.path()).is_none());
        let levels = root.path().join("etc/runlevels");
        for (level, script) in
            [("sysinit", "dmesg"), ("boot", "hostname"), ("office", "web"), ("base", "ssh"), ("shutdown", "killprocs")]
        {
            fs::create_dir_all(levels.join(level)).unwrap();
            symlink(format!("/etc/init.d/{script}"), levels.join(level).join(script)).unwrap();
        }
        fs::write(levels.join("boot/README"), "").unwrap();
        symlink("../base", levels.join("office/base")).unwrap();
        symlink("../office", levels.join("base/office")).unwrap();
        fs::write(root.path().join("etc/rc.conf"), "rc_default_runlevel=\"office\"\n").unwrap();
        let read = Runlevels::read(root.path()).unwrap();
        let stage = |script: &str| read.of(script).first().map(|(stage, _)| *stage);
        assert_eq!(stage("dmesg"), Some(Stage::System));
        assert_eq!(stage("hostname"), Some(Stage::Boot));
        assert_eq!((stage("web"), stage("ssh")), (Some(Stage::Work), Some(Stage::Work)));
        assert_eq!((stage("killprocs"), stage("README"), stage("none")), (None, None, None));
        assert_eq!(read.place("new"), levels.join("office/new"));
    }
}
