//! insserv(8)'s numbers, runlevels and dependency files, computed from the same headers and maps.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svc_compat::header::insserv::Strict;
use svc_compat::order::insserv as compat;
use svc_compat::order::insserv::{Care, File};
use svc_platform::files;

use super::{Answer, Depend, Words};
use crate::daemon::loader::scripts::facilities;

/// A script longer than this is not read; the header is at its start.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) fn order(words: &Words, root: &Path) -> Answer {
    let mut stderr = String::new();
    let paths = match words.files.as_slice() {
        [] => scripts(&root.join("etc/init.d")),
        [directory] if directory.is_dir() => scripts(directory),
        files => files.to_vec(),
    };
    let overrides = Overrides::of(root);
    let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
    for path in &paths {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        match files::read_regular(path, FILE_BYTES_MAX) {
            Ok(text) => texts.push((name.to_owned(), overrides.text(name, text))),
            Err(error) => drop(writeln!(stderr, "insserv: {error}")),
        }
    }
    let given: Vec<File<'_>> = texts.iter().map(|(name, text)| File { name, text }).collect();
    let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
    let care = if words.force { Care::Force } else { Care::Strict };
    let answer = compat::insserv(&given, &names, &facilities(root), care);
    for message in &answer.messages {
        let _ = writeln!(stderr, "insserv: {message}");
    }
    let stdout = match words.depend {
        None => answer.all.iter().map(|line| line.clone() + "\n").collect(),
        Some(_) if answer.exit != 0 => String::new(),
        Some(Depend::Boot) => written(&answer.boot, true),
        Some(Depend::Start) => written(&answer.start, true),
        Some(Depend::Stop) => written(&answer.stop, false),
    };
    Answer {
        json: json(&answer),
        stdout: stdout.into_bytes(),
        stderr: stderr.into_bytes(),
        code: u8::try_from(answer.exit).unwrap_or(1),
    }
}

/// A dependency file as insserv writes it: startpar reads makefiles.
pub(in crate::cli) fn written(depend: &compat::Depend, interactive: bool) -> String {
    let mut text = format!("TARGETS = {}\n", depend.targets.join(" "));
    if interactive {
        let _ = writeln!(text, "INTERACTIVE = {}", depend.interactive.join(" "));
    }
    let mut left: BTreeMap<&str, &Vec<String>> = depend.deps.iter().map(|(name, deps)| (name.as_str(), deps)).collect();
    for name in &depend.targets {
        if let Some(deps) = left.remove(name.as_str()) {
            let _ = writeln!(text, "{name}: {}", deps.join(" "));
        }
    }
    for (name, deps) in left {
        let _ = writeln!(text, "{name}: {}", deps.join(" "));
    }
    text
}

fn json(answer: &compat::Answer) -> serde_json::Value {
    let links: Vec<_> = answer
        .links
        .iter()
        .map(|link| {
            serde_json::json!({
                "level": link.level, "kind": link.kind, "number": link.number, "script": link.script,
            })
        })
        .collect();
    let depend = |depend: &compat::Depend| {
        serde_json::json!({
            "targets": depend.targets, "interactive": depend.interactive, "deps": depend.deps,
        })
    };
    serde_json::json!({
        "links": links,
        "boot": depend(&answer.boot),
        "start": depend(&answer.start),
        "stop": depend(&answer.stop),
        "messages": answer.messages,
        "exit": answer.exit,
    })
}

/// The scripts that insserv reads in a directory, in the order in which the directory gives them.
pub(in crate::cli) fn scripts(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let home = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let is_script = |path: &PathBuf| {
        let Ok(target) = path.canonicalize() else { return false };
        // A link to a script beside it is another name of that, not a script.
        let is_alias = path.is_symlink() && target.parent() == Some(&home);
        let is_program =
            fs::metadata(&target).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        !is_alias && is_program
    };
    let is_read = |path: &PathBuf| path.file_name().and_then(OsStr::to_str).is_some_and(is_read);
    entries.flatten().map(|entry| entry.path()).filter(is_read).filter(is_script).collect()
}

/// Whether insserv reads a file of this name, as insserv 1.24 was seen to do.
fn is_read(name: &str) -> bool {
    const STARTS: [&str; 7] = [".", "$", "#", "README", "Makefile", "skeleton", "powerfail"];
    const WHOLE: [&str; 4] = ["core", "rc", "rcS", "rx"];
    const PARTS: [&str; 4] = [".bak", ".rpm", ".dpkg", ".ucf"];
    const ENDS: [&str; 6] = ["~", ",v", ".orig", ".old", ".new", ".swp"];
    !STARTS.iter().any(|start| name.starts_with(start))
        && !WHOLE.contains(&name)
        && !PARTS.iter().any(|part| name.contains(part))
        && !ENDS.iter().any(|end| name.ends_with(end))
}

/// Headers of the administrator come before the scripts' own, those of insserv's package after them.
pub(in crate::cli) struct Overrides {
    before: PathBuf,
    after: PathBuf,
}

impl Overrides {
    pub(in crate::cli) fn of(root: &Path) -> Self {
        Self { before: root.join("etc/insserv/overrides"), after: root.join("usr/share/insserv/overrides") }
    }

    pub(in crate::cli) fn text(&self, name: &str, own: Vec<u8>) -> Vec<u8> {
        let has_header = |text: &[u8]| Strict::read(text).begin;
        let read = |directory: &Path| files::read_regular(&directory.join(name), FILE_BYTES_MAX).ok();
        if let Some(text) = read(&self.before).filter(|text| has_header(text)) {
            return text;
        }
        if has_header(&own) {
            return own;
        }
        read(&self.after).filter(|text| has_header(text)).unwrap_or(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_packages_and_editors_leave_is_no_script_for_insserv() {
        for name in ["README.txt", "rc", "skeleton2", "x.bak2", "x.dpkg-dist", "x.ucf-old", "x~", "#x#", "core"] {
            assert!(!is_read(name), "{name}");
        }
        for name in ["rc.local", "halt", "x.sample", "corefoo", "makefile", "x.newer", "rc2", "single"] {
            assert!(is_read(name), "{name}");
        }
    }
}
