//! svc-json(7) against what the program prints, both ways: every field that comes is in the page, and the page has no
//! other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use svc::wire::{
    Change, Checked, Finding, Hello, Level, Line, LoadReport, LogLine, Outcome, Process, Refusal, Reply, StateName,
    Status, Summary, Usage, Value,
};
use svc_core::{Answer, Exit, Name, Who};

use crate::fake::{Act, Fake};

fn name() -> Name {
    Name::new("web").unwrap()
}

fn summary() -> Summary {
    Summary {
        name: name(),
        kind: "process".into(),
        state: StateName::Up,
        wanted: true,
        reason: "x".into(),
        since: Duration::from_millis(1500),
        pid: Some(7),
        enabled: true,
        description: "x".into(),
    }
}

fn line() -> LogLine {
    LogLine { name: name(), time: "2026-01-01T00:00:00Z".into(), text: "x".into() }
}

fn status() -> Status {
    let process = || vec![Process { pid: 7, parent: 1, command: "x".into() }];
    Status {
        summary: summary(),
        why: vec!["x".into()],
        tree: process(),
        left_behind: process(),
        memory: Some(1),
        cpu: Some(Duration::from_secs(1)),
        last_exit: Some("x".into()),
        restarts: 1,
        said: Some("x".into()),
        notes: vec!["x".into()],
        log: vec![line()],
        files: vec!["x".into()],
        enabled_by: "x".into(),
        stale_pid_file: false,
        verbs: vec!["x".into()],
        own: vec!["x".into()],
    }
}

fn hello() -> Hello {
    Hello {
        schema: 1,
        version: "0.1.0".into(),
        manager: 1,
        keeper: Some(1),
        tracking: "x".into(),
        runtime: "x".into(),
        definitions: vec!["x".into()],
        legacy: vec!["x".into()],
    }
}

fn load() -> LoadReport {
    let text = || "x".to_owned();
    LoadReport {
        added: vec![name()],
        removed: vec![name()],
        changed: vec![Change { name: name(), key: text(), old: text(), new: text(), live: true }],
        faults: vec![text()],
        values: vec![value()],
    }
}

fn value() -> Value {
    Value { name: name(), key: "x".into(), value: "x".into(), origin: "x".into() }
}

fn outcomes() -> Reply {
    let answers = [
        Answer::Done { changed: true, note: Some("x".into()) },
        Answer::Failed("x".into()),
        Answer::Exited(Exit::Code(1)),
        Answer::Exited(Exit::Signal(9)),
        Answer::Exited(Exit::Unknown),
        Answer::Superseded(Who("root".into())),
        Answer::Unsupported("x".into()),
    ];
    Reply::Outcomes(answers.map(|answer| Outcome { name: name(), answer, output: vec!["x".into()] }).into())
}

/// What is typed, and all that svcd may answer to it.
fn calls() -> Vec<(&'static str, Reply)> {
    let text = || "x".to_owned();
    let checked = Checked {
        name: text(),
        ok: true,
        enabled: text(),
        findings: vec![Finding { level: Level::Good, text: text() }],
    };
    let usage = Usage { summary: summary(), memory: Some(1), cpu: Some(Duration::from_secs(1)), restarts: 0 };
    let unknown = Refusal::Unknown { name: text(), near: Some(text()), fault: Some(text()) };
    vec![
        ("hello", Reply::Hello(hello())),
        ("list", Reply::List(vec![summary()])),
        ("web status", Reply::Status(vec![status()])),
        ("top", Reply::Usage(vec![usage])),
        ("check", Reply::Check(vec![checked])),
        ("load", Reply::Load(load())),
        ("web start", outcomes()),
        ("web cat", Reply::Values(vec![value()])),
        ("shutdown", Reply::ShuttingDown),
        ("web start", Reply::Refused(unknown)),
        ("web start", Reply::Refused(Refusal::BadRequest { text: text() })),
        ("web start", Reply::Refused(Refusal::Denied { text: text() })),
        ("web start", Reply::Refused(Refusal::Failed { text: text() })),
    ]
}

/// The path of each field: `list[].name`.
fn paths(value: &Json, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Json::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                paths(value, &path, found);
                found.insert(path);
            }
        }
        Json::Array(all) => all.iter().for_each(|one| paths(one, &format!("{path}[]"), found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn printed(text: &str, found: &mut BTreeSet<String>) {
    for line in text.lines() {
        let object: Json = serde_json::from_str(line).unwrap();
        assert_eq!(object["schema"], 1, "{line}");
        paths(&object, "", found);
    }
}

fn documented() -> BTreeSet<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("man/svc-json.7")).unwrap();
    page.lines().filter_map(|line| line.strip_prefix(".It Va ")).map(str::to_owned).collect()
}

#[test]
fn every_field_is_in_the_page_and_the_page_has_no_other() {
    let mut found = BTreeSet::new();
    for (typed, reply) in calls() {
        printed(&Fake::replying(reply).call(&format!("--json {typed}")).out, &mut found);
    }
    let follow = Fake::new(|_| Act::Say(vec![Line::Log(line()), Line::Final(Reply::Log(Vec::new()))]));
    printed(&follow.call("--json web log -f").out, &mut found);
    printed(&Fake::replying(Reply::Log(vec![line()])).call("--json web log").out, &mut found);
    printed(&Fake::new(|_| Act::Raw(Vec::new())).call("--json list").out, &mut found);
    found.extend(elsewhere());
    let page = documented();
    let missing: Vec<_> = found.difference(&page).collect();
    let extra: Vec<_> = page.difference(&found).collect();
    assert!(missing.is_empty() && extra.is_empty(), "not in the page: {missing:#?}\nonly in the page: {extra:#?}");
}

/// The names of the objects that are made without svcd, or out of several answers: where the program names them.
fn elsewhere() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for call in ["json::value(\"", "    named(\""] {
                let named = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                names.extend(named.map(str::to_owned));
            }
        }
    }
    assert!(names.contains("order") && names.contains("error"), "{names:?}");
    names
}
