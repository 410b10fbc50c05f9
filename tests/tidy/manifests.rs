//! Rules about what is beside the code: manifests, the change log, addresses and paths in text.

use crate::{File, files, none, read};

/// Hosts that may be named: a reader anywhere can reach them.
const HOSTS: [&str; 13] = [
    "cgit.freebsd.org",
    "docs.rs",
    "github.com",
    "keepachangelog.com",
    "man.freebsd.org",
    "man7.org",
    "mandoc.bsd.lv",
    "no-color.org",
    "sh.rustup.rs",
    "semver.org",
    "www.debian.org",
    "www.freebsd.org",
    "www.w3.org",
];

#[test]
fn every_dependency_is_chosen_at_the_root() {
    let mut faults = Vec::new();
    // What the fuzzer needs is no part of the workspace.
    let ours = |file: &&File| file.path.ends_with("Cargo.toml") && !file.path.starts_with("tests/fuzz/");
    for file in files().iter().filter(ours) {
        let mut section = "";
        for line in file.text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            } else if section.ends_with("dependencies]") && section != "[workspace.dependencies]" && line.contains('=')
            {
                let inherits = line.contains(".workspace = true") || line.contains("workspace = true");
                if !line.starts_with('#') && !inherits {
                    faults.push(format!("{}: `{line}` is not chosen in the root manifest", file.path));
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn the_change_log_knows_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let heading = format!("## {version}");
    assert!(read("CHANGELOG.md").lines().any(|line| line.starts_with(&heading)), "CHANGELOG.md has no `{heading}`");
}

#[test]
fn text_names_no_place_that_only_one_machine_has() {
    let places = ["/work/", "/root/", "/home/"];
    let mut faults = Vec::new();
    for file in files() {
        if file.path == "Cargo.lock" || file.path.starts_with("tests/tidy/") {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            if let Some(found) = places.iter().find(|start| names_path(line, start)) {
                faults.push(format!("{place}: {found}"));
            }
            for host in hosts(line) {
                if !HOSTS.contains(&host) && !host.starts_with("127.") && !host.ends_with(".example") {
                    faults.push(format!("{place}: the host {host} is not in the list of those that may be named"));
                }
            }
        }
    }
    none(&faults);
}

/// Whether a line names a path that begins so: not one that only has it in the middle.
fn names_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "_-./}*$".contains(before))
    })
}

fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").filter(|(at, _)| line[..*at].ends_with("http") || line[..*at].ends_with("https")).map(
        |(at, mark)| {
            let rest = &line[at + mark.len()..];
            let end = rest.find(|found: char| !found.is_ascii_alphanumeric() && !".-".contains(found));
            &rest[..end.unwrap_or(rest.len())]
        },
    )
}

#[test]
fn a_path_or_a_host_of_one_machine_is_found() {
    assert!(names_path("see /home/me", "/home/") && !names_path("x/home/me", "/home/"));
    assert_eq!(hosts("see https://a.b/c and http://127.0.0.1:80").collect::<Vec<_>>(), ["a.b", "127.0.0.1"]);
}
