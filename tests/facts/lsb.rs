//! Headers of Debian's scripts and malformed ones, in each reading.

use std::path::Path;

use serde_json::{Value, json as value};
use svc_compat::header::lsb::{Key, Lsb, lenient};
use svc_compat::header::{redhat, systemd};
use svc_compat::note::Note;
use svc_compat::order::insserv::{Answer, Care, File, insserv};

use super::orders::{facilities, text};
use super::{Outcome, json, strings};

/// Every script of Debian: its fields, and what chkconfig and systemd read.
pub(super) fn debian(directory: &Path) -> Vec<Outcome> {
    let Some(all) = json(&directory.join("debian/lsb-headers.json")) else { return Vec::new() };
    let mut out = Vec::new();
    for script in all["scripts"].as_array().expect("scripts") {
        let id = format!("debian/lsb-headers/{}", script["id"].as_str().expect("id"));
        let name = script["script"].as_str().expect("script");
        let text = text(script);
        let mut notes = Vec::new();
        let header = lenient(text.as_bytes(), &mut notes);
        out.push(fields(format!("{id}/fields"), script, header.as_ref(), &notes));
        if script["chkconfig"].is_null() && !script["chkconfig_reader"].is_null() {
            let mut wanted = script["chkconfig_reader"].clone();
            // It takes the last description of the whole file, of which only the header is among the facts.
            let header = strings(&script["header_lines"]).concat();
            if let Some(description) = wanted.get("desc").and_then(Value::as_str).map(as_utf8)
                && !header.contains(&description)
                && description != name
            {
                wanted["desc"] =
                    redhat::read(name, text.as_bytes()).map_or(Value::Null, |found| value!(found.description));
            }
            out.push(chkconfig(format!("{id}/chkconfig"), name, text.as_bytes(), &wanted));
        }
        // Its usage text and comments outside of the header are not among the facts.
        if let Some(wanted) = script["sysv_generator_alone"].as_object().filter(|_| script["chkconfig"].is_null()) {
            let unit = systemd::read(name, text.as_bytes());
            let mut wanted = wanted.clone();
            wanted["aliases"].as_array_mut().expect("aliases").sort_by_key(Value::to_string);
            let wanted: Vec<Value> = UNIT.iter().map(|key| wanted.get(*key).cloned().unwrap_or(Value::Null)).collect();
            out.push(Outcome::same(format!("{id}/systemd"), &wanted, &shown(&unit)));
        }
    }
    out
}

const UNIT: [&str; 6] = ["unit", "Description", "After", "Before", "Wants", "aliases"];

fn shown(unit: &systemd::Unit) -> Vec<Value> {
    let mut aliases = unit.aliases.clone();
    aliases.sort();
    let list = |list: &[String]| if list.is_empty() { Value::Null } else { value!(list) };
    vec![
        value!(unit.name),
        value!(unit.description),
        list(&unit.after),
        list(&unit.before),
        list(&unit.wants),
        value!(aliases),
    ]
}

/// Each field as it stands; and where the lenient reading says otherwise, there is a note.
fn fields(id: String, script: &Value, header: Option<&Lsb>, notes: &[Note]) -> Outcome {
    let wanted = script["fields"].as_object().cloned().unwrap_or_default();
    let Some(header) = header else {
        return Outcome::same(id, &wanted.len(), &0);
    };
    let mut found = serde_json::Map::new();
    for written in &header.written {
        let words: Vec<&str> = written.value.split_whitespace().collect();
        let (text, list) = match written.key {
            Key::ShortDescription => (header.short_description.clone(), None),
            Key::Description => (header.description.clone(), None),
            Key::Interactive => (Some(written.value.clone()), None),
            Key::Provides => (None, Some(&header.provides)),
            Key::RequiredStart => (None, Some(&header.required_start)),
            Key::RequiredStop => (None, Some(&header.required_stop)),
            Key::ShouldStart | Key::StartAfter => (None, Some(&header.should_start)),
            Key::ShouldStop => (None, Some(&header.should_stop)),
            Key::StartBefore => (None, Some(&header.start_before)),
            Key::StopAfter => (None, Some(&header.stop_after)),
            Key::DefaultStart => (None, Some(&header.default_start)),
            Key::DefaultStop => (None, Some(&header.default_stop)),
        };
        let same = list.is_none_or(|list| list.iter().eq(&words));
        if !same && !notes.iter().any(|note| note.line == written.line) {
            return Outcome { id, wrong: Some(format!("{words:?} read as {list:?} without a note")) };
        }
        found.insert(written.key.text().to_string(), text.map_or_else(|| value!(words), |text| value!(text)));
    }
    let known = |(key, _): &(String, Value)| Key::ALL.iter().any(|known| known.text() == key);
    let wanted: serde_json::Map<String, Value> = wanted.into_iter().filter(known).collect();
    let mut wrong: Vec<String> = Vec::new();
    for key in wanted.keys().chain(found.keys()) {
        if wanted.get(key) != found.get(key) {
            wrong.push(format!("{key}: wanted {:?}, found {:?}", wanted.get(key), found.get(key)));
        }
    }
    Outcome { id, wrong: (!wrong.is_empty()).then(|| wrong.join("; ")) }
}

