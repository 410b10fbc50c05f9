//! One script written, rehearsed by the program itself, and its answer read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use svc::rehearse::Rehearsal;
use tempfile::TempDir;

/// Whether there can be a sandbox; says so out loud where not.
pub(crate) fn can_play() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0);
    if !is_root || !Path::new("/proc/self/ns/pid").exists() {
        let mut terminal = std::io::stderr();
        writeln!(terminal, "skipped: rehearsals need root and the namespaces of Linux").unwrap();
        return false;
    }
    true
}

/// Rehearses the text as a script of this name.
pub(crate) fn play(name: &str, text: &str, verb: &str) -> Rehearsal {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    told(Command::new(env!("CARGO_BIN_EXE_svc")).args(["rehearse", "--json"]).arg(&path).arg(verb))
}

/// The answer of this command.
pub(crate) fn told(command: &mut Command) -> Rehearsal {
    answer(command).unwrap_or_else(|text| panic!("{text}"))
}

/// The answer of this command, or what it said instead.
pub(crate) fn answer(command: &mut Command) -> Result<Rehearsal, String> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    serde_json::from_value(value["rehearsal"].clone()).map_err(|_| text)
}
