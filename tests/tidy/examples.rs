//! The examples of the manual pages, run: each must be a line that svc understands.

use std::fs;
use std::process::Command;

use crate::{none, read};

/// What stays in the foreground, or is another program's.
const NOT_RUN: [&str; 2] = ["svcd", "svc up"];

#[test]
fn every_example_of_svc_is_understood() {
    let empty = tempfile::tempdir().unwrap();
    let programs = empty.path().join("bin");
    fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_svc"), programs.join("svc")).unwrap();
    let (mut faults, mut ran) = (Vec::new(), 0);
    for page in
        ["man/svc.8", "man/svcd.8", "man/svc.toml.5", "man/svc-configure.7", "man/svc-import.7", "man/svc-json.7"]
    {
        for example in examples(&read(page)) {
            if NOT_RUN.iter().any(|start| example.starts_with(start)) {
                continue;
            }
            ran += 1;
            // In a root where nothing is, it says what it lacks; only a line that makes no sense is refused with 2.
            let inside = example.replacen("svc ", "svc --root \"$ROOT\" ", 1);
            let output = Command::new("sh")
                .args(["-c", &inside])
                .env("ROOT", empty.path())
                .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
                .output()
                .unwrap();
            if output.status.code().is_none_or(|code| code == 2 || code >= 126) {
                faults.push(format!("{page}: {example}: {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
    }
    assert!(ran >= 5, "{ran} examples were found");
    none(&faults);
}

/// `.Dl # svc ...` without the prompt and what another program makes of the answer.
fn examples(page: &str) -> Vec<String> {
    let lines = page.lines().filter_map(|line| line.strip_prefix(".Dl "));
    let commands = lines.filter_map(|line| line.strip_prefix("# ").or_else(|| line.strip_prefix("$ ")));
    let plain = commands.map(|line| line.replace("\\(dq", "\"").split(" |").next().unwrap_or_default().to_owned());
    plain.filter(|line| line.starts_with("svc")).collect()
}