/// The recorder read UTF-8 as Latin-1.
fn as_utf8(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|found| u8::try_from(u32::from(found)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_string())
}

/// What chkconfig reads of a script.
pub(super) fn chkconfig(id: String, name: &str, text: &[u8], wanted: &Value) -> Outcome {
    let found = match redhat::read(name, text) {
        Err(redhat::Refusal::Empty) => value!({ "script": name, "rc": -1 }),
        Err(redhat::Refusal::Unsupported) => value!({ "script": name, "rc": 1 }),
        Ok(found) => value!({
            "script": name, "rc": 0, "levels": found.levels, "start": found.start, "stop": found.stop,
            "isLSB": i32::from(found.lsb), "desc": found.description, "start_deps": found.required_start,
            "stop_deps": found.required_stop, "soft_start_deps": found.should_start,
            "soft_stop_deps": found.should_stop, "provides": found.provides,
        }),
    };
    let mut wanted = wanted.clone();
    if let Some(description) = wanted.get("desc").and_then(Value::as_str).map(as_utf8) {
        wanted["desc"] = value!(description);
    }
    Outcome::same(id, &wanted, &found)
}

/// Malformed headers: insserv to the letter, chkconfig, systemd, and a note of ours for what is malformed.
pub(super) fn own(directory: &Path) -> Vec<Outcome> {
    let Some(all) = json(&directory.join("own/lsb-edge-cases.json")) else { return Vec::new() };
    let mut out = Vec::new();
    for case in all["cases"].as_array().expect("cases") {
        let id = format!("own/lsb/{}", case["case"].as_str().expect("case"));
        let text = &bytes(case);
        let answer = with_companions(case, text);
        let wanted = &case["insserv"];
        let messages: Vec<String> = answer.messages.iter().map(|message| format!("insserv: {message}")).collect();
        let found = (i64::from(answer.exit), messages);
        out.push(Outcome::same(
            format!("{id}/insserv"),
            &(wanted["exit"].as_i64().unwrap_or(-1), strings(&wanted["messages"])),
            &found,
        ));
        out.push(Outcome::same(format!("{id}/links"), &wanted["all_links"], &links(&answer)));
        for (key, reverse) in [("deps_of_t", false), ("deps_on_t", true)] {
            out.push(Outcome::same(format!("{id}/{key}"), &wanted[key], &deps(&answer, reverse)));
        }
        if !case["chkconfig"].is_null() {
            out.push(chkconfig(format!("{id}/chkconfig"), "t", text, &case["chkconfig"]));
        }
        out.push(noted(format!("{id}/noted"), case, text));
        out.push(generator(format!("{id}/systemd"), case, text, &answer));
    }
    out
}

/// The script's bytes: where it is not UTF-8, each character is one.
fn bytes(case: &Value) -> Vec<u8> {
    let text = case["script_text"].as_str().expect("text");
    let latin = || text.chars().map(|found| u8::try_from(u32::from(found)).ok()).collect::<Option<Vec<u8>>>();
    let utf8 = case["encoding"].as_str().is_none_or(|encoding| encoding.starts_with("utf"));
    if utf8 { text.as_bytes().to_vec() } else { latin().unwrap_or_else(|| text.as_bytes().to_vec()) }
}

const COMPANION: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: NAME\n# Required-Start:\n# Required-Stop:\n\
                         # Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n# Short-Description: NAME\n\
                         ### END INIT INFO\nexit 0\n";

