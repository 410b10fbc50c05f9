//! Where templates, values and what is remembered are: beside the directories of definitions, below the same root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use svc_platform::place::Place;

use crate::daemon;

/// The largest template, file of values or configuration file.
pub(crate) const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The directories that matter here.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    root: PathBuf,
    /// `/etc/svc` and its like; the first has the last word.
    bases: Vec<PathBuf>,
    /// What is remembered from one call to the next.
    pub(crate) state: PathBuf,
}

/// A file of an administrator's.
#[derive(Debug)]
pub(crate) struct Trusted {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Places {
    pub(crate) fn new(options: &daemon::Options) -> Self {
        let base = |dir: &PathBuf| dir.parent().map_or_else(|| dir.clone(), Path::to_path_buf);
        Self {
            bases: options.definitions.iter().map(base).collect(),
            state: options.state.join("configure"),
            root: options.root.clone(),
        }
    }

    #[cfg(test)]
    pub(crate) fn bare(root: &Path) -> Self {
        Self { root: root.to_path_buf(), bases: vec![root.join("etc/svc")], state: root.join("state") }
    }

    /// The place of a path as a definition writes it: below the root.
    pub(crate) fn find(&self, path: &Path) -> io::Result<Place> {
        Place::find(&self.root, path)
    }

    /// The file that a path in a definition means.
    pub(crate) fn below(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A path below the root as a definition would write it.
    pub(crate) fn inside<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// A path as messages name it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.display().to_string()
    }

    /// The files of values of every service, each laid over those before it.
    pub(crate) fn values(&self, host: &str, mode: &str) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for base in self.bases.iter().rev() {
            let directory = base.join("values");
            let mut found: Vec<PathBuf> = match fs::read_dir(&directory) {
                Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", directory.display()))),
            };
            found.retain(|path| is_values(path));
            found.sort();
            files.extend(found);
        }
        for (directory, name) in [("host", host), ("mode", mode)] {
            let file = format!("values/{directory}/{name}.toml");
            files.extend(self.bases.iter().rev().map(|base| base.join(&file)));
        }
        Ok(files)
    }

    /// The file of a template: as it is written, or the first of its name in the directories of templates.
    pub(crate) fn template(&self, written: &str) -> io::Result<Trusted> {
        let path = Path::new(written);
        if path.is_absolute() {
            // One that another includes comes with its whole path.
            let is_whole = self.bases.iter().chain([&self.root]).any(|dir| path.starts_with(dir));
            let path = if is_whole { path.to_path_buf() } else { self.below(path) };
            return self.trusted(&path)?.ok_or_else(|| missing(written, "no such file"));
        }
        for base in &self.bases {
            if let Some(found) = self.trusted(&base.join("templates").join(path))? {
                return Ok(found);
            }
        }
        let looked: Vec<String> = self.bases.iter().map(|base| base.join("templates").display().to_string()).collect();
        Err(missing(written, &format!("no such template in {}", looked.join(", "))))
    }

    /// Reads a file that nobody but root or us could have written; `None` if it is not there.
    pub(crate) fn trusted(&self, path: &Path) -> io::Result<Option<Trusted>> {
        let below = path.strip_prefix(&self.root).ok();
        let place = match below {
            Some(below) => Place::find(&self.root, below),
            None => Place::find(Path::new("/"), path),
        };
        let place = match place {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(content) = place.read(TEXT_BYTES_MAX)? else { return Ok(None) };
        if let Err(mistrust) = place.check_owner()? {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, mistrust.to_string()));
        }
        Ok(Some(Trusted { path: place.path(), bytes: content.bytes }))
    }

    /// The mode the machine is in, if a file says so: the first word of `/etc/svc/mode`.
    pub(crate) fn mode(&self) -> io::Result<String> {
        for base in &self.bases {
            if let Some(file) = self.trusted(&base.join("mode"))? {
                let text = String::from_utf8_lossy(&file.bytes).into_owned();
                if let Some(word) = text.split_whitespace().next() {
                    return Ok(word.to_owned());
                }
            }
        }
        Ok("default".to_owned())
    }
}

fn is_values(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension() == Some(OsStr::new("toml"))
}

fn missing(written: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{written}: {why}"))
}
