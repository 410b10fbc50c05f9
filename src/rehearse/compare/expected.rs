//! What differs between a script and its definition, and is meant to.

use std::collections::{BTreeMap, BTreeSet};

use svc_compat::daemons::Table;
use toml::de::{DeTable, DeValue};

use super::Verdict;

pub(super) fn expected(why: &str) -> Verdict {
    Verdict::Expected(why.to_owned())
}

/// Variables that a shell, a script's caller or svcd gives without anybody's asking.
const GIVEN: [&str; 13] = [
    "PATH",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "TERM",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "NOTIFY_SOCKET",
    "RUNTIME_DIRECTORY",
];

/// Why a variable is only on one side; `None` where nothing says so. What a program sets for itself has its name in
/// front, and is not in the definition.
pub(super) fn why_variable(program: &str, definition: &str, variable: &str) -> Option<String> {
    let name = variable.split('=').next().unwrap_or_default();
    let base = program.rsplit('/').next().unwrap_or_default().to_ascii_uppercase().replace('-', "_");
    if GIVEN.contains(&name) || name.starts_with("SVC_") || name.starts_with("LC_") {
        return Some("what every service is given, or every script".to_owned());
    }
    let is_its_own = name.strip_prefix(&base).is_some_and(|rest| rest.starts_with('_'));
    (is_its_own && !definition.contains(name)).then(|| "what the program sets for itself".to_owned())
}

pub(super) fn variables(environment: &BTreeMap<String, String>) -> BTreeSet<String> {
    let kept = |name: &&String| !name.ends_with("SYSTEMCTL_SKIP_REDIRECT");
    environment.iter().filter(|(name, _)| kept(name)).map(|(name, value)| format!("{name}={value}")).collect()
}

/// Words by which daemons are told to stay in the foreground, or to leave it; and what stands beside them.
const FOREGROUND: [&str; 24] = [
    "-f",
    "-F",
    "-n",
    "-D",
    "-d",
    "-N",
    "-X",
    "-b",
    "-B",
    "-i",
    "-foreground",
    "--foreground",
    "--nodaemon",
    "--no-daemon",
    "--nofork",
    "--no-fork",
    "--daemon",
    "--daemonize",
    "--background",
    "--nodetach",
    "--no-detach",
    "-Ws",
    "-W",
    "--nobackground",
];

/// What to think of other words of the same program. A title that the daemon wrote itself is taken as its words.
pub(super) fn words_differ(program: &str, script: &[String], definition: &[String]) -> Verdict {
    let split = |words: &[String]| {
        let mut all: Vec<String> = words.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned).collect();
        if let Some(first) = all.first_mut() {
            // Which program it is was compared by its file.
            *first = first.rsplit('/').next().unwrap_or_default().to_owned();
        }
        all
    };
    let (script, definition) = (split(script), split(definition));
    if script == definition {
        return expected("the same program by another path");
    }
    let names_one = |word: &str| ["daemon", "fork", "pid"].iter().any(|part| word.contains(part));
    let table = Table::known();
    let row = table.row(program);
    let is_known = |word: &str| {
        row.is_some_and(|row| row.is_background(word) || row.foreground.iter().any(|option| option == word))
    };
    let is_switch =
        |word: &str| FOREGROUND.contains(&word) || BESIDE.contains(&word) || names_one(word) || is_known(word);
    let only = |one: &[String], other: &[String]| {
        let mut rest = other.to_vec();
        let mut left = Vec::new();
        for word in one {
            match rest.iter().position(|known| known == word) {
                Some(at) => drop(rest.remove(at)),
                None => left.push(word.clone()),
            }
        }
        left
    };
    let mut differing = only(&script, &definition).into_iter().chain(only(&definition, &script));
    if differing.all(|word| is_switch(&word)) {
        return expected("the foreground switch, as supervision needs it");
    }
    Verdict::Different
}

/// What may stand beside such a switch: its value, nginx's `-g`, an option that names a pid file.
const BESIDE: [&str; 8] = ["off;", "on;", "no", "yes", "-g", "-p", "-P", "-o"];

/// Names with numbers or chance in them are one name.
pub(super) fn steady(path: &str) -> String {
    let mut out = String::new();
    for part in path.split('/').skip(1) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        out.push('/');
        out.push_str(if digits >= 5 { "(a number)" } else { part });
    }
    out
}

/// A directory that the definition declares, and so has made before each start.
pub(super) fn declared(definition: &str, made: &str) -> Option<String> {
    let path = made.strip_prefix("directory /run/")?.split(' ').next()?;
    let document = DeTable::parse(definition).ok()?;
    let key = document.get_ref().get("runtime-directory")?.get_ref();
    let of = |value: &DeValue<'_>, name: &str| {
        value.as_str().is_some_and(|text| text.split_whitespace().any(|known| known == name))
    };
    let is_declared = of(key, path) || key.as_array().is_some_and(|all| all.iter().any(|one| of(one.get_ref(), path)));
    is_declared.then(|| "its runtime-directory, which the script leaves to tmpfiles.d(5) or does without".to_owned())
}

/// Files that only one side makes, and that nobody misses.
pub(super) fn written_by_chance(made: &str) -> Option<String> {
    let path = made.split_whitespace().nth(1).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.ends_with(".pid") || name == "pid" || made.contains(".pid ") {
        return Some("a pid file, which supervision does not need".to_owned());
    }
    if path.starts_with("/run/lock") || path.starts_with("/var/lock") {
        return Some("a lock of the script's own".to_owned());
    }
    path.starts_with("/var/log/").then(|| "a log, or what is written there".to_owned())
}
