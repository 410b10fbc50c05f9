//! What counts as the same in a definition and a unit.
//!
//! * program: the same file, links followed; `/bin` and `/usr/bin` are one place. A shell, `env` or another starter is
//!   the program that it starts, and so is a shell's text that ends by executing one; an interpreter that the program
//!   names itself is the program. Of two paths with one file name in the usual places of which only one is there, the
//!   other is the same.
//! * arguments: the same words in any order, without those that say foreground or background, without those that only
//!   name the pid file; an option's long and short name are one, `-fP` is `-f -P`, a slash at the end of a path says
//!   nothing. A file below `/etc` that one side names and the other leaves to the program is the same if that path is
//!   built into the program.
//! * user, group: the same names in the end (see user.rs); nobody said is root; a group that is named like the user is
//!   the user's own.
//! * runtime directory: each that the unit names is made. One more that the script makes is what the unit leaves to the
//!   daemon, to tmpfiles.d or to the package.
//! * reload: the same signal to the main process, or the same command; a unit without any says nothing of it.
//! * pid file: the same, where both are of a kind that has one and the unit names one.
//! * kind: `forking` is forking; every other type is a process in the foreground. A unit of type forking agrees with a
//!   definition in the foreground, since there the daemon's own option keeps it: that is what conversion is for. A
//!   definition of kind forking agrees with nothing but a unit of type forking.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use svc::convert::unit::Unit;
use svc::convert::{Draft, Table, Tree, manual};
use svc_core::service::Kind;

use crate::user::Users;
use crate::wrapper::unwrapped;
use svc_compat::play::Machine;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Program,
    Arguments,
    User,
    Group,
    RuntimeDirectory,
    Reload,
    PidFile,
    Kind,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program => "program",
            Self::Arguments => "arguments",
            Self::User => "user",
            Self::Group => "group",
            Self::RuntimeDirectory => "runtime directory",
            Self::Reload => "reload",
            Self::PidFile => "pid file",
            Self::Kind => "kind",
        })
    }
}

/// Every field in which the definition and the unit differ, with both values.
pub(crate) fn compare(tree: &Tree, table: &Table, draft: &Draft, unit: &Unit) -> Vec<(Field, String)> {
    let mut out = Vec::new();
    let mut differ = |field: Field, ours: String, theirs: String| {
        if ours != theirs {
            out.push((field, format!("`{ours}`, the unit has `{theirs}`")));
        }
    };
    let (mut ours, mut theirs) = (interpreted(tree, &draft.command), interpreted(tree, &unit.command));
    (ours, theirs) = (unwrapped(tree, &ours, &BTreeMap::new()), unwrapped(tree, &theirs, &unit.environment));
    let (program, wanted) = (one_place(tree, &ours), one_place(tree, &theirs));
    if !is_only_one_there(tree, &program, &wanted) {
        differ(Field::Program, program, wanted);
    }

    let users = Users::of(tree, (draft, &mut ours), (unit, &mut theirs));
    if !users.becomes && !users.made_up {
        let own = |group: Option<&str>, user: &str| group.filter(|group| *group != user).map(String::from);
        let (group, unit_group) = (own(draft.group.as_deref(), &users.ours), own(unit.value("Group"), &users.theirs));
        differ(Field::User, users.ours, users.theirs);
        differ(Field::Group, group.unwrap_or_default(), unit_group.unwrap_or_default());
    }
    let options = Options::of(tree, table, draft);
    let (ours, theirs) = (options.that_count(&ours, draft), options.that_count(&theirs, draft));
    let defaults = Defaults::of(tree, draft);
    let (ours, theirs) = (defaults.left_out(ours.clone(), &theirs), defaults.left_out(theirs, &ours));
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words.join(" ")
    };
    differ(Field::Arguments, sorted(ours), sorted(theirs));

    let made: BTreeSet<&String> = draft.runtime_directories.iter().collect();
    let wanted = unit.runtime_directories();
    if wanted.iter().any(|name| !made.contains(name)) {
        differ(Field::RuntimeDirectory, draft.runtime_directories.join(" "), wanted.join(" "));
    }
    let theirs = unit.reload().unwrap_or_default();
    let ours = draft.reload.clone().unwrap_or_default();
    if !theirs.is_empty() && !is_the_same_reload(table, draft, &ours, &theirs) {
        differ(Field::Reload, ours, theirs);
    }
    let forks = matches!(draft.kind, Kind::Forking { .. });
    if forks && let Some(theirs) = unit.pid_file().filter(|_| unit.kind() == "forking") {
        let file = |file: &str| file.replace("/var/run/", "/run/");
        differ(Field::PidFile, draft.pid_file.as_deref().map(file).unwrap_or_default(), file(&theirs));
    }
    if forks && unit.kind() != "forking" {
        differ(Field::Kind, "forking".to_string(), unit.kind().to_string());
    }
    out
}

