//! Conversion with what running tells, for scripts of packages that are only unpacked.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use svc::convert::proof::{self, Proven, Stage};
use svc::convert::{Evidence, Table, Tree, Verdict, evidence};

use crate::packages;

/// What conversions have in common.
pub(crate) struct Proof {
    table: Table,
    /// The package client is asked by one at a time.
    client: Mutex<()>,
    /// Why nothing is run is said once.
    said: Once,
}

impl Proof {
    pub(crate) fn new() -> Self {
        Self { table: Table::known(), client: Mutex::new(()), said: Once::new() }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Converts a script of a package; what lacks of the package is fetched first.
    pub(crate) fn convert(&self, tree: &Tree, package: &str, root: &Path, path: &str, text: &[u8]) -> Verdict {
        if !is_whole(tree, &evidence::gather(tree, path, text)) {
            let _alone = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            packages::complete(package, root);
        }
        let stage = Stage { root: PathBuf::from("/"), layers: vec![root.to_path_buf()] };
        let Proven { verdict, notes, ran, .. } = proof::rehearsed(tree, &self.table, &stage, path, text);
        if !ran {
            self.said.call_once(|| eprintln!("agreement: scripts are only read: {}", notes.join("; ")));
        }
        verdict
    }
}

/// Whether every file that the script sources is there, and the program that it starts.
fn is_whole(tree: &Tree, evidence: &Evidence) -> bool {
    let is_there = |word: &String| !word.starts_with('/') || tree.find(word).is_some();
    let program = evidence.start.launches.last().and_then(|launch| launch.command.first());
    evidence.start.missing.is_empty() && program.is_none_or(is_there)
}
