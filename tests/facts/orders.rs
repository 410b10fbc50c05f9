//! insserv's answers for sets of Debian's scripts.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use svc_compat::facility::Facilities;
use svc_compat::order::insserv::{Answer, Care, Depend, File, insserv};

use super::{Outcome, all_json, json, strings};

/// Script texts by id, as far as their headers go.
pub(super) fn texts(directory: &Path) -> BTreeMap<String, String> {
    let Some(all) = json(&directory.join("debian/lsb-headers.json")) else { return BTreeMap::new() };
    let scripts = all["scripts"].as_array().expect("scripts").iter();
    scripts.map(|script| (script["id"].as_str().expect("id").to_string(), text(script))).collect()
}

/// A script with this header and nothing else.
pub(super) fn text(script: &Value) -> String {
    let shebang = script["shebang"].as_str().unwrap_or("#!/bin/sh");
    if script["header_present"] != true {
        return format!("{shebang}\nexit 0\n");
    }
    let lines = strings(&script["header_lines"]).join("\n");
    format!("{shebang}\n### BEGIN INIT INFO\n{lines}\n### END INIT INFO\nexit 0\n")
}

/// insserv.conf as a set of facts has it.
pub(super) fn facilities(map: &Value) -> Facilities {
    let mut out = Facilities::default();
    for (name, members) in map.as_object().into_iter().flatten() {
        let line = format!("{name} {}\n", strings(members).join(" "));
        out.read(line.as_bytes(), &mut Vec::new());
    }
    out
}

/// Every set.
pub(super) fn orders(directory: &Path) -> Vec<Outcome> {
    let texts = texts(directory);
    let mut out = Vec::new();
    for (name, set) in all_json(&directory.join("debian/orders")) {
        let ids = strings(&set["scripts"]);
        let base = |id: &str| id.split_once(':').map_or(id, |(_, name)| name).to_string();
        let mut scripts: Vec<(String, &str)> =
            ids.iter().map(|id| (base(id), texts.get(id).map_or("", String::as_str))).collect();
        scripts.sort();
        let names: Vec<&str> = scripts.iter().map(|(name, _)| name.as_str()).collect();
        let care = if strings(&set["args"]).iter().any(|arg| arg == "-f") { Care::Force } else { Care::Strict };
        let facilities = facilities(&set["system_facilities"]);
        // A few numbers depend on the order in which the directory is read, which was not recorded: any of several
        // orders may give the recorded one.
        let forward: Vec<&(String, &str)> = scripts.iter().collect();
        let backward: Vec<&(String, &str)> = scripts.iter().rev().collect();
        let answers: Vec<Answer> = [as_a_directory(&scripts), forward, backward]
            .iter()
            .map(|order| {
                let files: Vec<File<'_>> =
                    order.iter().map(|(name, text)| File { name, text: text.as_bytes() }).collect();
                insserv(&files, &names, &facilities, care)
            })
            .collect();
        compare(&format!("debian/orders/{name}"), &set, &answers, &mut out);
    }
    out
}

/// The scripts in the order in which a directory of this machine gives them.
fn as_a_directory<'a>(scripts: &'a [(String, &'a str)]) -> Vec<&'a (String, &'a str)> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, _) in scripts {
        std::fs::write(directory.path().join(name), "").expect("a file in it");
    }
    let entries = std::fs::read_dir(directory.path()).expect("it can be read").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| scripts.iter().find(|(known, _)| *known == name)).collect()
}

fn compare(id: &str, set: &Value, answers: &[Answer], out: &mut Vec<Outcome>) {
    let answer = &answers[0];
    out.push(Outcome::same(format!("{id}/exit"), &set["exit"].as_i64(), &Some(i64::from(answer.exit))));
    let mut messages: Vec<String> = answer.messages.iter().map(|message| format!("insserv: {message}")).collect();
    let mut wanted = strings(&set["messages"]);
    messages.sort();
    wanted.sort();
    out.push(Outcome::same(format!("{id}/messages"), &wanted, &messages));
    let files = [("boot", &answer.boot), ("start", &answer.start), ("stop", &answer.stop)];
    for (name, found) in files.into_iter().filter(|_| answer.exit == 0) {
        let varying = strings(&set["depend_entries_that_depend_on_argument_order"][name]);
        depend(&format!("{id}/{name}"), &set["depend"][name], found, &varying, out);
    }
    for (level, links) in set["links"].as_object().expect("links") {
        let varying = &set["numbers_that_depend_on_argument_order"][level];
        let wanted: Vec<String> = links.as_array().expect("links").iter().map(|link| shown(link, varying)).collect();
        let found: Vec<Vec<String>> = answers
            .iter()
            .map(|answer| {
                let here = answer.links.iter().filter(|link| link.level.to_string() == *level);
                here.map(|link| shown(&serde_json::json!([link.kind, link.number, link.script]), varying)).collect()
            })
            .collect();
        let all: Vec<String> = found.iter().flatten().cloned().collect();
        let id = format!("{id}/links/{level}");
        out.push(Outcome::same(format!("{id}/count"), &wanted.len(), &found[0].len()));
        out.push(Outcome::same(id, &Vec::<&str>::new(), &missing(&wanted, &all)));
    }
}

/// A link's name, without the number where that depends on the order of arguments.
fn shown(link: &Value, varying: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    let (kind, number, script) = (text(&link[0]), text(&link[1]), text(&link[2]));
    let varies = varying.get(format!("{kind}{script}")).is_some();
    if varies { format!("{kind}??{script}") } else { format!("{kind}{number:0>2}{script}") }
}

fn missing<'a>(all: &'a [String], present: &[String]) -> Vec<&'a str> {
    all.iter().filter(|item| !present.contains(item)).map(String::as_str).collect()
}

fn depend(id: &str, wanted: &Value, found: &Depend, varying: &[String], out: &mut Vec<Outcome>) {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let targets = sorted(&strings(&wanted["targets"]));
    out.push(Outcome::same(format!("{id}/targets"), &targets, &sorted(&found.targets)));
    let interactive = sorted(&strings(&wanted["interactive"]));
    out.push(Outcome::same(format!("{id}/interactive"), &interactive, &sorted(&found.interactive)));
    let counts = |(name, _): &(String, Vec<String>)| !varying.contains(name);
    let wanted: BTreeMap<String, Vec<String>> = wanted["deps"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, deps)| (name.clone(), sorted(&strings(deps))))
        .filter(counts)
        .collect();
    let found: BTreeMap<String, Vec<String>> =
        found.deps.iter().map(|(name, deps)| (name.clone(), sorted(deps))).filter(counts).collect();
    let differs = |one: &BTreeMap<String, Vec<String>>, other: &BTreeMap<String, Vec<String>>| {
        let lines = one.iter().filter(|(name, deps)| other.get(*name) != Some(deps));
        lines.map(|(name, deps)| format!("{name}: {}", deps.join(" "))).collect::<Vec<_>>()
    };
    out.push(Outcome::same(format!("{id}/deps"), &differs(&wanted, &found), &differs(&found, &wanted)));
}