/// A signal, and the command that by the daemon's manual does the same.
fn is_the_same_reload(table: &Table, draft: &Draft, ours: &str, theirs: &str) -> bool {
    let known = draft.command.first().and_then(|program| table.row(program));
    let words = svc_core::definition::words(theirs).unwrap_or_default();
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_string();
    let is_it = |command: &String| {
        let mut wanted = command.split(' ').peekable();
        for word in words.iter().enumerate().map(|(at, word)| if at == 0 { base(word) } else { word.clone() }) {
            wanted.next_if_eq(&word.as_str());
        }
        wanted.peek().is_none()
    };
    ours.starts_with("signal ") && known.is_some_and(|row| row.reload_commands.iter().any(is_it))
}

/// The command without the interpreter that its program names itself: `python3 /usr/bin/x` is `/usr/bin/x`.
fn interpreted(tree: &Tree, command: &[String]) -> Vec<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
    let first_line = |path: &String| {
        let text = tree.read(path).filter(|text| path.starts_with('/') && text.starts_with(b"#!"))?;
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Some(String::from_utf8_lossy(&line[2..]).into_owned())
    };
    let named = command.get(1).and_then(first_line);
    let Some((line, first)) = named.zip(command.first()) else { return command.to_vec() };
    let is_its = line.split_whitespace().any(|word| base(word) == base(first));
    if is_its { command[1..].to_vec() } else { command.to_vec() }
}

/// Two paths of one file name where only one is there: the other cannot be meant.
fn is_only_one_there(tree: &Tree, ours: &str, theirs: &str) -> bool {
    let place = |path: &str| path.rsplit_once('/').map(|(place, name)| (place.to_string(), name.to_string()));
    let is_usual = |place: &str| matches!(place, "/usr/bin" | "/usr/sbin");
    match (place(ours), place(theirs)) {
        (Some((first, name)), Some((second, other))) if is_usual(&first) && is_usual(&second) && name == other => {
            tree.find(ours).is_some() != tree.find(theirs).is_some()
        }
        _ => false,
    }
}

fn one_place(tree: &Tree, command: &[String]) -> String {
    let Some(path) = command.first() else { return String::new() };
    let path = match path.contains('/') {
        true => tree.find(path).map_or_else(|| path.to_string(), |found| tree.within(&found)),
        false => tree.program(path).unwrap_or_else(|| path.to_string()),
    };
    if path.starts_with("/bin/") || path.starts_with("/sbin/") { format!("/usr{path}") } else { path }
}

/// What is known of the options of a program.
struct Options {
    /// Those that say foreground or background.
    switches: BTreeSet<String>,
    /// The short name of each long one, and of each other spelling.
    aliases: BTreeMap<String, String>,
    /// Every spelling.
    known: BTreeSet<String>,
    /// Those that say where the pid file is, or that there is none.
    about_pid: BTreeSet<String>,
}

impl Options {
    fn of(tree: &Tree, table: &Table, draft: &Draft) -> Self {
        let program = &draft.command[0];
        let described = manual::described(tree, &draft.command);
        let says = described.iter().filter(|known| known.effect() != manual::Effect::Neither);
        let mut switches: BTreeSet<String> = says.flat_map(|known| known.names.iter().cloned()).collect();
        switches.extend(draft.stay.added.iter().chain(&draft.stay.removed).cloned());
        if let Some(row) = table.row(program) {
            switches.extend(row.foreground.iter().chain(&row.background).cloned());
        }
        let mut aliases = BTreeMap::new();
        for known in described.iter().filter(|known| known.names.len() == 2) {
            let short = known.names.iter().min_by_key(|name| name.len());
            for name in &known.names {
                aliases.entry(name.clone()).or_insert_with(|| short.cloned().unwrap_or_default());
            }
        }
        let known = described.iter().flat_map(|known| known.names.iter().cloned()).collect();
        let about_pid = described.iter().filter(|known| known.is_about_pid_file());
        let about_pid = about_pid.flat_map(|known| known.names.iter().cloned()).collect();
        Self { switches, aliases, known, about_pid }
    }

