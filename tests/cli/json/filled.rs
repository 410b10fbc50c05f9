//! Answers of which every field is there: one that is new is an error of the compiler here, and then one of the page.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use svc::configure::{Effect, FileReport, Report as Configured, ServiceReport, Then, ValueReport};
use svc::convert::report::{Line, Origin, Report as Converted};
use svc::rehearse::compare::{Comparison, Row, Verdict};
use svc::rehearse::{
    By, End, Executed, Launch, Limit, Made, Mount, Redirection, Refused, Rehearsal, Said, Stop, Sysctl,
};

fn text() -> String {
    "x".to_owned()
}

fn some() -> Option<String> {
    Some(text())
}

/// The objects by their names.
pub(super) fn values() -> Vec<(&'static str, Value)> {
    let ends = [End::Code(0), End::Signal(9), End::TimedOut].map(|end| ("rehearsal", json!(rehearsal(end))));
    let verdicts = [Verdict::Same, Verdict::Expected(text()), Verdict::Different];
    let rows = verdicts.map(|verdict| Row { what: text(), script: text(), definition: text(), verdict });
    let mut all = vec![
        ("configured", json!(configured())),
        ("convert", json!(converted())),
        ("migrated", json!({ "name": "x", "script": "x", "state": "staged", "text": "x", "open": ["x"] })),
        ("shim", json!({ "name": "x", "answer": "x" })),
        ("comparison", json!(Comparison { script_fails: some(), rows: rows.into() })),
    ];
    all.extend(ends);
    all
}

fn configured() -> Configured {
    let file = FileReport { target: text(), effect: Effect::Changed, diff: text(), notes: vec![text()] };
    let value = ValueReport { name: text(), value: text(), origin: text() };
    let service = ServiceReport {
        name: super::name(),
        files: vec![file],
        then: Then::Reload,
        fault: some(),
        values: vec![value],
    };
    Configured { services: vec![service], notes: vec![text()] }
}

fn converted() -> Converted {
    Converted {
        script: text(),
        name: some(),
        kept: some(),
        definition: some(),
        origins: vec![Origin { key: text(), origin: text() }],
        open: vec![text()],
        rest: vec![Line { lines: text(), reason: text() }],
        notes: vec![text()],
    }
}

fn rehearsal(end: End) -> Rehearsal {
    let stop = Stop {
        by: text(),
        call: vec![text()],
        signal: text(),
        retry: some(),
        pid_file: some(),
        program: some(),
        met: true,
    };
    let made = Made {
        path: text(),
        kind: text(),
        owner: text(),
        group: text(),
        mode: 0o644,
        target: some(),
        was_there: true,
        only_metadata: true,
    };
    let mount = Mount { source: text(), target: text(), kind: text(), options: text(), unmount: false };
    Rehearsal {
        script: text(),
        verb: text(),
        end,
        took: Duration::from_millis(1500),
        launches: vec![launch()],
        stops: vec![stop],
        made: vec![made],
        removed: vec![text()],
        read: vec![text()],
        sysctls: vec![Sysctl { name: text(), value: some() }],
        mounts: vec![mount],
        refused: vec![Refused { call: text(), program: text() }],
        executed: vec![Executed { program: text(), argv: vec![text()], recorded: true }],
        said: vec![Said { function: text(), words: vec![text()] }],
        output: text(),
        notes: vec![text()],
    }
}

fn launch() -> Launch {
    Launch {
        by: By::StartStopDaemon,
        call: vec![text()],
        program: text(),
        argv: vec![text()],
        user: some(),
        group: some(),
        groups: vec![text()],
        chroot: some(),
        directory: some(),
        nice: Some(5),
        scheduling: some(),
        umask: Some(0o22),
        limits: BTreeMap::from([("core".to_owned(), Limit { soft: Some(1), hard: None })]),
        environment: BTreeMap::from([("LANG".to_owned(), some())]),
        pid_file: some(),
        makes_pid_file: true,
        background: true,
        name: some(),
        redirections: vec![Redirection { fd: 1, to: text() }],
    }
}

#[test]
fn a_rehearsal_says_its_time_in_seconds_as_all_others_do() {
    assert_eq!(json!(rehearsal(End::Code(0)))["took"], 1.5);
}
