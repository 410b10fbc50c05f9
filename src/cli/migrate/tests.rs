//! The fields of an inventory in JSON against svc-json(7), both ways.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use svc_core::service::Dialect;

use crate::migrate::{Adoption, Boot, Caller, CallerKind, Entry, Fault, Inventory, Running, Spot, Systemd, What};

fn entry(systemd: Systemd, adoption: Adoption) -> Entry {
    let text = || "x".to_owned();
    let spot = || Spot { file: text(), line: 1 };
    Entry {
        name: text(),
        file: text(),
        what: What::Service,
        why: text(),
        dialect: Dialect::Initd,
        description: text(),
        instance_of: Some(text()),
        boot: Boot { on: Some(true), at: vec![spot()] },
        running: Some(Running { pid: 7, by: text() }),
        systemd,
        adoption,
        programs: vec![text()],
        missing: vec![text()],
        faults: vec![Fault { spot: spot(), text: text() }],
        callers: vec![Caller { kind: CallerKind::Cron, spot: spot(), text: text() }],
    }
}

fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}.{key}");
                paths(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(all) => all.iter().for_each(|one| paths(one, &format!("{path}[]"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_is_in_the_page_and_the_page_has_no_other() {
    let file = || "x".to_owned();
    let scripts = vec![
        entry(Systemd::None, Adoption::Yes),
        entry(Systemd::Unit { file: file() }, Adoption::Served { definition: file() }),
        entry(Systemd::Masked { file: file() }, Adoption::No { reasons: vec![file()] }),
        entry(Systemd::Dropped { was_started: true }, Adoption::None),
    ];
    let mut found = BTreeSet::from(["migrate".to_owned()]);
    paths(&json!(Inventory { root: file(), scripts, ..Inventory::default() }), "migrate", &mut found);
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("man/svc-json.7")).unwrap();
    let told = page.lines().filter_map(|line| line.strip_prefix(".It Va "));
    let is_its = |path: &&str| *path == "migrate" || path.starts_with("migrate.");
    let told: BTreeSet<String> = told.filter(is_its).map(str::to_owned).collect();
    assert_eq!(found, told);
}
