//! Conversion with what running tells, for scripts of packages that are only unpacked.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use svc::convert::proof::{self, Proven, Stage, Usage};
use svc::convert::{Evidence, Tree, Verdict, evidence};
use svc_compat::daemons::Table;

use crate::{around, installed, packages};

/// A package that was unpacked.
#[derive(Clone, Copy)]
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    pub(crate) root: &'a Path,
}

/// A script of it.
#[derive(Clone, Copy)]
pub(crate) struct Script<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a [u8],
}

/// What the maintainers' own work has, too.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// It stays in the foreground.
    pub(crate) foreground: bool,
    /// It is told to read its configuration again.
    pub(crate) reload: bool,
}

/// What conversions have in common.
pub(crate) struct Proof {
    table: Table,
    /// The package client is asked by one at a time.
    client: Mutex<()>,
    /// Why nothing is run is said once.
    said: Once,
    /// All that is said about a conversion is printed.
    pub(crate) with_report: bool,
}

impl Proof {
    pub(crate) fn new(with_report: bool) -> Self {
        Self { table: Table::known(), client: Mutex::new(()), said: Once::new(), with_report }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// What a program of the package prints of itself, with what it depends on so far as that has been fetched.
    pub(crate) fn usage(&self, package: &Package<'_>, command: &[String]) -> Usage {
        let layers = around::fetched(package.name, package.root);
        proof::usage(&Stage { root: PathBuf::from("/"), layers }, command)
    }

    /// Has the package as it is after its installation, so far as its own scripts can be run.
    pub(crate) fn install(&self, package: &Package<'_>) {
        let (name, layers) = (package.name, [package.root.to_path_buf()]);
        if installed::install(name, package.root, &layers) {
            return;
        }
        {
            let _alone = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            packages::complete(name, package.root);
        }
        installed::install(name, package.root, &layers);
    }

    /// Converts a script of a package; what lacks of the package is fetched first.
    ///
    /// A daemon is tried only for what is `wanted`: a trial takes time, and where the maintainers let it go into the
    /// background, too, or have no reload, it would change nothing.
    pub(crate) fn convert(&self, tree: &Tree, package: &Package<'_>, script: &Script<'_>, wanted: Wanted) -> Proven {
        let (Package { name, root }, Script { path, text }) = (*package, *script);
        if !is_whole(tree, &evidence::gather(tree, path, text)) {
            let _alone = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            packages::complete(name, root);
        }
        let over = |layers| Stage { root: PathBuf::from("/"), layers };
        let proven = proof::rehearsed(tree, &self.table, &over(vec![root.to_path_buf()]), path, text);
        if !proven.ran {
            self.said.call_once(|| eprintln!("agreement: scripts are only read: {}", proven.notes.join("; ")));
            return proven;
        }
        let is_settled = |verdict: &Verdict| match verdict {
            Verdict::Converted(draft) => {
                let is_open = wanted.reload && proof::may_tell_of_reload(tree, draft);
                (draft.stay.foreground || !wanted.foreground) && !is_open
            }
            Verdict::Kept(_) => false,
        };
        if is_settled(&proven.verdict) {
            return proven;
        }
        // Only now is it worth while to fetch what the package needs beside it.
        let layers = {
            let _alone = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            packages::complete(name, root);
            around::layers(name, root)
        };
        installed::install(name, root, &layers);
        proof::convert(tree, &self.table, &over(layers), path, text)
    }
}

/// Whether every file that the script sources is there, and the program that it starts.
fn is_whole(tree: &Tree, evidence: &Evidence) -> bool {
    let is_there = |word: &String| !word.starts_with('/') || tree.find(word).is_some();
    let program = evidence.start.launches.last().and_then(|launch| launch.command.first());
    evidence.start.missing.is_empty() && program.is_none_or(is_there)
}
