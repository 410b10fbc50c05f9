//! Headers of scripts in public repositories, put together again from their fields and read.

use std::path::Path;

use serde_json::{Value, json as value};
use svc_compat::header::{chkconfig, openrc, rcd, redhat};
use svc_compat::shell::{Shell, Values};

use super::lsb::chkconfig as reader;
use super::{Outcome, json, strings};

/// Red Hat's: the `chkconfig:` lines, what chkconfig reads, and the links it makes.
pub(super) fn redhat(directory: &Path) -> Vec<Outcome> {
    let Some(all) = json(&directory.join("fetched/redhat-chkconfig.json")) else { return Vec::new() };
    let mut out = Vec::new();
    for script in all["scripts"].as_array().expect("scripts") {
        let name = script["name"].as_str().expect("name");
        let id = format!("fetched/chkconfig/{name}");
        let header = &script["chkconfig"];
        if header["chkconfig"].is_null() {
            continue;
        }
        let text = redhat_text(script);
        let found = chkconfig::lenient(text.as_bytes(), &mut Vec::new()).unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let levels = |text: &str| text.chars().filter(char::is_ascii_digit).map(String::from).collect::<Vec<_>>();
        let wanted = (levels(&word(&header["levels"])), number(&header["start_prio"]), number(&header["stop_prio"]));
        out.push(Outcome::same(format!("{id}/numbers"), &wanted, &(found.levels, found.start, found.stop)));
        let wanted = (strings(&header["processname"]).pop(), strings(&header["config"]));
        out.push(Outcome::same(format!("{id}/names"), &wanted, &(found.process_name, found.config)));
        let mut wanted = script["chkconfig_reader"].clone();
        if let Ok(found) = redhat::read(name, text.as_bytes()) {
            // Which of several descriptions stands last is not among the facts.
            wanted["desc"] = value!(found.description);
            let links = found
                .links_alone()
                .into_iter()
                .map(|(level, kind, number)| format!("{level}: {kind}{number:02}{name}"));
            let links: Vec<String> = links.collect();
            out.push(Outcome::same(format!("{id}/links"), &links_of(&script["chkconfig_add"]["links"]), &links));
        }
        out.push(reader(format!("{id}/reader"), name, text.as_bytes(), &wanted));
    }
    out
}

fn number(value: &Value) -> Option<u32> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn links_of(levels: &Value) -> Vec<String> {
    let levels = levels.as_object().into_iter().flatten();
    let mut out: Vec<String> = levels
        .flat_map(|(level, links)| strings(links).into_iter().map(move |link| format!("{level}: {link}")))
        .collect();
    out.sort();
    out
}

fn redhat_text(script: &Value) -> String {
    let header = &script["chkconfig"];
    let mut out = String::from("#!/bin/bash\n#\n");
    out += &format!("# chkconfig: {}\n", header["chkconfig"].as_str().unwrap_or_default());
    for key in ["description", "processname", "config", "pidfile"] {
        for value in strings(&header[key]) {
            out += &format!("# {key}: {value}\n");
        }
    }
    let fields = script["lsb_fields"].as_object().cloned().unwrap_or_default();
    if !fields.is_empty() {
        let marker = strings(&script["oddities"]).iter().any(|oddity| oddity.starts_with("begin-marker-not-exact"));
        out += if marker { "# BEGIN INIT INFO\n" } else { "### BEGIN INIT INFO\n" };
        for (key, value) in &fields {
            let value = value.as_str().map_or_else(|| strings(value).join(" "), String::from);
            out += &format!("# {key}: {value}\n");
        }
        out += "### END INIT INFO\n";
    }
    out + "\nexit 0\n"
}

