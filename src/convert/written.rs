//! For tests: files of a machine that is not this one.

use std::fs;
use std::path::Path;

/// Writes a file below a directory that stands for `/`, with the directories that lead to it.
pub(crate) fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
