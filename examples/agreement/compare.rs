//! What counts as the same in a definition and a unit.
//!
//! * program: the same file, links followed; `/bin` and `/usr/bin` are one place.
//! * arguments: the same words in any order, without those that say foreground or background, without those that only
//!   name the pid file; an option's long and short name are one. A file below `/etc` that one side names and the other
//!   leaves to the program is the same if that path is built into the program.
//! * user, group: the same names; nobody said is root; a group that is named like the user is the user's own. A daemon
//!   that one side starts as root and tells by its own option (`-u`, `--user`) to become the user of the other runs as
//!   the same user: these options are then no difference between the arguments.
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
    let place = |program: Option<&String>| program.map(|path| one_place(tree, path)).unwrap_or_default();
    differ(Field::Program, place(draft.command.first()), place(unit.command.first()));

    let root = |who: Option<&str>| who.filter(|who| *who != "0").unwrap_or("root").to_string();
    let (mut ours, mut theirs) = (draft.command.clone(), unit.command.clone());
    let (user, unit_user) = (root(draft.user.as_deref()), root(unit.value("User")));
    let (group, unit_group) = (draft.group.as_deref(), unit.value("Group"));
    let become_ours = user == "root" && becomes(&mut ours, &unit_user, unit_group);
    let become_theirs = unit_user == "root" && becomes(&mut theirs, &user, group);
    if !become_ours && !become_theirs {
        differ(Field::User, user.clone(), unit_user.clone());
        let own = |group: Option<&str>, user: &str| group.filter(|group| *group != user).map(String::from);
        let (group, unit_group) = (own(group, &user), own(unit_group, &unit_user));
        differ(Field::Group, group.unwrap_or_default(), unit_group.unwrap_or_default());
    }
    let options = Options::of(tree, table, draft);
    let (mut ours, mut theirs) = (options.that_count(&ours, draft), options.that_count(&theirs, draft));
    let defaults = Defaults::of(tree, draft);
    (ours, theirs) = (defaults.left_out(ours.clone(), &theirs), defaults.left_out(theirs, &ours));
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
    if !theirs.is_empty() {
        differ(Field::Reload, draft.reload.clone().unwrap_or_default(), theirs);
    }
    let forks = matches!(draft.kind, Kind::Forking { .. });
    if forks && let Some(theirs) = unit.value("PIDFile").filter(|_| unit.kind() == "forking") {
        let file = |file: &str| file.replace("/var/run/", "/run/");
        differ(Field::PidFile, draft.pid_file.as_deref().map(file).unwrap_or_default(), file(theirs));
    }
    if forks && unit.kind() != "forking" {
        differ(Field::Kind, "forking".to_string(), unit.kind().to_string());
    }
    out
}

/// Takes the options away by which a program is told to become this user, and says whether there were any.
fn becomes(command: &mut Vec<String>, user: &str, group: Option<&str>) -> bool {
    let is_option = |word: &str, names: &[&str]| {
        let bare = word.split('=').next().unwrap_or_default().trim_start_matches('-');
        word.starts_with('-') && names.contains(&bare)
    };
    let users = ["u", "user", "daemon-user", "setuid", "username", "runas", "U", "uid"];
    let groups = ["g", "group", "setgid", "G", "groupname", "gid"];
    let named = |command: &[String], names: &[&str], value: Option<&str>| {
        command.iter().enumerate().find_map(|(at, word)| {
            let joined = word.split_once('=').map(|(_, value)| value.to_string());
            let next = command.get(at + 1).filter(|next| !next.starts_with('-')).cloned();
            let (given, count) = if let Some(joined) = joined { (joined, 1) } else { (next?, 2) };
            let fits = value.is_none_or(|value| given == value || given.split(':').next() == Some(value));
            (is_option(word, names) && fits).then_some((at, count))
        })
    };
    let Some((at, count)) = named(command, &users, Some(user)).filter(|_| user != "root") else { return false };
    command.drain(at..at + count);
    if let Some((at, count)) = named(command, &groups, group) {
        command.drain(at..at + count);
    }
    true
}

fn one_place(tree: &Tree, path: &str) -> String {
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
        Self { switches, aliases }
    }

    /// The arguments that count.
    fn that_count(&self, command: &[String], draft: &Draft) -> Vec<String> {
        let pid_files: Vec<String> = draft.pid_file.iter().map(|file| file.replace("/var/run/", "/run/")).collect();
        let mut out: Vec<String> = Vec::new();
        for word in command.iter().skip(1) {
            let word = word.replace("/var/run/", "/run/");
            let (option, value) = match word.split_once('=').filter(|_| word.starts_with('-')) {
                Some((option, value)) => (option, Some(value)),
                None => (word.as_str(), None),
            };
            let is_pid_option = option.starts_with("--pid");
            if self.switches.contains(option) || is_switch(option) || (is_pid_option && value.is_some()) {
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

/// The text of the program, where its built-in paths are.
struct Defaults {
    text: Vec<u8>,
}

impl Defaults {
    fn of(tree: &Tree, draft: &Draft) -> Self {
        let file = tree.find(&draft.command[0]);
        Self { text: file.and_then(|file| std::fs::read(file).ok()).unwrap_or_default() }
    }

    /// These arguments without paths that the other side leaves to the program, where it has them built in.
    fn left_out(&self, words: Vec<String>, others: &[String]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for word in words {
            let is_path = word.starts_with("/etc/") && word.len() > 6;
            let built_in = is_path && self.text.windows(word.len()).any(|part| part == word.as_bytes());
            if !built_in || others.contains(&word) {
                out.push(word);
            } else if out.last().is_some_and(|last| last.starts_with('-') && !others.contains(last)) {
                out.pop();
            }
        }
        out
    }
}

/// Spellings that say it themselves.
fn is_switch(option: &str) -> bool {
    let bare = option.trim_start_matches('-').to_ascii_lowercase().replace(['-', '_'], "");
    let known =
        ["foreground", "nodaemon", "nofork", "nodetach", "daemon", "daemonize", "background", "nobackground", "fg"];
    option.starts_with('-') && known.contains(&bare.as_str())
}