/// rc.d scripts of the BSDs: the block in both readings, and the variables.
pub(super) fn rc_d(directory: &Path) -> Vec<Outcome> {
    let Some(all) = json(&directory.join("fetched/rcd-headers.json")) else { return Vec::new() };
    let mut out = Vec::new();
    for (collection, scripts) in all["collections"].as_object().expect("collections") {
        for script in scripts.as_array().expect("scripts") {
            let name = script["name"].as_str().expect("name");
            let id = format!("fetched/rcd-headers/{collection}/{name}");
            let text = rc_d_text(script);
            if script["header"].is_object() {
                let header = &script["header"];
                let wanted = ["PROVIDE", "REQUIRE", "BEFORE", "KEYWORD"].map(|tag| strings(&header[tag]));
                let strict = rcd::strict(text.as_bytes());
                let strict = [strict.provide, strict.require, strict.before, strict.keyword];
                out.push(Outcome::same(format!("{id}/strict"), &wanted, &strict));
                let mut notes = Vec::new();
                let lenient = rcd::lenient(text.as_bytes(), &mut notes);
                let lenient = [lenient.provide, lenient.require, lenient.before, lenient.keyword];
                if lenient != strict && notes.is_empty() {
                    out.push(Outcome {
                        id: format!("{id}/lenient"),
                        wrong: Some("read otherwise without a note".into()),
                    });
                }
            }
            out.push(variables(format!("{id}/variables"), script, &text));
        }
    }
    out
}

fn rc_d_text(script: &Value) -> String {
    let mut out = String::from("#!/bin/sh\n#\n\n");
    for (tag, words) in script["header"].as_object().into_iter().flatten() {
        out += &format!("# {tag}: {}\n", strings(words).join(" "));
    }
    out += "\n";
    for line in strings(&script["ignored_keyword_lines"]) {
        out += &format!("{line}\n");
    }
    out += "\n. /etc/rc.subr\n\n";
    for (name, value) in plain(&script["variables"]) {
        out += &format!("{name}=\"{value}\"\n");
    }
    out + "\nload_rc_config $name\nrun_rc_command \"$1\"\n"
}

/// Variables with a value that was recorded as it stands.
fn plain(variables: &Value) -> Vec<(String, String)> {
    let all = variables.as_object().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_string())))
        .filter(|(name, value)| {
            let word = name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_');
            // Some were cut short at a quote when they were recorded.
            let whole = value.matches("${").count() == value.matches('}').count();
            word && whole && value != "(set)" && !value.contains(['"', '`', '\\'])
        })
        .collect()
}

/// Every variable is found again with the text it was given.
fn variables(id: String, script: &Value, text: &str) -> Outcome {
    let shell = Shell::read(text.as_bytes());
    let found: Vec<(String, String)> = shell
        .assignments()
        .iter()
        .map(|assignment| {
            let value = String::from_utf8_lossy(shell.bytes(assignment.value)).into_owned();
            (assignment.name.clone(), value.trim_matches('"').to_string())
        })
        .collect();
    Outcome::same(id, &plain(&script["variables"]), &found)
}

/// OpenRC scripts: `depend()` and the variables.
pub(super) fn openrc(directory: &Path) -> Vec<Outcome> {
    let Some(all) = json(&directory.join("fetched/openrc-depend.json")) else { return Vec::new() };
    let mut out = Vec::new();
    for (name, script) in all["services"].as_object().expect("services") {
        let id = format!("fetched/openrc/{name}");
        let mut text = String::from("#!/sbin/openrc-run\n\n");
        for (name, value) in plain(&script["variables"]) {
            text += &format!("{name}=\"{value}\"\n");
        }
        text += "\ndepend() {\n\t:\n";
        for (key, words) in script["depend"].as_object().into_iter().flatten() {
            text += &format!("\t{} {}\n", key.trim_start_matches('i'), strings(words).join(" "));
        }
        text += "}\n";
        let shell = Shell::read(text.as_bytes());
        let mut values = Values::default();
        values.set("RC_SVCNAME", name);
        let (found, _) = openrc::depend(&shell, &Values::with(&shell, &values));
        let list = |key: &str| strings(&script["depend"][key]);
        let wanted = [list("ineed"), list("iuse"), list("iwant"), list("ibefore"), list("iafter"), list("iprovide")];
        let found = [found.need, found.use_, found.want, found.before, found.after, found.provide];
        out.push(Outcome::same(format!("{id}/depend"), &wanted, &found));
        out.push(variables(format!("{id}/variables"), script, &text));
    }
    out
}
