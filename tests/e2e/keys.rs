//! Every key of a definition on this system: taken or refused as the table in svcd(8) has it, and limits seen at work.

use svc::wire::{Reply, Request};
use svc_core::Name;
use svc_core::definition::{KEYS, Key, SourceText, System, Takes, Unit, parse_on};
use svc_platform::host::SYSTEM;

use crate::harness::{Daemon, is_root, shell, target, until};

/// A value that the key takes, whatever the machine.
fn sample(key: &Key) -> String {
    let word = match key.takes {
        Takes::Flag => return "true".into(),
        Takes::Number(low, high) => return 1.clamp(low, high).to_string(),
        Takes::Limit(Unit::Count) | Takes::Accounts => return "100".into(),
        Takes::Account => return "0".into(),
        Takes::Choice(words) => words[0],
        Takes::Names if key.name == "provides" => "alias",
        Takes::Names => "other",
        Takes::Text | Takes::Variable => "text",
        Takes::Command | Takes::Verb => "sleep 1000",
        Takes::Path if key.table == "configure" => "/etc/web.conf",
        Takes::Path | Takes::PathCondition => "/",
        Takes::Template => "web.conf",
        Takes::OptionalPaths => "-/nonexistent/values",
        Takes::Directories => "svc-e2e",
        Takes::Duration(_) | Takes::Limit(Unit::Seconds) => "20s",
        Takes::Size(..) | Takes::Limit(Unit::Bytes) => "1GiB",
        Takes::Limit(Unit::Percent) => "50%",
        Takes::Mask => "027",
        Takes::Mode => "0640",
        Takes::DirectoryMode => "0750",
        Takes::Signal => "TERM",
        Takes::Ready => "command true",
        Takes::Reload => "signal HUP",
        Takes::Verbs => "start",
        Takes::HostCondition => "!container",
        Takes::EnvironmentCondition => "PATH",
        Takes::Addresses(_) => "inherit",
        Takes::JailOptions => "allow.raw_sockets",
        Takes::Devices => "/dev/null",
        Takes::Processors => "0",
        Takes::LoginClass => "daemon",
    };
    format!("\"{word}\"")
}

/// A definition that has this key, and the key's line, counted from 1.
fn definition(key: &Key) -> (String, usize) {
    let mut text = String::new();
    let beside: &[&str] = match (key.table, key.name) {
        ("", "command") => &[],
        ("", "pid-file") => &["kind = \"forking\""],
        ("", "watchdog") => &["ready = \"sd-notify\""],
        ("", "group" | "groups") => &["user = 0"],
        ("", "runtime-directory-group") => &["runtime-directory = \"x\"", "runtime-directory-owner = 0"],
        ("", name) if name.starts_with("runtime-directory-") => &["runtime-directory = \"x\"", "user = 0"],
        ("", "configure-then" | "configure-at-start") => &["reload = \"signal HUP\"", MADE],
        _ => &[],
    };
    for line in beside.iter().copied().chain((key.name != "command" || !key.table.is_empty()).then_some(PROGRAM)) {
        text += &format!("{line}\n");
    }
    match key.table {
        "" => {}
        "configure" => {
            text += "[[configure]]\n";
            for (name, other) in [("template", "template = \"x\"\n"), ("target", "target = \"/x\"\n")] {
                text += if key.name == name { "" } else { other };
            }
        }
        table => text += &format!("[{table}]\n"),
    }
    text += &format!("{} = {}\n", if key.name == "NAME" { "own" } else { key.name }, sample(key));
    let line = text.lines().count();
    (text, line)
}

const PROGRAM: &str = "command = \"sleep 1000\"";
const MADE: &str = "configure = [{ template = \"x\", target = \"/x\" }]";

fn name(key: &Key) -> String {
    if key.table.is_empty() { key.name.to_lowercase() } else { format!("{}-{}", key.table, key.name.to_lowercase()) }
}

