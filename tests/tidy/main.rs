//! House rules that a machine can check, so that review can be about the rest.

mod code;
mod examples;
mod manifests;
mod notes;
mod packages;
mod pages;

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository: its path from the root and its text.
struct File {
    path: String,
    text: String,
}

/// Every text file of the repository, sorted by path.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if [".git", "target"].iter().any(|skipped| entry.file_name() == *skipped) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.extend(file(&entry.path()));
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(files.len() > 20, "the rules found almost no file to look at");
    files
}

/// Nothing if it is no text.
fn file(path: &PathBuf) -> Option<File> {
    let text = String::from_utf8(fs::read(path).unwrap()).ok()?;
    Some(File { path: path.strip_prefix(root()).unwrap().display().to_string(), text })
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with every fault at once.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
