//! What packages have to be read beside their manual pages: `/usr/share/doc/PACKAGE/README` and the like.

use std::path::Path;
use std::process::{Command, Stdio};

use svc_compat::play::Machine;

use super::Tree;

const PLACE: &str = "/usr/share/doc";
/// So many files of one package, and so much of each.
const FILES_MAX: usize = 40;
const FILE_BYTES_MAX: usize = 1 << 18;

/// The texts of packages with these names, each with its path.
pub(super) fn texts(tree: &Tree, names: &[&str]) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for name in names {
        let directory = format!("{PLACE}/{name}");
        for file in tree.list(&directory).into_iter().filter(|file| is_prose(file)).take(FILES_MAX) {
            let path = format!("{directory}/{file}");
            if out.iter().any(|(known, _)| *known == path) {
                continue;
            }
            let Some(bytes) = tree.find(&path).and_then(|found| unpacked(&found)) else { continue };
            let text = svc_compat::text::decode(&bytes[..bytes.len().min(FILE_BYTES_MAX)]);
            // What is quoted of a unit is the unit's word.
            let own: Vec<&str> = text.lines().filter(|line| !line.contains("ExecReload")).collect();
            out.push((path, own.join("\n")));
        }
    }
    out
}

/// The content of a file, also of one that is packed by gzip(1), as its name says.
pub(super) fn unpacked(file: &Path) -> Option<Vec<u8>> {
    if file.extension().is_none_or(|end| end != "gz") {
        return std::fs::read(file).ok();
    }
    let gzip = Command::new("gzip").arg("-dc").arg(file).stdin(Stdio::null()).output();
    gzip.ok().map(|output| output.stdout)
}

/// Whether a file tells of the program, rather than of its history or of what may be done with it.
fn is_prose(name: &str) -> bool {
    let name = name.trim_end_matches(".gz").to_ascii_lowercase();
    let told = ["readme", "news", "faq", "usage", "signals", "install", "running", "manual"];
    let ends = [".txt", ".md", ".rst"].iter().any(|end| name.ends_with(end));
    let other = ["changelog", "changes", "copyright", "license", "authors"];
    (ends || told.iter().any(|start| name.starts_with(start))) && !other.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_read_is_told_from_history() {
        for name in ["README.Debian", "README.gz", "NEWS.Debian.gz", "usage.txt", "signals.md"] {
            assert!(is_prose(name), "{name}");
        }
        for name in ["changelog.Debian.gz", "copyright", "CHANGES.txt", "examples", "webd.conf"] {
            assert!(!is_prose(name), "{name}");
        }
    }
}
