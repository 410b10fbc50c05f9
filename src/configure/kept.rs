//! The older version of a service's files, kept for `configure --undo`: one file for each service.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use svc_core::Name;
use svc_platform::place::Content;

use super::change::Change;
use super::fault::{ConfigureError, system};
use super::places::Places;

/// What one change replaced, and by what.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) files: Vec<Pair>,
}

/// One file before and after.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// Its path as the definition had it.
    pub(crate) target: String,
    old: Option<Version>,
    new: Option<Version>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Version {
    bytes: Bytes,
    uid: u32,
    gid: u32,
    mode: u32,
}

/// Text where it is text, so that a person can read what is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl Kept {
    /// What these changes replace.
    pub(crate) fn of<'a>(changes: impl Iterator<Item = (&'a str, &'a Change)>) -> Self {
        let pair = |(target, change): (&str, &Change)| Pair {
            target: target.to_owned(),
            old: change.old.as_ref().map(Version::of),
            new: change.new.as_ref().map(Version::of),
        };
        Self { files: changes.map(pair).collect() }
    }

    /// What is kept of this service; `None`: nothing.
    ///
    /// # Errors
    ///
    /// The system's own; a file that is not what we wrote.
    pub(crate) fn read(places: &Places, name: &Name) -> Result<Option<Self>, ConfigureError> {
        let path = Self::path(places, name);
        let reading = system("reading the older version");
        let named = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| reading(named(&error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(reading(named(&error))),
        }
    }

    pub(crate) fn path(places: &Places, name: &Name) -> PathBuf {
        // A name may have dots: what is after the last is ours.
        places.state.join(format!("{name}.kept"))
    }

    /// As it is written.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, ConfigureError> {
        serde_json::to_vec(self).map_err(|error| system("keeping the older version")(io::Error::other(error)))
    }
}

impl Pair {
    pub(crate) fn before(&self) -> Option<Content> {
        self.old.as_ref().map(Version::content)
    }

    pub(crate) fn after(&self) -> Option<Content> {
        self.new.as_ref().map(Version::content)
    }
}

impl Version {
    fn of(content: &Content) -> Self {
        let bytes = match String::from_utf8(content.bytes.clone()) {
            Ok(text) => Bytes::Text(text),
            Err(error) => Bytes::Raw(error.into_bytes()),
        };
        Self { bytes, uid: content.uid, gid: content.gid, mode: content.mode }
    }

    fn content(&self) -> Content {
        let bytes = match &self.bytes {
            Bytes::Text(text) => text.as_bytes().to_vec(),
            Bytes::Raw(bytes) => bytes.clone(),
        };
        Content { bytes, uid: self.uid, gid: self.gid, mode: self.mode }
    }
}