fn with_companions(case: &Value, text: &[u8]) -> Answer {
    let names = strings(&case["companions"]);
    let companion = |name: &String| {
        let text = COMPANION.replace("NAME", name);
        // Those that close a circle ask for the script in turn.
        let text = match name.strip_prefix("loop") {
            Some(kind) if kind.contains("soft") => {
                text.replace("# Default-Start", "# Should-Start: t\n# Default-Start")
            }
            Some(_) => text.replace("# Required-Start:", "# Required-Start: t"),
            None => text,
        };
        (name.clone(), text.into_bytes())
    };
    let mut scripts = vec![("t".to_string(), text.to_vec())];
    scripts.extend(names.iter().map(companion));
    let files: Vec<File<'_>> = scripts.iter().map(|(name, text)| File { name, text }).collect();
    let mut names: Vec<&str> = files.iter().map(|file| file.name).collect();
    // As they were recorded: the plain ones, the script, then what else it needs.
    names.sort_by_key(|name| match *name {
        "aa" | "bb" | "cc" => 0,
        "t" => 1,
        _ => 2,
    });
    insserv(&files, &names, &facilities(&conf()), Care::Strict)
}

/// insserv.conf of Debian 12's insserv, with which the cases were recorded.
fn conf() -> Value {
    value!({
        "$local_fs": ["+mountall", "+mountall-bootclean", "+mountoverflowtmp", "+umountfs"],
        "$network": ["+networking", "+ifupdown"],
        "$named": ["+named", "+dnsmasq", "+lwresd", "+bind9", "+unbound", "+pdns-recursor", "$network"],
        "$remote_fs": ["$local_fs", "+mountnfs", "+mountnfs-bootclean", "+umountnfs", "+sendsigs"],
        "$syslog": ["+rsyslog", "+sysklogd", "+syslog-ng", "+dsyslog", "+inetutils-syslogd"],
        "$time": ["+hwclock"],
        "<interactive>": ["glibc", "udev", "console-screen", "keymap", "keyboard-setup", "console-setup", "cryptdisks",
            "cryptdisks-early", "checkfs-loop"]
    })
}

fn links(answer: &Answer) -> Value {
    let mut out = serde_json::Map::new();
    let mut all: Vec<_> = answer.links.iter().collect();
    all.sort_by_key(|link| (link.level, link.kind, link.number, &link.script));
    for link in all {
        let list = out.entry(link.level.to_string()).or_insert_with(|| value!([]));
        let name = format!("{}{:02}{}", link.kind, link.number, link.script);
        list.as_array_mut().expect("a list").push(value!(name));
    }
    Value::Object(out)
}

fn deps(answer: &Answer, reverse: bool) -> Value {
    let mut out = serde_json::Map::new();
    for (name, file) in [("boot", &answer.boot), ("start", &answer.start), ("stop", &answer.stop)] {
        let mut found: Vec<&str> = Vec::new();
        for (script, deps) in &file.deps {
            if reverse && deps.iter().any(|dep| dep == "t") {
                found.push(script);
            } else if !reverse && script == "t" {
                found.extend(deps.iter().map(String::as_str));
            }
        }
        if !found.is_empty() {
            out.insert(name.to_string(), value!(found));
        }
    }
    Value::Object(out)
}

/// Where insserv complains, or reads otherwise than is plainly meant, our reading has a note with its line.
fn noted(id: String, case: &Value, text: &[u8]) -> Outcome {
    let complained = strings(&case["insserv"]["messages"])
        .iter()
        .any(|message| COMPLAINTS.iter().any(|word| message.contains(word)));
    let mut script = svc_compat::script::read("t", text);
    script.notes.retain(|note| !note.text.is_empty());
    let wrong = complained && script.notes.is_empty();
    Outcome { id, wrong: wrong.then(|| format!("no note for {:?}", strings(&case["insserv"]["messages"]))) }
}

const COMPLAINTS: [&str; 5] = ["missing", "broken", "undefined", "overlapping", "provides"];

fn generator(id: String, case: &Value, text: &[u8], answer: &Answer) -> Outcome {
    let wanted = &case["sysv_generator"]["unit"];
    if wanted.is_null() {
        return Outcome { id, wrong: None };
    }
    let unit = systemd::read("t", text);
    let mut before: Vec<String> = Vec::new();
    for link in answer.links.iter().filter(|link| link.script == "t" && link.kind == 'S') {
        if let Some(target) = systemd::target(link.level).filter(|target| !before.iter().any(|old| old == target)) {
            before.push(target.to_string());
        }
    }
    before.extend(unit.before.iter().filter(|name| !name.is_empty()).cloned());
    let found = value!([unit.description, unit.after, before, unit.wants, unit.pid_file]);
    let wanted = value!([wanted["Description"], wanted["After"], wanted["Before"], wanted["Wants"], wanted["PIDFile"]]);
    Outcome::same(id, &wanted, &found)
}
