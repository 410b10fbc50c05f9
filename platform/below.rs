//! Directories below one that is trusted, made and given away without following a link that somebody put there.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};

use crate::sys::because;

/// What the last directory of a path is to look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// Its user and its group; `None`: as it is.
    pub owner: Option<(u32, u32)>,
    /// Its permissions; `None`: as it is.
    pub mode: Option<u32>,
}

/// Makes `base/name`, and what is missing on the way, with permissions 0755, and gives the last directory its looks. No
/// part of `name` is reached through a symbolic link: whoever owns a directory on the way cannot lead us elsewhere.
///
/// # Errors
///
/// `InvalidInput` for a name that leads out of `base`, `NotADirectory` for a part that is a link or no directory, the
/// kernel's own; all with the path.
///
/// Source: openat(2), `O_NOFOLLOW`; mkdirat(2), fchown(2), fchmod(2).
pub fn make_below(base: &Path, name: &Path, looks: Looks) -> io::Result<()> {
    let at_base = |error: io::Error| because(&error, base.display());
    fs::create_dir_all(base).map_err(at_base)?;
    let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut found: OwnedFd = open(base, directory, Mode::empty()).map_err(|errno| at_base(errno.into()))?;
    let mut path = base.to_path_buf();
    for part in name.components() {
        path.push(part);
        let part = match part {
            Component::Normal(part) => part,
            Component::CurDir => continue,
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                let text = format!("{}: it leads out of {}", path.display(), base.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        };
        match mkdirat(&found, part, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(because(&errno.into(), path.display())),
        }
        found = openat(&found, part, directory | OFlag::O_NOFOLLOW, Mode::empty()).map_err(|errno| match errno {
            // Which of them a link gives differs between systems.
            Errno::ENOTDIR | Errno::ELOOP | Errno::EMLINK => {
                let text = format!("{} is a link or no directory; remove it", path.display());
                io::Error::new(io::ErrorKind::NotADirectory, text)
            }
            errno => because(&errno.into(), path.display()),
        })?;
    }
    let found = File::from(found);
    let at_end = |error: io::Error| because(&error, path.display());
    if let Some((uid, gid)) = looks.owner {
        fchown(&found, Some(uid), Some(gid)).map_err(at_end)?;
    }
    if let Some(mode) = looks.mode {
        found.set_permissions(fs::Permissions::from_mode(mode)).map_err(at_end)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn what_is_missing_is_made_and_only_the_last_is_given_its_looks() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("run");
        let looks = Looks { owner: None, mode: Some(0o2710) };
        for _ in 0..2 {
            make_below(&base, Path::new("web/./sub"), looks).unwrap();
        }
        assert_eq!(fs::metadata(base.join("web/sub")).unwrap().mode() & 0o7777, 0o2710);
        assert_eq!(fs::metadata(base.join("web")).unwrap().mode() & 0o7000, 0);
        let error = make_below(&base, Path::new("web/../../out"), looks).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_link_is_not_followed_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let (base, aim) = (dir.path().join("run"), dir.path().join("aim"));
        fs::create_dir_all(base.join("web")).unwrap();
        fs::create_dir(&aim).unwrap();
        fs::set_permissions(&aim, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&aim, base.join("web/sub")).unwrap();
        symlink("nowhere", base.join("web/dangling")).unwrap();
        fs::write(base.join("web/file"), "").unwrap();
        let looks = Looks { owner: None, mode: Some(0o777) };
        let cases = [("web/sub", "sub"), ("web/sub/more", "sub"), ("web/dangling", "dangling"), ("web/file", "file")];
        for (name, last) in cases {
            let error = make_below(&base, Path::new(name), looks).unwrap_err();
            let said = format!("{} is a link or no directory; remove it", base.join("web").join(last).display());
            assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::NotADirectory, said));
        }
        assert_eq!(fs::metadata(&aim).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&aim).unwrap().count(), 0);
        // The trusted one may be a link: /var/run is.
        symlink("run", dir.path().join("link")).unwrap();
        make_below(&dir.path().join("link"), Path::new("other"), looks).unwrap();
        assert!(base.join("other").is_dir());
    }
}
