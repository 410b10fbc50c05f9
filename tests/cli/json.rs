//! svc-json(7) against what the program prints, both ways: every field that comes is in the page, and the page has no
//! other.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use svc::wire::{
    Change, Checked, Finding, Hello, Level, Line, LoadReport, LogLine, Outcome, Process, Refusal, Reply, Request,
    StateName, Status, Summary, Usage, Value,
};
use svc_core::{Answer, Exit, Name, Who};

use crate::copies::booted;
use crate::fake::{Act, Fake, called, svc};

#[path = "json/filled.rs"]
mod filled;

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

/// The path of each field: `list[].name`. Below these the names are anybody's.
const MAPS: [&str; 5] = [
    "order.boot.deps",
    "order.start.deps",
    "order.stop.deps",
    "rehearsal.launches[].limits",
    "rehearsal.launches[].environment",
];
/// What the page tells once for several objects.
const TOLD_ELSEWHERE: [&str; 1] = ["plan.outcomes[].answer"];

fn paths(value: &Json, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Json::Object(_) if TOLD_ELSEWHERE.contains(&path) => {}
        Json::Object(fields) => {
            for (key, value) in fields {
                let key = if MAPS.contains(&path) { "*" } else { key };
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                paths(value, &path, found);
                found.insert(path);
            }
        }
        Json::Array(all) => all.iter().for_each(|one| paths(one, &format!("{path}[]"), found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn printed(text: &str, found: &mut BTreeSet<String>) {
    assert!(!text.is_empty(), "nothing was printed");
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

/// The objects that are made without svcd, or out of several answers: where the program names them.
fn named() -> BTreeSet<String> {
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
    let booted = booted();
    for typed in ["plan stop web", "tree", "bootchart"] {
        printed(&booted.call(&format!("--json {typed}")).out, &mut found);
    }
    of_files(&mut found);
    for (name, value) in filled::values() {
        paths(&serde_json::json!({ name: value }), "", &mut found);
    }
    paths(&serde_json::json!({ "state": summary() }), "", &mut found);
    found.insert("remark".to_owned());
    let forgotten: Vec<_> = named().into_iter().filter(|name| !found.contains(name)).collect();
    // Its fields are held against the page where its parts are known.
    assert_eq!(forgotten, ["migrate"], "nobody here knows their fields");
    let mut page = documented();
    page.retain(|path| path != "migrate" && !path.starts_with("migrate."));
    let missing: Vec<_> = found.difference(&page).collect();
    let extra: Vec<_> = page.difference(&found).collect();
    assert!(missing.is_empty() && extra.is_empty(), "not in the page: {missing:#?}\nonly in the page: {extra:#?}");
}

const SCRIPTS: [(&str, &str); 4] = [
    ("disk", "# Provides: disk\n# Default-Start: S\n# Default-Stop:\n"),
    ("mount", "# Provides: mount\n# Required-Start: disk\n# Default-Start: S\n# Default-Stop:\n"),
    ("db", "# Provides: db\n# Required-Start: mount\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n"),
    (
        "web",
        "# Provides: web\n# Required-Start: db\n# Required-Stop: db\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n",
    ),
];

/// What is read from files below a root, by the program itself.
fn of_files(found: &mut BTreeSet<String>) {
    let root = tempfile::tempdir().unwrap();
    let (scripts, services) = (root.path().join("etc/init.d"), root.path().join("services"));
    fs::create_dir_all(&scripts).unwrap();
    fs::create_dir_all(&services).unwrap();
    for (name, header) in SCRIPTS {
        let text = format!("#!/bin/sh\n### BEGIN INIT INFO\n{header}### END INIT INFO\n");
        fs::write(scripts.join(name), text).unwrap();
        fs::set_permissions(scripts.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(services.join("shop.toml"), "command = \"sleep 1\"\nrequires = [\"till\"]\n").unwrap();
    fs::write(services.join("till.toml"), "command = \"sleep 1\"\n").unwrap();
    let places = Hello {
        definitions: vec![services.to_string_lossy().into_owned()],
        legacy: vec![scripts.to_string_lossy().into_owned()],
        ..hello()
    };
    let daemon = Fake::new(move |request| {
        let reply = match request {
            Request::Hello => Reply::Hello(places.clone()),
            _ => Reply::Load(LoadReport::default()),
        };
        Act::Say(vec![Line::Final(reply)])
    });
    let mut call = |words: &[&str]| {
        let mut svc = svc();
        svc.env("SVC_SOCKET", daemon.socket()).env("VISUAL", "true").env("TMPDIR", root.path());
        let out = called(svc.args(words).output().unwrap());
        printed(&out.out, found);
    };
    let root = root.path().to_str().unwrap();
    for how in ["--mixed", "--rcorder", "--insserv"] {
        call(&["--json", "--root", root, "order", how]);
    }
    call(&["--json", "graph"]);
    call(&["--json", "edit", "shop"]);
    call(&["--json", "--root", root, "shim", "nosuch"]);
}

#[test]
fn words_that_make_no_sense_are_json_too_where_that_was_asked() {
    let daemon = Fake::new(|_| Act::Raw(Vec::new()));
    for (typed, says) in [
        ("--json list --frob", "unexpected argument '--frob'"),
        ("list --json --color blue", "invalid value 'blue'"),
        ("--json start", "required arguments were not provided"),
        ("--json nosuchverb", "`nosuchverb` is no verb"),
        ("--json --", "`--` needs a name"),
        ("--json", "a verb is missing"),
        ("--json plan web", "nothing to plan"),
        ("--json -- web start --frob", "unexpected argument"),
    ] {
        let call = daemon.call(typed);
        let object: Json = serde_json::from_str(&call.out).unwrap_or_else(|error| panic!("{typed}: {error}: {call:?}"));
        let text = object["error"]["text"].as_str().unwrap();
        assert!(text.contains(says) && !text.contains("Usage:"), "{typed}: {text}");
        assert_eq!((call.code, object["error"]["code"].as_i64(), call.err.as_str()), (2, Some(2), ""), "{typed}");
    }
    let help = daemon.call("--json list --help");
    assert!(help.code == 0 && help.out.contains("Usage:"), "{help:?}");
    // What comes after the dashes is the service's own.
    let plain = daemon.call("--frob -- web frob --json");
    assert!(plain.code == 2 && plain.out.is_empty() && plain.err.contains("unexpected argument '--frob'"), "{plain:?}");
    assert!(!plain.err.contains("/pass"), "nobody can type that: {plain:?}");
}
