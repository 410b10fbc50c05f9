//! Trees copied into memory, where the kernel would not lay them over a root as they are.
//!
//! A tree within the base has to be hidden behind one more overlay before it can lie over it, and the kernel stacks two
//! overlays at most: over a root that is an overlay already, as in a container, there is no room for the second. A copy
//! in memory is no part of the base, and needs none.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};

use crate::sandbox::Failure;

/// What every mount of the sandbox has: nobody becomes another by a file in it, and no file is a device.
pub(super) const PLAIN: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);
/// How much may be copied for one place, in bytes; memory that is not used is not taken.
const COPIED_MAX: u64 = 1024 * 1024 * 1024;
/// So deep directories lie in one another at most.
const DEPTH_MAX: usize = 128;

/// Whether what is there is an overlay.
pub(super) fn is_overlay(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == OVERLAYFS_SUPER_MAGIC)
}

/// The room in which copies are put; made when the first is.
#[derive(Debug)]
pub(super) struct Copies {
    room: PathBuf,
    /// What was copied, by its name.
    pub(super) copied: Vec<String>,
}

impl Copies {
    /// Below this directory, which has to be there.
    pub(super) fn new(bench: &Path) -> Self {
        Self { room: bench.join("copies"), copied: Vec::new() }
    }

    /// Copies a tree, which is told by this name.
    pub(super) fn copy(&mut self, from: &Path, name: &str) -> Result<PathBuf, Failure> {
        let fault =
            |error: io::Error| Failure::at(format!("copying {name}, as this root is an overlay already"), error);
        if self.copied.is_empty() {
            let options = format!("mode=0755,size={COPIED_MAX}");
            DirBuilder::new().mode(0o755).create(&self.room).map_err(fault)?;
            mount(Some("svc"), &self.room, Some("tmpfs"), PLAIN, Some(options.as_str()))
                .map_err(|errno| fault(errno.into()))?;
        }
        let to = self.room.join(self.copied.len().to_string());
        copy(from, &to).map_err(fault)?;
        self.copied.push(name.to_owned());
        Ok(to)
    }
}

/// Copies directories, files and links with their owners and permissions.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut waiting = vec![(from.to_path_buf(), to.to_path_buf(), 0)];
    while let Some((from, to, depth)) = waiting.pop() {
        let found = if depth == 0 { fs::metadata(&from)? } else { fs::symlink_metadata(&from)? };
        let kind = found.file_type();
        if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
            lchown(&to, Some(found.uid()), Some(found.gid()))?;
            continue;
        }
        if kind.is_dir() && depth < DEPTH_MAX {
            DirBuilder::new().create(&to)?;
            for entry in fs::read_dir(&from)? {
                let entry = entry?;
                waiting.push((entry.path(), to.join(entry.file_name()), depth + 1));
            }
        } else if kind.is_file() {
            fs::copy(&from, &to)?;
        } else {
            // No package has devices, fifos or sockets in it.
            continue;
        }
        chown(&to, Some(found.uid()), Some(found.gid()))?;
        // After the owner: a change of it takes the bits away that make a program somebody else's.
        fs::set_permissions(&to, fs::Permissions::from_mode(found.mode() & 0o7777))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_files_the_links_and_the_permissions_and_no_fifo() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("usr/sbin")).unwrap();
        fs::write(from.join("usr/sbin/daemon"), "text").unwrap();
        fs::set_permissions(from.join("usr/sbin/daemon"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("nowhere", from.join("usr/link")).unwrap();
        nix::unistd::mkfifo(&from.join("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("usr/sbin/daemon")).unwrap(), b"text");
        assert_eq!(fs::metadata(to.join("usr/sbin/daemon")).unwrap().mode() & 0o7777, 0o750);
        assert_eq!(fs::read_link(to.join("usr/link")).unwrap(), Path::new("nowhere"));
        assert!(fs::symlink_metadata(to.join("fifo")).is_err());
    }
}
