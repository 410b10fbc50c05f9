//! What is compared: for each command, worlds it may find and calls it may get.

mod initd;
mod invoke;
mod openrc;
mod redhat;
mod service;
mod update;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::random::Random;
use crate::roots::Answer;

/// Where our program stands for the originals.
pub(crate) const COMMANDS: &[&str] = &[
    "/usr/sbin/service",
    "/usr/sbin/invoke-rc.d",
    "/usr/sbin/update-rc.d",
    "/usr/sbin/rc-service",
    "/usr/sbin/rc-update",
    "/usr/bin/rc-status",
    "/usr/sbin/chkconfig",
    "/usr/sbin/redhat-service",
];

pub(crate) const TOPICS: &[&Topic] = &[
    &service::TOPIC,
    &invoke::TOPIC,
    &update::PLAIN,
    &update::SORTED,
    &openrc::UPDATE,
    &openrc::SERVICE,
    &openrc::STATUS,
    &redhat::CHKCONFIG,
    &redhat::SERVICE,
];

/// One command.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    /// Its path in the roots.
    pub(crate) program: &'static str,
    /// What is emptied before each world and looked at after each call.
    pub(crate) watched: &'static [&'static str],
    pub(crate) seed: u64,
    pub(crate) worlds: u32,
    /// Calls in each world, one after the other.
    pub(crate) calls: u32,
    pub(crate) world: fn(&mut Random) -> Vec<Put>,
    pub(crate) call: fn(&mut Random) -> Call,
    /// The id of the reason why these may differ, if they may.
    pub(crate) exempt: fn(&Call, &Answer, &Answer) -> Option<&'static str>,
    /// Why there is no original, if there is none.
    pub(crate) missing: fn() -> Option<String>,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) words: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words, environment: vec![("TERM".into(), "dumb".into())] }
    }
}

/// One thing in a world.
#[derive(Clone, Debug)]
pub(crate) enum Put {
    Directory(String),
    File { path: String, text: String, mode: u32 },
    Link { path: String, target: String },
}

impl Put {
    pub(crate) fn directory(path: &str) -> Self {
        Self::Directory(path.to_owned())
    }

    pub(crate) fn file(path: &str, text: &str, mode: u32) -> Self {
        Self::File { path: path.to_owned(), text: text.to_owned(), mode }
    }

    pub(crate) fn link(path: &str, target: &str) -> Self {
        Self::Link { path: path.to_owned(), target: target.to_owned() }
    }

    pub(crate) fn apply(&self, root: &Path) {
        let place = |path: &str| {
            let place = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(place.parent().expect("below a root")).unwrap();
            place
        };
        match self {
            Self::Directory(path) => fs::create_dir_all(place(path)).unwrap(),
            Self::File { path, text, mode } => {
                let place = place(path);
                fs::write(&place, text).unwrap();
                fs::set_permissions(&place, fs::Permissions::from_mode(*mode)).unwrap();
            }
            Self::Link { path, target } => symlink(target, place(path)).unwrap(),
        }
    }
}

pub(crate) fn never_missing() -> Option<String> {
    None
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