    /// `-fP` as `-f -P`, where no option is called so as a whole.
    fn letters(&self, word: &str) -> Vec<String> {
        let letters = word.strip_prefix('-').unwrap_or_default();
        let is_cluster =
            letters.len() > 1 && letters.len() < 5 && letters.chars().all(|found| found.is_ascii_alphabetic());
        if !is_cluster || self.known.contains(word) {
            return vec![word.to_string()];
        }
        letters.chars().map(|letter| format!("-{letter}")).collect()
    }

    /// The arguments that count.
    fn that_count(&self, command: &[String], draft: &Draft) -> Vec<String> {
        let pid_files: Vec<String> = draft.pid_file.iter().map(|file| file.replace("/var/run/", "/run/")).collect();
        let mut out: Vec<String> = Vec::new();
        for word in command.iter().skip(1).flat_map(|word| self.letters(word)) {
            let word = word.replace("/var/run/", "/run/");
            let word = word.strip_prefix("./").map(String::from).unwrap_or(word);
            let word = if word.len() > 1 { word.trim_end_matches('/').to_string() } else { word };
            if word == "--" || word.is_empty() || is_default_directive(&word) {
                continue;
            }
            let (option, value) = match word.split_once('=').filter(|_| word.starts_with('-')) {
                Some((option, value)) => (option, Some(value)),
                None => (word.as_str(), None),
            };
            let is_pid_option = option.starts_with("--pid");
            let is_pid_option = is_pid_option || self.about_pid.contains(option);
            let is_alone = self.about_pid.contains(option) && option.len() == 2;
            if self.switches.contains(option) || is_switch(option) || is_alone || (is_pid_option && value.is_some()) {
                continue;
            }
            let names_pid_file = |text: &str| pid_files.iter().any(|file| file == text) || text.ends_with(".pid");
            if names_pid_file(value.unwrap_or(&word)) {
                // `-p FILE`: the option goes with its value.
                if value.is_none() && !word.starts_with('-') && out.last().is_some_and(|last| last.starts_with('-')) {
                    out.pop();
                }
                continue;
            }
            out.push(self.aliases.get(option).cloned().unwrap_or_else(|| option.to_string()));
            out.extend(value.map(String::from));
        }
        out
    }
}

/// The text of the program and its manual pages, where its built-in paths are.
struct Defaults {
    texts: Vec<Vec<u8>>,
}

impl Defaults {
    fn of(tree: &Tree, draft: &Draft) -> Self {
        let program = &draft.command[0];
        let file = tree.find(program).and_then(|file| std::fs::read(file).ok());
        let pages = manual::pages(tree, program).into_iter().map(|(_, text)| defaults_in(&text).into_bytes());
        Self { texts: file.into_iter().chain(pages).collect() }
    }

    /// These arguments without paths that the other side leaves to the program, where it has them built in.
    fn left_out(&self, words: Vec<String>, others: &[String]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for word in words {
            let is_path = word.starts_with('/') && word.len() > 6 && word[1..].contains('/');
            let has = |text: &Vec<u8>| text.windows(word.len()).any(|part| part == word.as_bytes());
            let built_in = is_path && self.texts.iter().any(has);
            if !built_in || others.contains(&word) {
                out.push(word);
            } else if out.last().is_some_and(|last| last.starts_with('-') && !others.contains(last)) {
                out.pop();
            }
        }
        out
    }
}

/// The sentences of a page that speak of what is used where nothing is said.
fn defaults_in(page: &str) -> String {
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    words.split_inclusive(". ").filter(|sentence| sentence.to_lowercase().contains("default")).collect()
}

/// nginx: `daemon on; master_process on;` is how it is anyway, and `daemon off;` the foreground.
fn is_default_directive(word: &str) -> bool {
    let mut directives = word.split(';').map(str::trim).filter(|directive| !directive.is_empty()).peekable();
    let known = ["daemon on", "daemon off", "master_process on"];
    word.contains(';') && directives.peek().is_some() && directives.all(|directive| known.contains(&directive))
}

/// Spellings that say it themselves.
fn is_switch(option: &str) -> bool {
    let bare = option.trim_start_matches('-').to_ascii_lowercase().replace(['-', '_'], "");
    let known =
        ["foreground", "nodaemon", "nofork", "nodetach", "daemon", "daemonize", "background", "nobackground", "fg"];
    option.starts_with('-') && known.contains(&bare.as_str())
}
