//! The examples of the manual pages, run: each must be a line that svc understands.

use std::fs;
use std::process::Command;

use crate::{File, files, none};

/// What stays in the foreground, or is another program's.
const NOT_RUN: [&str; 2] = ["svcd", "svc up"];
/// Pages about what is typed.
const HAVE_EXAMPLES: [&str; 5] = ["svc.8", "svc-compat.7", "svc-configure.7", "svc-convert.7", "svc-json.7"];

#[test]
fn every_example_of_svc_is_understood() {
    let empty = tempfile::tempdir().unwrap();
    let programs = empty.path().join("bin");
    fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_svc"), programs.join("svc")).unwrap();
    let (mut faults, mut ran) = (Vec::new(), 0);
    let pages: Vec<_> = files().into_iter().filter(|file| file.path.starts_with("man/")).collect();
    for File { path: page, text } in &pages {
        let examples = examples(text);
        if HAVE_EXAMPLES.iter().any(|name| page == &format!("man/{name}")) && examples.is_empty() {
            faults.push(format!("{page}: no example of svc, or none with a prompt"));
        }
        for example in examples {
            if NOT_RUN.iter().any(|start| example.starts_with(start)) {
                continue;
            }
            ran += 1;
            let output = Command::new("sh")
                .args(["-c", &inside(&example)])
                .env("ROOT", empty.path())
                .env("SVC_ROOT", empty.path())
                .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
                .output()
                .unwrap();
            // In a root where nothing is, it says what it lacks; only a line that makes no sense is refused with 2.
            if output.status.code().is_none_or(|code| code == 2 || code >= 126) {
                faults.push(format!("{page}: {example}: {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
    }
    none(&faults);
    assert!(
        ran >= HAVE_EXAMPLES.len() && pages.len() >= HAVE_EXAMPLES.len(),
        "{ran} examples of {} pages",
        pages.len()
    );
}

/// The same line about a root of its own: by an option, or for commands of other systems by a variable.
fn inside(example: &str) -> String {
    if example.starts_with("svc as ") { example.into() } else { example.replacen("svc ", "svc --root \"$ROOT\" ", 1) }
}

/// `.Dl # svc ...` without the prompt and what another program makes of the answer.
fn examples(page: &str) -> Vec<String> {
    let lines = page.lines().filter_map(|line| line.strip_prefix(".Dl "));
    let commands = lines.filter_map(|line| line.strip_prefix("# ").or_else(|| line.strip_prefix("$ ")));
    let plain = commands.map(|line| line.replace("\\(dq", "\"").split(" |").next().unwrap_or_default().to_owned());
    plain.filter(|line| line.starts_with("svc")).collect()
}