#[test]
fn a_key_is_taken_or_refused_with_its_line_as_the_table_of_systems_has_it() {
    let mut daemon = Daemon::new(&[]);
    daemon.define("other", PROGRAM);
    for key in KEYS {
        let (text, line) = definition(key);
        for system in [System::Linux, System::Freebsd] {
            let source = SourceText { path: "web.toml", text: &text };
            let outcome = parse_on(system, &Name::new("web").unwrap(), source, &[]);
            let told = outcome.rendered(&[source]).join("\n");
            let words = format!("`{}`", key.name);
            let refusal = told.contains(&format!("web.toml:{line}:1")) && told.contains(&words);
            let refused = refusal && told.contains(&format!("is not to be had on {system}"));
            assert_eq!([outcome.service.is_none(), refused], [key.on(system) == "refused"; 2], "{text}{told}");
            assert!(refused || told.is_empty(), "{text}{told}");
        }
        daemon.define(&name(key), &text);
    }
    daemon.start();
    let checked =
        match daemon.ask(&Request::Check { names: KEYS.iter().map(|key| name(key).as_str().into()).collect() }) {
            Reply::Check(all) => all,
            other => panic!("no check: {other:?}\n{}", daemon.said()),
        };
    for key in KEYS {
        let checked = checked.iter().find(|checked| checked.name == name(key)).unwrap();
        let (text, line) = definition(key);
        let told = format!("{:?}", checked.findings);
        let place = format!("{}.toml:{line}:1", name(key));
        let refused = told.contains(&place) && told.contains(&format!("is not to be had on {SYSTEM}"));
        assert_eq!(refused, key.on(SYSTEM) == "refused", "{text}{told}");
        assert!(!refused || !checked.ok, "{text}{told}");
    }
}

/// Limits that a process has none of until somebody who may raises them.
const RAISED: [&str; 2] = ["nice-ceiling", "realtime-priority"];

/// A number for a limit that no system has by itself, and that nobody needs a right for.
fn number(key: &Key, place: u64) -> u64 {
    match (key.name, key.takes) {
        (name, _) if RAISED.contains(&name) => 21 + place,
        ("address-space", _) => (1 << 33) + 4096,
        ("locked-memory" | "message-queues", _) => (40 + place) << 10,
        (_, Takes::Limit(Unit::Bytes)) => (1 << 26) + 4096 * (place + 1),
        (_, Takes::Limit(Unit::Seconds)) => 30_011 + place,
        _ => 711 + place,
    }
}

#[test]
fn every_limit_of_a_process_that_this_system_has_is_what_the_process_has() {
    if !is_root("every_limit_of_a_process") {
        return;
    }
    let tell =
        "{ cat /proc/self/limits 2>/dev/null || limits; } > {dir}/new; mv {dir}/new {dir}/$SVC_NAME\nexec sleep 1000";
    let text = format!("{}[limits]\n", shell(tell));
    let of_process = |key: &&Key| key.table == "limits" && !["cpu", "memory", "tasks"].contains(&key.name);
    let here = KEYS.iter().filter(of_process).filter(|key| key.on(SYSTEM) != "refused");
    let numbers: Vec<(&Key, u64)> = here.zip(0..).map(|(key, place)| (key, number(key, place))).collect();
    assert!(numbers.len() > 10, "{numbers:?}");
    let mut daemon = Daemon::new(&[]);
    let mut all = text.clone();
    for (key, number) in &numbers {
        let line = format!("{} = {number}\n", key.name);
        match RAISED.contains(&key.name) {
            true => daemon.define(key.name, &format!("{text}{line}")),
            false => all += &line,
        }
    }
    daemon.define("all", &all);
    daemon.start();
    daemon.up("all");
    for (key, number) in numbers {
        let mut name = "all";
        if RAISED.contains(&key.name) {
            name = key.name;
            let answer = format!("{:?}", daemon.outcome(&Request::Start(target(name))).answer);
            // Without the right to it, it is the kernel that says no to this very limit.
            if answer.contains(&format!("setting its limit {name}: Operation not permitted")) {
                continue;
            }
        }
        let told = until("its limits are told", || daemon.read(name));
        // Some systems tell bytes by the thousand.
        let told_as = [number, number / 1024].map(|number| number.to_string());
        assert!(
            told.split_whitespace().any(|word| told_as.iter().any(|number| number == word)),
            "{} = {number}:\n{told}",
            key.name
        );
    }
}
